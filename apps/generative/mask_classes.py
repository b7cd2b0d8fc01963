"""What the values of a mask mean: classes with a value or a colour each, and those not counted."""

from __future__ import annotations

import csv
import io as text_io
import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sightkit._errors import SightkitError
from sightkit._regular_file import open_regular, read_regular_file

CLASSES = "classes.csv"
"""File in the folder of the data."""
NOT_COUNTED = ("void", "unlabelled", "unlabeled", "ignore")
"""Names of what is neither learned nor counted."""
IGNORED = 255
UNREADABLE = (
    *(OSError, SyntaxError, ValueError),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)
"""What Pillow raises."""
MOST_BYTES = 2**20
MOST = 64
"""Values in masks without a list of classes: more are those of a photo or of a JPEG file."""
CAMVID = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car",
          "pedestrian", "bicyclist", "void")  # fmt: skip


@dataclass(frozen=True)
class MaskClasses:
    """The classes of masks.

    Attributes:
        names: of those that are learned; their order is that of a network's output.
        values: the value, or the colour as 65536·red + 256·green + blue, of each class; those that
            are not counted come last.
    """

    names: tuple[str, ...]
    values: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check the lists."""
        if len(self.names) < 2 or len({*self.names}) < len(self.names):
            raise SightkitError(
                "Masks must have at least two classes, each with its own name.",
                f"Look at {CLASSES} and at the masks.",
                classes=self.names,
            )
        if len({*self.values}) < len(self.values) or len(self.names) > IGNORED:
            raise SightkitError(
                f"Each class must have its own value or colour, at most {IGNORED} of them.",
                f"Look at {CLASSES}.",
                values=self.values,
            )

    def labels(self, values: np.ndarray) -> np.ndarray:
        """Return places in ``names``, uint8 (H, W), of values (H, W); 255 is not counted."""
        order = np.argsort(self.values)
        found = order[np.searchsorted(np.asarray(self.values)[order], values)]
        return np.where(found < len(self.names), found, IGNORED).astype(np.uint8)


def read_mask_values(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a mask as it is stored: int64 (H, W), values or palette places; colours as one number.

    Raises:
        SightkitError: no image, a truncated one, or one with values beyond 8 bits.
    """
    try:
        with (
            warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning),
            open_regular(path) as file,
            Image.open(file) as image,
        ):
            mode = image.mode
            pixels = np.asarray(image.convert("RGB") if mode == "RGBA" else image).astype(np.int64)
    except UNREADABLE as error:
        raise SightkitError(
            "A mask must be a whole image file.", "Fetch or draw it again.", file=str(path)
        ) from error
    if mode in ("1", "L", "P"):
        return pixels
    if mode in ("RGB", "RGBA"):
        return pixels @ np.array([65536, 256, 1])
    raise SightkitError(
        "A mask must have one channel of 8 bits, a palette, or RGB colours.",
        "Save it as such a PNG.",
        file=str(path),
        mode=mode,
    )


def read_mask_classes(path: Path) -> MaskClasses:
    """Read classes.csv: a column ``name``; ``id`` or ``red,green,blue``; or the row counts as id.

    Raises:
        SightkitError: no such columns, a number out of range, or classes that are not distinct.
    """
    try:
        text = read_regular_file(path, MOST_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise SightkitError(
            f"{CLASSES} must be a text file.", str(error), file=str(path)
        ) from error
    rows = list(csv.DictReader(text_io.StringIO(text)))
    counted, others = [], []
    for number, row in enumerate(rows):
        clean: dict[str, Any] = {(k or "").strip().lower(): (v or "") for k, v in row.items()}
        try:
            name = clean["name"].strip()
            colour = [int(clean[part]) for part in ("red", "green", "blue") if part in clean]
            value = int(clean.get("id", number))
        except (KeyError, ValueError, AttributeError) as error:
            raise _wrong(path, number) from error
        if len(colour) == 3:
            value = colour[0] * 65536 + colour[1] * 256 + colour[2]
        if not name or not all(0 <= part <= 255 for part in colour or [value]):
            raise _wrong(path, number)
        (others if name.lower() in NOT_COUNTED else counted).append((name, value))
    return MaskClasses(
        tuple(name for name, _ in counted), tuple(value for _, value in (*counted, *others))
    )


def camvid_classes() -> MaskClasses:
    """Return CamVid's eleven classes and void, as SegNet's authors number them."""
    return MaskClasses(CAMVID[:-1], tuple(range(len(CAMVID))))


def classes_of_values(values: Iterable[int]) -> MaskClasses:
    """Return a class for each value, named by it.

    Raises:
        SightkitError: more than 64 values, or a single one.
    """
    found = sorted(values)
    if len(found) > MOST or found[-1] > 255:
        raise SightkitError(
            f"Without {CLASSES} masks may have up to {MOST} values of one channel.",
            f"Write {CLASSES} with the columns name, red, green, blue; JPEG files blur values.",
            values=len(found),
        )
    return MaskClasses(tuple(map(str, found)), tuple(found))


def _wrong(path: Path, number: int) -> SightkitError:
    return SightkitError(
        f"{CLASSES} must have the columns name and id, or name, red, green, blue, each 0 to 255.",
        "Look at this row.",
        file=str(path),
        row=number + 2,
    )
