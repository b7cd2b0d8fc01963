"""The one place where files become images."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit.io.image_header import png_orientation, size_in_header

MAXIMUM_PIXELS = 100_000_000
"""Larger images are refused by their header, before memory is taken for them."""

PNG_TAIL = 4096
"""Where a PNG's end marker is looked for; some programs add a few bytes behind it."""

_CONTAINERS = {b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIF", b"msf1": "HEIF"}


def read_image(path: str | os.PathLike[str], *, maximum_pixels: int = MAXIMUM_PIXELS) -> np.ndarray:
    """Read an image file.

    The policy, the same for training and prediction: the file is decoded from its bytes, EXIF
    rotation is applied, 16 bits are scaled to 8, alpha is composited on white, grey and palette
    become RGB, and of an animation the first frame is taken.

    Args:
        path: any file that OpenCV decodes (JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF, …).
        maximum_pixels: refuse images with more pixels than that.

    Returns:
        uint8 (H, W, 3), RGB, 0–255.

    Raises:
        SightkitError: no such file, no image, truncated, or too large; the file is named.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SightkitError(
            f"The image cannot be read ({error.strerror}).", "Check the path.", path=str(path)
        ) from error
    return decode_image(data, name=str(path), maximum_pixels=maximum_pixels)


def decode_image(
    data: bytes, *, name: str = "bytes", maximum_pixels: int = MAXIMUM_PIXELS
) -> np.ndarray:
    """Decode an image from its bytes, by the policy of ``read_image``.

    Args:
        data: content of an image file.
        name: what errors call it.
        maximum_pixels: refuse images with more pixels than that.

    Returns:
        uint8 (H, W, 3), RGB, 0–255.
    """
    _check_header(data, name, maximum_pixels)
    if data.startswith(b"\x89PNG") and b"IEND" not in data[-PNG_TAIL:]:
        raise _no_image(data, name)  # libpng would write lines of its own to stderr
    buffer = np.frombuffer(data, np.uint8)
    image = None
    if len(buffer):
        try:
            # A JPEG has neither alpha nor 16 bits; everything else is looked at unchanged first.
            if not data.startswith(b"\xff\xd8"):
                image = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
            if image is None or (image.dtype == np.uint8 and image.shape[2:] in ((), (3,))):
                image = cv2.imdecode(buffer, cv2.IMREAD_COLOR_RGB)  # and turned as EXIF says
            else:
                image = _turn(_to_rgb(image), png_orientation(data))
        except cv2.error:
            image = None
    if image is None:
        raise _no_image(data, name)
    return image


def _no_image(data: bytes, name: str) -> SightkitError:
    return SightkitError(
        "The file must be an image that can be decoded whole.",
        "It is no image, or it is truncated: fetch it again, or remove it.",
        path=name,
        bytes=len(data),
    )


def write_png(path: str | os.PathLike[str], image: np.ndarray) -> None:
    """Write uint8 (H, W, 3) in RGB order, or (H, W, 1), as PNG, atomically."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.shape[2] == 3 else image
    _, encoded = cv2.imencode(".png", bgr)
    _files.write_bytes(path, encoded.tobytes())


def _to_rgb(image: np.ndarray) -> np.ndarray:
    """What IMREAD_UNCHANGED gives (grey, BGR or BGRA; 8 or 16 bits) to uint8 RGB."""
    if image.dtype == np.uint16:
        image = ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
    elif image.dtype != np.uint8:
        image = np.clip(np.rint(image.astype(np.float64) * 255), 0, 255).astype(np.uint8)
    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    if image.shape[2] == 3:
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    alpha = image[..., 3:].astype(np.uint32)
    colour = image[..., 2::-1].astype(np.uint32)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _turn(image: np.ndarray, orientation: int) -> np.ndarray:
    """Apply EXIF orientation, 1 to 8; OpenCV leaves it alone where it keeps alpha or 16 bits."""
    if orientation in (5, 6, 7, 8):
        image = np.swapaxes(image, 0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def _check_header(data: bytes, name: str, maximum_pixels: int) -> None:
    if data[4:8] == b"ftyp" and data[8:12] in _CONTAINERS:
        raise SightkitError(
            f"{_CONTAINERS[data[8:12]]} files cannot be decoded here.",
            "Convert it first, for example with heif-convert photo.heic photo.jpg.",
            path=name,
        )
    size = size_in_header(data)
    if size and size[0] * size[1] > maximum_pixels:
        raise SightkitError(
            f"An image may have {maximum_pixels:,} pixels at most.",
            "Scale it down, or raise maximum_pixels.",
            path=name,
            width=size[0],
            height=size[1],
        )
