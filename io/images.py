"""The one place where files become images."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import cv2
import numpy as np

from sightkit import _files
from sightkit._errors import SightkitError

MAXIMUM_PIXELS = 100_000_000
"""Larger images are refused by their header, before memory is taken for them."""

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
    buffer = np.frombuffer(data, np.uint8)
    image = None
    if len(buffer):
        try:
            # A JPEG has neither alpha nor 16 bits; everything else is looked at unchanged first.
            if not data.startswith(b"\xff\xd8"):
                image = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
            if image is None or (
                image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
            ):
                image = cv2.imdecode(buffer, cv2.IMREAD_COLOR_RGB)
            else:
                image = _to_rgb(image)
        except cv2.error:
            image = None
    if image is None:
        raise SightkitError(
            "The file must be an image that can be decoded whole.",
            "It is no image, or it is truncated: fetch it again, or remove it.",
            path=name,
            bytes=len(data),
        )
    return image


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


def _check_header(data: bytes, name: str, maximum_pixels: int) -> None:
    if data[4:8] == b"ftyp" and data[8:12] in _CONTAINERS:
        raise SightkitError(
            f"{_CONTAINERS[data[8:12]]} files cannot be decoded here.",
            "Convert it first, for example with heif-convert photo.heic photo.jpg.",
            path=name,
        )
    size = _header_size(data)
    if size and size[0] * size[1] > maximum_pixels:
        raise SightkitError(
            f"An image may have {maximum_pixels:,} pixels at most.",
            "Scale it down, or raise maximum_pixels.",
            path=name,
            width=size[0],
            height=size[1],
        )


def _header_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) from a PNG, GIF, BMP or JPEG header; None where it is not found."""
    if data.startswith(b"\x89PNG") and len(data) >= 24:
        return struct.unpack(">II", data[16:24])
    if data.startswith(b"GIF8") and len(data) >= 10:
        return struct.unpack("<HH", data[6:10])
    if data.startswith(b"BM") and len(data) >= 26:
        width, height = struct.unpack("<ii", data[18:26])
        return abs(width), abs(height)
    if data.startswith(b"\xff\xd8"):
        return _jpeg_size(data)
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) from the first start-of-frame marker."""
    position = 2
    while position + 9 < len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return width, height
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None
