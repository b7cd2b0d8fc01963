"""Pictures with masks: which file belongs to which, what each value in a mask means, all checked.

No Keras here: the data are checked before it starts.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightkit import _files, io
from sightkit._errors import SightkitError, few
from sightkit.apps.generative.mask_classes import (
    CLASSES,
    MaskClasses,
    camvid_classes,
    classes_of_values,
    read_mask_classes,
    read_mask_values,
)
from sightkit.preprocessing import ColourPreprocessor

SPLITS = ("train", "val", "test")
SHARES = (0.15, 0.15)
"""Of pairs that are in no split yet: validation and test."""
FEWEST = 5


@dataclass(frozen=True)
class SegmentationPairs:
    """Pictures with their masks.

    Attributes:
        pictures: image files.
        masks: the mask of each.
        classes: what the values of masks mean.
    """

    pictures: tuple[Path, ...]
    masks: tuple[Path, ...]
    classes: MaskClasses

    def __len__(self) -> int:
        return len(self.pictures)

    def image(self, row: int) -> np.ndarray:
        """Read a picture, uint8 (H, W, 3) RGB."""
        return ColourPreprocessor()(io.read_image(self.pictures[row]))

    def labels(self, row: int) -> np.ndarray:
        """Read a mask: uint8 (H, W), places in ``classes.names``, 255 where nothing is counted."""
        return self.classes.labels(read_mask_values(self.masks[row]))

    @property
    def sha256(self) -> str:
        """Hash of pictures, masks and classes: the identity of the data."""
        files = [_files.sha256(path) for path in (*self.pictures, *self.masks)]
        return hashlib.sha256(repr((files, self.classes)).encode()).hexdigest()


def read_pairs(folder: str | os.PathLike[str], *, seed: int = 0) -> dict[str, SegmentationPairs]:
    """List pictures and masks by split, and check every one of them.

    Two layouts: ``train``, ``val`` and ``test`` with their masks in ``trainannot``, ``valannot``
    and ``testannot`` (CamVid's); or ``images`` with ``masks``, divided here at random. A mask has
    the name of its picture, in any format that keeps each value (PNG): one channel, each value a
    class, or a palette's places; or colours, which ``classes.csv`` names.

    Args:
        folder: of the data.
        seed: of the division, where there is none.

    Returns:
        ``train``, ``val`` and ``test``.

    Raises:
        SightkitError: another layout; all that is wrong in it as one message: pictures without a
            mask and masks without a picture, unreadable files, sizes that differ, unknown values.
    """
    folder = Path(folder)
    given = all((folder / f"{split}annot").is_dir() for split in SPLITS)
    if given:
        places = {split: (folder / split, folder / f"{split}annot") for split in SPLITS}
    elif (folder / "images").is_dir() and (folder / "masks").is_dir():
        places = {"train": (folder / "images", folder / "masks")}
    else:
        raise SightkitError(
            "--data must be a folder with images and masks, or with train, trainannot and so on.",
            "Put pictures into images, and masks of the same names into masks.",
            data=str(folder),
        )
    faults: list[str] = []
    files = {split: _matched(*place, faults) for split, place in places.items()}
    values = {split: _checked(pairs, faults) for split, pairs in files.items()}
    _raise(faults)
    if (folder / CLASSES).is_file():
        classes = read_mask_classes(folder / CLASSES)
    elif given and all(found <= {*range(12)} for found in values["train"].values()):
        classes = camvid_classes()
    else:
        classes = classes_of_values(set().union(*values["train"].values()))
    for found in values.values():
        for mask, seen in found.items():
            if unknown := sorted(seen - {*classes.values}):
                faults.append(f"{mask.name} has {few([_written(value) for value in unknown], 3)}")
    _raise(faults, "Masks may have the values of the classes alone")
    if not given:
        files = _divided(files["train"], seed)
    return {
        split: SegmentationPairs(tuple(p for p, _ in pairs), tuple(m for _, m in pairs), classes)
        for split, pairs in files.items()
    }


def _matched(pictures: Path, masks: Path, faults: list[str]) -> list[tuple[Path, Path]]:
    found: list[Mapping[str, Path]] = []
    for folder in (pictures, masks):
        listed = [f for f in sorted(folder.iterdir()) if f.is_file() and f.name[0] != "."]
        twice = [name for name, count in Counter(f.stem for f in listed).items() if count > 1]
        faults += [f"{folder.name} has several files named {name}" for name in twice]
        found.append({path.stem: path for path in listed})
    for here, there, what in ((*found, "mask"), (*found[::-1], "picture")):
        faults += [f"{here[name].name} has no {what}" for name in here if name not in there]
    if not faults and not found[0]:
        faults.append(f"{pictures.name} is empty")
    return [(path, found[1][name]) for name, path in found[0].items() if name in found[1]]


def _checked(pairs: Sequence[tuple[Path, Path]], faults: list[str]) -> dict[Path, set[int]]:
    """Read all; return the values of each mask."""
    values: dict[Path, set[int]] = {}
    for picture, mask in pairs:
        try:
            size, found = io.read_image(picture).shape[:2], read_mask_values(mask)
        except SightkitError as error:
            faults.append(str(error).rstrip("."))
            continue
        if size != found.shape:
            faults.append(f"{mask.name} is {found.shape[1]}x{found.shape[0]}, its picture "
                          f"{size[1]}x{size[0]}")  # fmt: skip
        values[mask] = {*np.unique(found).tolist()}
    return values


def _written(value: int) -> str:
    """Return a value, or the colour of a number above 255, as classes.csv has it."""
    return str(value) if value <= 255 else str(tuple(value.to_bytes(3)))


def _raise(
    faults: list[str], rule: str = "Each picture must have a mask of its size, both whole"
) -> None:
    if faults:
        raise SightkitError(
            f"{rule}: {few(faults)}.", "Mend these files, or take them out.", faults=len(faults)
        )


def _divided(pairs: Sequence[tuple[Path, Path]], seed: int) -> dict[str, list[tuple[Path, Path]]]:
    if len(pairs) < FEWEST:
        raise SightkitError(
            f"There must be at least {FEWEST} pairs for training, validation and test.",
            "Add pictures and masks.",
            pairs=len(pairs),
        )
    order = np.random.default_rng(seed).permutation(len(pairs))
    held = [max(1, round(share * len(pairs))) for share in SHARES]
    parts = np.split(order, np.cumsum(held))
    named = zip(("val", "test", "train"), parts, strict=True)
    divided = {split: [pairs[k] for k in sorted(rows)] for split, rows in named}
    return {split: divided[split] for split in SPLITS}
