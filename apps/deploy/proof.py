"""Whether an exported file says what its bundle says: on photos, in the file's own runtime."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import evaluation, io, training, transfer
from sightkit._errors import SightkitError
from sightkit.apps.deploy.exported import BATCH
from sightkit.preprocessing import Augment

PHOTOS = 64
TOLERANCE = 1e-4
"""Of a probability."""
FEWEST = 1_000
"""Photos of a verdict on int8."""
MOST_LOST = 0.01
"""Share of photos that int8 may answer rightly no more."""
CALIBRATION = 128
"""Photos at least that activations are measured on, in full batches."""
LEAST = CALIBRATION + BATCH
"""Photos that leave one for the comparison."""
VARIATION = Augment(rotation=30, translation=0.2, zoom=0.3, horizontal_flip=True)


@dataclass(frozen=True)
class Proof:
    """What was compared.

    Attributes:
        photos: how many.
        source: the canary's variations, or name of the folder or file they came from.
        largest_difference: of a probability.
        same_top1: share of photos whose most probable class is the same.
    """

    photos: int
    source: str
    largest_difference: float
    same_top1: float


@dataclass(frozen=True)
class Quantization:
    """What int8 changed, on photos that no activation was measured on.

    Attributes:
        photos: how many.
        other_top1: of them, those whose most probable class is another.
        accuracy: share that is answered rightly in float32.
        lost: share that int8 answers rightly no more, net; None, no verdict, below 1,000 photos.
    """

    photos: int
    other_top1: int
    accuracy: float
    lost: float | None


def photos_for(canary: np.ndarray, data: Path | None, split: str) -> tuple[list[Any], str]:
    """Return the canary image and 64 photos, uint8 (H, W, C) or paths, and where they come from.

    Args:
        canary: of the bundle.
        data: dataset file, or folder of photos; None for 64 random variations of the canary.
        split: of the file.
    """
    if data is None:
        rngs = [np.random.default_rng([PHOTOS, number]) for number in range(PHOTOS)]
        return [canary, *(VARIATION(canary, rng) for rng in rngs)], "variations of the canary image"
    if data.is_dir():
        files = evaluation.PhotoFolder([data]).files
        photos = [files[at] for at in _spread(len(files))]
    else:
        file = io.DatasetFile.open(data)
        first, last = file.rows(split)
        photos = list(file.read(first + np.array(_spread(last - first))))
    return [canary, *photos], data.name


def prove(
    exported: training.Bundle,
    bundle: training.Bundle | transfer.FeatureClassifier,
    photos: Sequence[Any],
    source: str,
) -> Proof:
    """Compare an export with its bundle.

    Raises:
        SightkitError: a probability differs by more than 1e-4, or is no number.
    """
    answers, wanted = exported.predict(list(photos)), bundle.predict(list(photos))
    alone = exported.predict(photos[0])  # the batch axis takes one image as well
    difference = max(np.abs(answers - wanted).max(), np.abs(alone - wanted[:1]).max())
    proof = Proof(
        len(photos),
        source,
        float(difference),
        float((answers.argmax(1) == wanted.argmax(1)).mean()),
    )
    if not proof.largest_difference <= TOLERANCE:
        raise SightkitError(
            f"An export must say what its bundle says, to {TOLERANCE:g}; nothing was written.",
            "Choose another --format: this converter gets something in the network wrong.",
            largest_difference=proof.largest_difference,
            same_top1=proof.same_top1,
            photos=proof.photos,
        )
    return proof


def require_enough(data: Path, split: str, class_names: Sequence[str]) -> None:
    """Raise, before any work, unless data are labelled photos, and as many as int8 needs."""
    if (photos := evaluation.check_data(data, split, class_names)) < LEAST:
        raise SightkitError(
            f"int8 needs {LEAST} photos: it is measured on others than the {CALIBRATION} that "
            "activations are measured on.",
            f"Give --data with more; a verdict needs {FEWEST + LEAST:,}.",
            photos=photos,
        )


def quantize(
    network: Any,
    exported: training.Bundle,
    source: Path,
    path: Path,
    data: Path,
    split: str,
) -> Quantization:
    """Write the int8 form of an export, and measure what it loses.

    Args:
        network: the Keras network that was exported.
        exported: in float32.
        source: its file.
        path: of the new file.
        data: labelled photos, see ``require_enough``: dataset file, or folder of class folders.
        split: of the file.

    Raises:
        SightkitError: of 1,000 photos or more, over 1 % are answered rightly no more.
    """
    kind: Any = type(exported.predictor)
    opened, _ = transfer.open_for_evaluation(exported, data, split=split)
    batches = opened.batches
    each = max(1, len(batches[0][1]))
    measured = _spread(len(batches), -(-CALIBRATION // each))
    images = np.concatenate([batches[index][0] for index in measured])
    kind.quantize(network, source, path, images.astype(np.float32))
    small = kind(path)
    right, still, other, count = 0, 0, 0, 0
    for index in sorted(set(range(len(batches))) - set(measured)):
        images, labels = batches[index]
        full, less = (answer(images).argmax(1) for answer in (exported.predictor, small))
        right, still = right + int((full == labels).sum()), still + int((less == labels).sum())
        other, count = other + int((full != less).sum()), count + len(labels)
    lost = (right - still) / count if count >= FEWEST else None
    found = Quantization(count, other, right / count, lost)
    if lost is not None and lost > MOST_LOST:
        raise SightkitError(
            f"int8 may lose {100 * MOST_LOST:.0f} point of accuracy; nothing was written.",
            "Leave out --int8.",
            **dataclasses.asdict(found),
        )
    return found


def _spread(count: int, wanted: int = PHOTOS) -> list[int]:
    """Return so many positions, or all, at equal distances."""
    return np.linspace(0, count - 1, min(count, wanted), dtype=int).tolist()
