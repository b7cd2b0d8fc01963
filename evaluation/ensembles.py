"""Ensembles: averaged answers, votes, and the gain for the cost.

Pure functions of the members' answers; nothing here knows how they were trained.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.evaluation.intervals import Interval, paired_interval
from sightkit.evaluation.metrics import Evaluation, rank_accuracy
from sightkit.io.build.recipe import differences

TINY = 1e-60
"""Replaces a probability of 0 in the logarithm: below all that float32 can hold by so much that
the loss stays convex on what it holds, and Jensen's inequality exact."""
TIE = 1e-5
"""What the mean counts for beside weighted votes: little, and float32 holds it beside them."""
LONGEST = 60
SUBSETS = 200
"""So many choices of k members at most are tried for ``by_size``."""


def mean_answer(
    answers: Sequence[np.ndarray], weights: Sequence[float] | None = None
) -> np.ndarray:
    """Average the members' probabilities: M times (N, classes) to float32 (N, classes).

    Args:
        answers: of the members.
        weights: positive, one a member, such as the votes of boosting; equal by default.
    """
    return _mean(_stacked(answers), weights).astype(np.float32)


def vote(answers: Sequence[np.ndarray], weights: Sequence[float] | None = None) -> np.ndarray:
    """Count each member's class; shares of the votes, ties decided by the mean probability.

    The mean is one further vote, divided among the classes as the members are sure of them: it
    turns no majority. Beside weighted votes it counts for 1 / 100,000 of them all.

    Args:
        answers: as ``mean_answer`` takes them.
        weights: votes of each member, positive; one each by default.

    Returns:
        float32 (N, classes), rows of sum 1.
    """
    stacked = _stacked(answers)
    shares = _mean(np.eye(stacked.shape[2])[stacked.argmax(axis=2)], weights)
    tie = 1 / len(stacked) if weights is None else TIE
    return ((shares + tie * _mean(stacked, weights)) / (1 + tie)).astype(np.float32)


@dataclass(frozen=True)
class Jensen:
    """Cross-entropy of the averaged answer, and the mean of the members' own, in nats.

    -log is convex: of each image, and so of all, the first is never above the second. The notes
    of the course write it for any convex loss.
    """

    ensemble: float
    members: float

    @property
    def holds(self) -> bool:
        """True where the inequality holds, within the rounding of sums in float64."""
        return self.ensemble <= self.members + 1e-9 * max(1.0, self.members)


def jensen(
    answers: Sequence[np.ndarray], labels: np.ndarray, weights: Sequence[float] | None = None
) -> Jensen:
    """Compare the loss of the mean answer to the mean loss of the answers.

    In float64, and without the cut at 1e-7 that ``Evaluation.losses`` shares with Keras: cut off,
    the loss is not convex.

    Args:
        answers: M times (N, classes), probabilities.
        labels: int (N,), the truth.
        weights: of both means, positive, one a member; equal by default.
    """
    stacked = _stacked(answers)
    true = stacked[:, np.arange(len(labels)), labels].astype(np.float64)
    losses = -np.log(np.maximum(true, TINY)).mean(axis=1)
    return Jensen(
        ensemble=float(-np.log(np.maximum(_mean(true, weights), TINY)).mean()),
        members=float(_mean(losses, weights)),
    )


@dataclass(frozen=True)
class Ambiguity:
    """The mean of the outputs of several networks, and the decomposition of its error.

    Attributes:
        average: float64 (N, outputs), the mean of the members' outputs.
        error: mean squared error of the average.
        members: mean of the members' mean squared errors.
        spread: mean squared distance of the members from their average, called the ambiguity. It
            is what averaging gains: ``error = members - spread``, whatever the targets.

    Reference:
        Krogh, Vedelsby, "Neural network ensembles, cross validation, and active learning", 1995.
    """

    average: np.ndarray
    error: float
    members: float
    spread: float


def ambiguity(outputs: Sequence[np.ndarray], targets: np.ndarray) -> Ambiguity:
    """Average the outputs of several networks for regression, and decompose the squared error.

    Args:
        outputs: M times (N, outputs), or (N,) where each is one number.
        targets: the truth, (N, outputs), or (N,).

    Raises:
        SightkitError: outputs or targets of other images.
    """
    *members, truth = (
        np.reshape(each, (len(each), -1)).astype(np.float64) for each in (*outputs, targets)
    )
    shapes = {each.shape for each in (*members, truth)}
    if len(shapes) != 1 or not members:
        raise SightkitError(
            "The outputs of the members and the targets must be of one shape (images, outputs).",
            outputs=[each.shape for each in members],
            targets=truth.shape,
        )
    stacked = np.stack(members)
    average = stacked.mean(axis=0)
    return Ambiguity(
        average=average,
        error=float(np.mean((average - truth) ** 2)),
        members=float(np.mean((stacked - truth) ** 2)),
        spread=float(np.mean((stacked - average) ** 2)),
    )


