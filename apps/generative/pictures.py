"""Pictures from files and into them: sizes, JPEG, GIF. No Keras here."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit.io import read_image, write_png

STILL = (".png", ".jpg", ".jpeg")
"""Endings of a picture that is written."""
QUALITY = 92
LARGEST = 800
"""Pixels: longer side of a picture whose size nobody has named, at most."""


def read_picture(path: str | os.PathLike[str], size: int | None = None) -> np.ndarray:
    """Read a picture at a size.

    Args:
        path: any image; see ``io.read_image``: grey becomes RGB, alpha is laid on white.
        size: longer side in pixels; its own by default, but not more than 800.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        SightkitError: no image, or one so narrow that a side would be less than one pixel.
    """
    picture = read_image(path)
    longer, shorter = max(picture.shape[:2]), min(picture.shape[:2])
    side = size or min(LARGEST, longer)
    if round(shorter * side / longer) < 1:
        raise SightkitError(
            "A picture must not be so narrow that nothing of it is left.",
            "Cut it, or give a larger --size.",
            path=str(path),
            shape=picture.shape,
        )
    return scaled(picture, side)


def scaled(picture: np.ndarray, side: int) -> np.ndarray:
    """Return uint8 (H, W, 3) whose longer side is given; the shorter one is a pixel at least."""
    factor = side / max(picture.shape[:2])
    shape = [max(1, round(length * factor)) for length in picture.shape[:2]]
    return np.rint(resized(picture.astype(np.float32), shape)).astype(np.uint8)


def at_most(picture: np.ndarray, side: int) -> np.ndarray:
    """Return a picture, uint8 (H, W, 3), made smaller where its longer side is above a number."""
    return scaled(picture, side) if max(picture.shape[:2]) > side else picture


def resized(picture: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Return float32 (H, W, 3) at (height, width): by area where it shrinks, else bicubic."""
    height, width = size
    if picture.shape[:2] == (height, width):
        return picture
    shrinks = height * width < picture.shape[0] * picture.shape[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    found = cv2.resize(picture, (width, height), interpolation=way)
    return np.clip(found, 0, 255) if picture.min() >= 0 else found


def frame_paths(path: Path, frames: int) -> list[Path]:
    """Return the files of frames: one GIF; or NAME.jpg, NAME-001.jpg, …."""
    if path.suffix.lower() == ".gif":
        return [path]
    others = [path.with_stem(f"{path.stem}-{number:03}") for number in range(1, frames)]
    return [path, *others]


def progress_path(output: Path, scale: int, evaluation: int) -> Path:
    """Return the file of a progress picture."""
    return output.with_stem(f"{output.stem}-{scale}-{evaluation:04}")


def write_picture(path: Path, picture: np.ndarray) -> None:
    """Write uint8 (H, W, 3) as PNG or JPEG, by the ending, atomically."""
    if path.suffix.lower() == ".png":
        write_png(path, picture)
        return
    coded = io.BytesIO()
    Image.fromarray(picture).save(coded, "JPEG", quality=QUALITY, subsampling=0)
    _files.write_bytes(path, coded.getvalue())


def write_gif(path: Path, frames: Sequence[np.ndarray], milliseconds: int = 60) -> None:
    """Write uint8 (H, W, 3) frames as an endless GIF, atomically."""
    first, *others = [Image.fromarray(each) for each in frames]
    coded = io.BytesIO()
    first.save(coded, "GIF", save_all=True, append_images=others, duration=milliseconds, loop=0)
    _files.write_bytes(path, coded.getvalue())
