"""Boosting: each member learns from the rows that the earlier ones answer wrongly (SAMME).

Every row of the training split has a weight, at first the same. A member is trained on rows drawn
by weight; its error, on all rows by their weights, is worth a vote, and the weights of the rows
that it answers wrongly grow.

Reference:
    Zhu, Zou, Rosset, Hastie, "Multi-class AdaBoost", Statistics and Its Interface 2, 2009.
"""

from __future__ import annotations

import base64
import binascii
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from annotated_types import MinLen
from typing_extensions import TypedDict

from sightkit import _files, _schema
from sightkit import io as sightkit_io
from sightkit._errors import SightkitError
from sightkit._schema import Positive, Sha256

VOTE = "vote.json"
_BOOSTING = 2
_AS_CHANCE = 1e-9
"""A network that answers as the last one has, by the new weights, the error of chance but for
rounding."""


class Vote(TypedDict):
    """What a member is worth, in its folder.

    Attributes:
        weights_sha256: of the members before it, and of itself: a vote is for these alone.
        dataset_sha256: of the dataset whose rows were weighed.
        error: share of the weights of the rows that it answers wrongly.
        vote: alpha of the paper.
        mistakes: the rows of the training split that it answers wrongly, a bit each, in base64.
    """

    format: Literal["sightkit-vote"]
    schema: Literal[1]
    weights_sha256: Annotated[list[Sha256], MinLen(1)]
    dataset_sha256: Sha256
    error: float
    vote: Positive
    mistakes: str


def samme(weights: np.ndarray, wrong: np.ndarray, classes: int) -> tuple[float, float, np.ndarray]:
    """Return a member's weighted error, its vote, and the weights of the rows for the next one.

    A vote is finite: an error counts as half a row's share of all at least.

    Args:
        weights: float64 (rows,), of sum 1.
        wrong: bool (rows,), the rows that the member answers wrongly.
        classes: number of classes.

    Raises:
        SightkitError: the error is that of chance, or more.
    """
    error, chance = float(weights[wrong].sum()), 1 - 1 / classes
    if error >= chance - _AS_CHANCE:
        raise SightkitError(
            "A boosted member must be better than chance on the training images, by their weights.",
            'Train each for longer, --flags="--epochs 50" for example, in another --output; or '
            "evaluate the bundles of the members before it by their names.",
            weighted_error=round(error, 4),
            chance=round(chance, 4),
        )
    counted = max(error, 0.5 / len(weights))
    vote = math.log((1 - counted) / counted) + math.log(classes - 1)
    grown = weights * np.exp(vote * wrong)
    return error, vote, grown / grown.sum()


def draw_by_weight(first: int, last: int, weights: np.ndarray, *, seed: int) -> np.ndarray:
    """Draw rows with replacement, by weight and seed: int64 (last - first,), sorted."""
    rng = np.random.default_rng([seed, _BOOSTING])
    return np.sort(rng.choice(np.arange(first, last), last - first, p=weights))


def boost(
    dataset: str | os.PathLike[str],
    path: str | os.PathLike[str],
    seed: int,
    votes: Sequence[Vote] = (),
) -> Path:
    """Write a dataset file whose training split is drawn from another's, by weight.

    As many rows as the split has; the other splits are the same. Which rows is a function of the
    seed and of the earlier members' mistakes.

    Args:
        dataset: file with a split train.
        path: of the new file; one of the same dataset, seed and members is used.
        seed: of the drawing.
        votes: of the earlier members.

    Returns:
        ``path``.

    Raises:
        SightkitError: no such split, no classes, votes of other data, or a file that exists and
            is another one.
    """
    from sightkit.training.search.data import derive

    file, path = sightkit_io.DatasetFile.open(dataset), Path(path)
    rows = {name: np.arange(*ends) for name, ends in file.splits.items()}
    weights = _weights(file, votes)
    rows["train"] = draw_by_weight(*file.rows("train"), weights, seed=seed)
    members = votes[-1]["weights_sha256"] if votes else []
    about = {"seed": seed, "dataset_sha256": file.sha256, "weights_sha256": members}
    derive(path, file, rows, boosting=about)
    return path