@dataclass(frozen=True)
class Gain:
    """Gain in accuracy of a slower predictor over a faster one, on the same images, and its cost.

    Attributes:
        points: rank-1 accuracy, in percentage points, that it brings.
        interval: 95 % of it, a paired bootstrap.
        extra_milliseconds: additional time an image.
    """

    points: float
    interval: Interval
    extra_milliseconds: float

    @property
    def per_millisecond(self) -> float | None:
        """Points for each additional millisecond; None where there is none."""
        return self.points / self.extra_milliseconds if self.extra_milliseconds > 0 else None

    def __str__(self) -> str:
        """A line for the terminal."""
        low, high = self.interval
        each = self.per_millisecond
        rate = "" if each is None else f": {each:+.3g} points a millisecond"
        return (
            f"{self.points:+.2f} points (95 % interval {low:+.2f} to {high:+.2f}) for "
            f"{self.extra_milliseconds:+.3g} ms an image{rate}"
        )

    def to_metrics(self) -> dict[str, Any]:
        """The same as JSON."""
        own = {**vars(self), "interval": list(self.interval)}
        return {**own, "points_per_millisecond": self.per_millisecond}


def gain(ours: Evaluation, theirs: Sequence[Evaluation]) -> Gain:
    """Compare an answer to one other, or to the mean of several.

    Args:
        ours: the slower one, timed.
        theirs: the faster ones, timed, on the same images.
    """
    right = 100.0 * (ours.predictions == ours.labels)
    others = 100.0 * np.mean([e.predictions == e.labels for e in theirs], axis=0)
    cost, before = milliseconds([ours]), milliseconds(theirs)
    return Gain(
        points=float(np.mean(right - others)),
        interval=paired_interval(right, others),
        extra_milliseconds=(
            math.nan if cost is None or before is None else cost - before / len(theirs)
        ),
    )


def combined(
    members: Sequence[Evaluation],
    how: Callable[..., np.ndarray] = mean_answer,
    weights: Sequence[float] | None = None,
) -> Evaluation:
    """Combine answers by ``mean_answer`` or ``vote``; their times add up."""
    answers = how([member.probabilities for member in members], weights)
    return replace(members[0], probabilities=answers, milliseconds=milliseconds(members))


def milliseconds(members: Sequence[Evaluation]) -> float | None:
    """Add up the time that an image takes with each; None where one was not timed."""
    costs = [member.milliseconds for member in members]
    return None if None in costs else math.fsum(filter(None, costs))


def by_size(
    members: Sequence[Evaluation], weights: Sequence[float] | None = None
) -> list[tuple[float, float, float]]:
    """Return the rank-1 accuracy of averages of 1, 2, … of the members: mean, lowest, highest.

    Over all choices of so many members; where there are more than 200, over 200 of them.

    Args:
        members: on the same images.
        weights: of the averages, one a member; equal by default.
    """
    answers = [member.probabilities for member in members]
    rng = np.random.default_rng(0)
    found = []
    for size in range(1, len(answers) + 1):
        chosen = list(itertools.islice(itertools.combinations(range(len(answers)), size), SUBSETS))
        if len(chosen) == SUBSETS:  # the first ones all begin alike
            chosen = [tuple(rng.choice(len(answers), size, replace=False)) for _ in range(SUBSETS)]
        ranks = [
            rank_accuracy(
                mean_answer([answers[k] for k in some], weights and [weights[k] for k in some]),
                members[0].labels,
            )
            for some in chosen
        ]
        found.append((float(np.mean(ranks)), min(ranks), max(ranks)))
    return found


def require_alike(members: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse members that cannot answer together.

    Args:
        members: name to content of ``bundle.json``: ``class_names`` and ``preprocessing``.

    Raises:
        SightkitError: fewer than two, or one whose class list or preprocessing is not that of the
            first; the member and the difference are named.
    """
    if len(members) < 2:
        raise SightkitError(
            "An ensemble has two members at least.",
            "Train more, or name more bundles.",
            members=list(members),
        )
    (first, wanted), *others = members.items()
    rules = {
        "class_names": "the same classes in the same order: labels are numbers",
        "preprocessing": "the same preprocessing: they take the same batches",
    }
    for name, found in others:
        for key, rule in rules.items():
            for place, own, other in differences(key, found[key], wanted[key]):
                raise SightkitError(
                    f"All members of an ensemble must have {rule}.",
                    f"Leave {name} out, or train it as {first}.",
                    member=name,
                    differ=f"{place}: {str(own)[:LONGEST]}, the others {str(other)[:LONGEST]}",
                )


def _mean(stacked: np.ndarray, weights: Sequence[float] | None) -> np.ndarray:
    """Average over the members in float64."""
    if weights is None:
        return stacked.mean(axis=0, dtype=np.float64)
    return np.average(stacked, axis=0, weights=np.asarray(weights, np.float64))


def _stacked(answers: Sequence[np.ndarray]) -> np.ndarray:
    shapes = {np.shape(answer) for answer in answers}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2:
        raise SightkitError(
            "An ensemble needs the answers of its members to the same images: arrays of one shape "
            "(images, classes).",
            shapes=sorted(shapes),
        )
    return np.stack(list(answers))
