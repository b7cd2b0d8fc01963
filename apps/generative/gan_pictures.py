"""The pictures that a GAN learns to draw: data sets by name, or any folder. No Keras here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightkit import io
from sightkit._arrays import sha256_of
from sightkit._errors import SightkitError, few
from sightkit._scripts import warn
from sightkit.io.left_out import counted
from sightkit.io.sources.image_source import ImageSource
from sightkit.preprocessing import AspectAwarePreprocessor

SETS = ("mnist", "fashion", "digits", "smiles")
"""Data sets with labels, by the names that ``--data`` takes."""
OF_ONE_SIZE = SETS[:3]
SMILES = Path("datasets/SMILEs")
SMILE_CLASSES = ("negatives", "positives")
SIDE = 32
"""Height and width of a folder's pictures, pixels, where none are given."""
FEWEST = 20
VALIDATION, TEST = 0.05, 0.15
"""Shares of pictures that have no split of their own."""
MOST_VALIDATION = 2_000
SPLIT_SEED = 42


@dataclass(frozen=True)
class Pictures:
    """Pictures in three splits.

    Attributes:
        images: of ``train``, ``validation`` and ``test``: uint8 (N, H, W, 1 or 3).
        labels: of the same, int64 (N,); all 0 where there are no classes.
        class_names: in label order; empty where there are no classes.
    """

    images: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    class_names: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        height, width, channels = self.images["train"].shape[1:]
        return height, width, channels

    @property
    def sha256(self) -> str:
        """SHA-256 of the pictures of all splits."""
        return sha256_of(sorted(self.images.items()))

    def __str__(self) -> str:
        height, width, channels = self.shape
        counts = ", ".join(f"{len(each):,} {name}" for name, each in self.images.items())
        kind = "grey" if channels == 1 else "colour"
        return f"Pictures of {height}x{width}, {kind}: {counts}."


def read_gan_pictures(
    data: Path, size: tuple[int, ...] = (), *, pictures: int | None = None
) -> Pictures:
    """Read the pictures of a data set or a folder.

    Pictures of another shape are scaled and cut to the middle. They are grey if all of a folder
    are, else colour. A folder's are divided at random, the same each time.

    Args:
        data: one of ``SETS``; or a folder, with others in it or not.
        size: height and width, pixels; by default the data set's own, and 32 for faces and folders.
        pictures: training pictures to take, at random; all by default.

    Raises:
        SightkitError: no such folder, fewer than 20 pictures, or one that cannot be read; it is
            named.
    """
    source = _source(data)
    _require_complete(source, data)
    own = () if str(data) in OF_ONE_SIZE else (SIDE, SIDE)
    rows = _divided(source, pictures)
    taken = np.concatenate([*rows.values()])
    images = _read(source, taken, size or own)
    ends = np.cumsum([len(each) for each in rows.values()])[:-1]
    parts = zip(rows, np.split(images, ends), strict=True)
    labelled = len(source.class_names) > 1
    return Pictures(
        dict(parts),
        {name: source.labels[each] for name, each in rows.items()},
        source.class_names if labelled else (),
    )


def _source(data: Path) -> ImageSource:
    name = str(data)
    if name == "digits":
        return io.digits()
    if name == "mnist":
        return io.mnist()
    if name == "fashion":
        return io.fashion_mnist()
    folder = SMILES if name == "smiles" and not data.is_dir() else data
    if not folder.is_dir():
        raise SightkitError(
            f"--data must be one of {', '.join(SETS)}, or a folder of pictures; smiles are in "
            f"{SMILES}.",
            "Check the path.",
            data=name,
        )
    if name == "smiles":
        return io.FolderDataset(folder, classes=SMILE_CLASSES)()
    return io.FolderDataset(folder, layout="none")()


def _require_complete(source: ImageSource, data: Path) -> None:
    """Raise where images are lost or too few; report other files that are not taken."""
    if source.lost:
        lost = [f"{name} ({reason})" for name, reason in source.left_out[: source.lost]]
        raise SightkitError(
            "All images of the folder must be readable.",
            "Remove or replace them: sightkit verify_dataset lists all.",
            images=few(lost),
        )
    if source.left_out:
        reasons = Counter(reason for _, reason in source.left_out)
        warn(f"Left out of {data}: {counted(reasons)}.")
    if len(source) < FEWEST:
        raise SightkitError(
            f"A GAN needs pictures to learn from: {FEWEST} at the least, thousands to be any good.",
            "Give another folder.",
            data=str(data),
            pictures=len(source),
        )


def _divided(source: ImageSource, pictures: int | None) -> dict[str, np.ndarray]:
    """Return the rows of each split; the test split is the data set's own where it has one."""
    rng = np.random.default_rng(SPLIT_SEED)
    fixed = dict(source.fixed)
    known = rng.permutation(fixed.get("train", np.arange(len(source))))
    if "test" not in fixed:
        count = max(2, round(TEST * len(known)))
        fixed["test"], known = known[:count], known[count:]
    count = min(MOST_VALIDATION, max(1, round(VALIDATION * len(known))))
    validation, train = known[:count], known[count:]
    return {"train": train[:pictures], "validation": validation, "test": fixed["test"]}


def _read(source: ImageSource, rows: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Read rows to one array; grey where all are."""
    resize = AspectAwarePreprocessor(size[1], size[0]) if size else lambda image: image
    found = np.stack([resize(source.read(int(row))) for row in rows])
    if found.shape[-1] == 3 and (found[..., :1] == found).all():
        found = found[..., :1]
    return np.ascontiguousarray(found)