def write_vote(bundle: Path, dataset: str | os.PathLike[str], votes: Sequence[Vote] = ()) -> Vote:
    """Evaluate a trained member on all training rows, as they are stored, and write its vote.

    Args:
        bundle: of the member; its vote is written beside it.
        dataset: the file that the rows were drawn from.
        votes: of the earlier members.

    Raises:
        SightkitError: the member is not better than chance.
    """
    from sightkit import evaluation, training

    file = sightkit_io.DatasetFile.open(dataset)
    weights = _weights(file, votes)
    loaded = training.load_bundle(bundle, images=len(weights))
    data = evaluation.open_data(dataset, loaded, split="train")
    found = evaluation.evaluate(loaded.predictor, data.batches, name="train")
    wrong = found.predictions != found.labels
    error, vote, _ = samme(weights, wrong, len(file.class_names))
    before = votes[-1]["weights_sha256"] if votes else []
    made = Vote(
        format="sightkit-vote",
        schema=1,
        weights_sha256=[*before, loaded.description["weights_sha256"]],
        dataset_sha256=file.sha256,
        error=error,
        vote=vote,
        mistakes=base64.b64encode(np.packbits(wrong).tobytes()).decode("ascii"),
    )
    _files.write_json(bundle.parent / VOTE, made)
    return made


def read_votes(bundles: Sequence[Path]) -> list[Vote]:
    """Return the votes of the first members of an ensemble.

    Raises:
        SightkitError: one has no vote yet, or its vote is of other weights.
    """
    from sightkit.training import ALONE, check_bundle

    votes: list[Vote] = []
    members: list[str] = []
    for bundle in bundles:
        if not (bundle.parent / VOTE).is_file():
            raise SightkitError(
                "All members of a boosted ensemble must have their votes first.",
                "Give ensemble.py its command again: it continues.",
                missing=str(bundle.parent / VOTE),
            )
        votes.append(read_vote(bundle.parent))
        members.append(check_bundle(bundle, ALONE)["weights_sha256"])
        if votes[-1]["weights_sha256"] != members:
            raise SightkitError(
                "A boosted member and its vote are of the members before it, as they were then.",
                "Put the former bundles back, or train all of them again in another --output.",
                other_than_they_were=str(bundle.parent),
            )
    return votes


def read_vote(folder: Path) -> Vote:
    """Read the vote in a member's folder."""
    return _schema.read(folder / VOTE, Vote, "Delete it: ensemble.py makes it again.")


def _weights(file: sightkit_io.DatasetFile, votes: Sequence[Vote]) -> np.ndarray:
    """Return the weights of the training rows after some members' votes."""
    first, last = file.rows("train")
    count, classes = last - first, len(file.class_names)
    if classes < 2:
        rule = "--boosting is for classes: a row counts as right or wrong."
        raise SightkitError(rule, "Give --bagging.", data=str(file.path), classes=classes)
    weights = np.full(count, 1 / count)
    for vote in votes:
        if vote["dataset_sha256"] != file.sha256:
            raise SightkitError(
                "All members of a boosted ensemble are trained on the same dataset.",
                "Put the former file back, or choose another --output.",
                data=str(file.path),
            )
        weights = samme(weights, _mistakes(vote, count), classes)[2]
    return weights


def _mistakes(vote: Vote, count: int) -> np.ndarray:
    """Return the rows that a member answers wrongly: bool (count,)."""
    try:
        packed = np.frombuffer(base64.b64decode(vote["mistakes"], validate=True), np.uint8)
    except (binascii.Error, ValueError):
        packed = np.zeros(0, np.uint8)
    if len(packed) != -(-count // 8):
        rule = f"The mistakes of {VOTE} must be one bit a training image, in base64."
        raise SightkitError(rule, "Delete it: ensemble.py makes it again.", images=count)
    return np.unpackbits(packed, count=count).astype(bool)
