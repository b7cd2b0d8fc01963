"""The one place where files become images."""

from __future__ import annotations

import contextlib
import math
import os

import cv2
import numpy as np

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit._regular_file import read_regular_file
from sightkit.io.depth import note_depth
from sightkit.io.heic import decode_heic
from sightkit.io.image_header import ImageHeader, read_header
from sightkit.io.image_kinds import ENDINGS, kind_of, reason_not_to_decode
from sightkit.io.jpeg_scan import to_decode

MAXIMUM_PIXELS = 100_000_000
"""Larger images are refused by their header, before memory is taken for them."""

MOST_BYTES = 2**26
"""What a file may hold besides its pixels of 8 bytes at most: profiles, thumbnails, layers."""

STRIP_PIXELS = 2**16
"""Converted at a time, by 16 bytes of memory each."""

KINDS = ", ".join(ENDINGS)

# With IMREAD_COLOR_RGB these are colour; REDUCED_COLOR would add the bit that asks for BGR.
_REDUCED = {
    1: 0,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}

# A damaged file raises an error that names it; OpenCV's own lines on stderr name no file, and with
# thousands of photos they bury our warnings.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def read_image(
    path: str | os.PathLike[str],
    *,
    name: str = "",
    at_least: tuple[int, int] | None = None,
    maximum_pixels: int = MAXIMUM_PIXELS,
) -> np.ndarray:
    """Read an image file.

    The policy, the same for training and prediction: the file is decoded from its bytes, EXIF
    rotation is applied, 16 bits are scaled to 8, alpha is composited on white, grey, palette and
    CMYK become RGB, and of an animation the first frame is taken. What cannot be had right is
    refused: samples that are signed or float, whose range nobody knows, and a few rare TIFFs.

    Args:
        path: a JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF, JPEG 2000 or PNM file; HEIC where pillow-heif
            is installed.
        name: what errors call it; the path when left out.
        at_least: (height, width) that suffice, because the image will be shrunk to them or less;
            see ``decode_image``.
        maximum_pixels: refuse images with more pixels than that.

    Returns:
        uint8 (H, W, 3), RGB, 0–255.

    Raises:
        SightkitError: no such file, no image, truncated, too large, or of a form that OpenCV
            would decode wrongly; the file is named.
    """
    name = name or os.fspath(path)
    try:
        data = read_regular_file(path, MOST_BYTES + 8 * maximum_pixels)
    except OSError as error:
        raise SightkitError(
            f"The image cannot be read: {error.strerror}.",
            "Check the path, or remove it from the folder.",
            path=name,
        ) from error
    return decode_image(data, name=name, at_least=at_least, maximum_pixels=maximum_pixels)


def decode_image(
    data: bytes,
    *,
    name: str = "bytes",
    at_least: tuple[int, int] | None = None,
    maximum_pixels: int = MAXIMUM_PIXELS,
) -> np.ndarray:
    """Decode an image from its bytes, by the policy of ``read_image``.

    Args:
        data: content of an image file.
        name: what errors call it.
        at_least: (height, width) that suffice. A JPEG is then decoded at 1/2, 1/4 or 1/8 of its
            size (rounded up), the smallest that is nowhere below that: libjpeg leaves out the
            finer frequencies. Shrunk to 64x64 by area, 407 photos of animals, flowers and
            ImageNet differ from their full decode shrunk likewise by 2.6 grey levels in the mean
            (worst photo 9.7), with twice the size given here by 1.0 (3.4); bilinear shrinking, as
            Keras does it, differs by 6.0. The same must be given for training and prediction.
            Other kinds come in full.
        maximum_pixels: refuse images with more pixels than that.

    Returns:
        uint8 (H, W, 3), RGB, 0–255.
    """
    header = _checked_header(data, name, maximum_pixels)
    flags, coded = cv2.IMREAD_UNCHANGED, data
    if header.plain:
        reduction = _reduction(header, at_least) if header.kind == "JPEG" else 1
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION | _REDUCED[reduction]
        if header.kind == "JPEG":
            coded = to_decode(data, header.frame)
    if header.kind == "HEIC":
        image = decode_heic(data)
    elif header.kind != "JPEG" and len(data) < header.width * header.height > STRIP_PIXELS:
        image = _decoded_once(data, flags)
    else:
        image = decoded(coded, flags) if coded else None
    if image is None:
        raise _no_image(data, name)
    if image.dtype not in (np.uint8, np.uint16):
        raise _refused(header, name, f"its samples are {image.dtype}")
    if image.dtype == np.uint16 and header.depth == 16:
        note_depth(image)
    if not header.plain:
        image = _to_rgb(image, header)
    return turned(image, header.orientation)


def write_png(path: str | os.PathLike[str], image: np.ndarray) -> None:
    """Write uint8 (H, W, 3) in RGB order, or (H, W, 1), as PNG, atomically."""
    _files.write_bytes(path, encode_png(image))


def encode_png(image: np.ndarray) -> bytes:
    """Encode uint8 (H, W, 3) in RGB order, or (H, W, 1), as PNG."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.shape[2] == 3 else image
    _, encoded = cv2.imencode(".png", bgr)
    return encoded.tobytes()


def _checked_header(data: bytes, name: str, maximum_pixels: int) -> ImageHeader:
    header = read_header(data)
    kind = None if header else kind_of(data)
    if kind and (reason := reason_not_to_decode(kind)):
        raise SightkitError(
            f"The file is {reason}.", "Convert it first, for example to JPEG or PNG.", path=name
        )
    if header is None:
        raise _no_image(data, name)
    if header.width * header.height > maximum_pixels:
        raise SightkitError(
            f"An image may have {maximum_pixels:,} pixels at most.",
            "Scale it down, or raise maximum_pixels.",
            path=name,
            width=header.width,
            height=header.height,
        )
    if not header.complete:
        raise _no_image(data, name)
    if header.refusal:
        raise _refused(header, name, header.refusal)
    return header


def _reduction(header: ImageHeader, at_least: tuple[int, int] | None) -> int:
    """The largest of 8, 4, 2, 1 that leaves the image, once turned, nowhere below ``at_least``."""
    if at_least is None:
        return 1
    height, width = at_least if header.orientation <= 4 else at_least[::-1]
    if min(height, width) < 1:
        raise SightkitError("at_least must be (height, width), both at least 1.", at_least=at_least)
    for factor in (8, 4, 2):
        if header.height >= factor * height and header.width >= factor * width:
            return factor
    return 1


def decoded(data: bytes, flags: int) -> np.ndarray | None:
    """Return what OpenCV decodes; None where it cannot."""
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None


def _decoded_once(data: bytes, flags: int) -> np.ndarray | None:
    """Decode a large image, which ``imdecode`` would have in memory twice, as an array of NumPy.

    ``imread`` gives an empty array the memory that it needs, from NumPy: nothing is copied then. It
    leaves it empty where it fails, as it does of a TIFF that it turns itself.
    """
    image = np.empty((0, 0), np.uint8)
    if hasattr(os, "memfd_create"):
        with open(os.memfd_create("image"), "wb") as file, contextlib.suppress(cv2.error):
            file.write(data)
            file.flush()
            image = cv2.imread(f"/proc/self/fd/{file.fileno()}", image, flags)
    return image if image is not None and image.size else decoded(data, flags)


def _no_image(data: bytes, name: str) -> SightkitError:
    return SightkitError(
        f"The file must be an image that can be decoded completely: {KINDS}.",
        "It is no such image, or it is truncated: fetch it again, convert it, or remove it.",
        path=name,
        bytes=len(data),
    )


def _refused(header: ImageHeader, name: str, reason: str) -> SightkitError:
    return SightkitError(
        f"This {header.kind} cannot be decoded faithfully: {reason}.",
        "Convert it to PNG first.",
        path=name,
    )


def _to_rgb(image: np.ndarray, header: ImageHeader) -> np.ndarray:
    """Convert the result of IMREAD_UNCHANGED (grey, BGR or BGRA; 8 or 16 bits) to uint8 RGB.

    In strips, written over the pixels that are done with: a large picture takes no more memory than
    its decoder took.
    """
    height, width = image.shape[:2]
    row = 3 * width
    strip = max(1, STRIP_PIXELS // width)
    in_place = image.ndim == 3 and image.flags.owndata and image.flags.c_contiguous
    rgb = image.reshape(-1).view(np.uint8) if in_place else np.empty(height * row, np.uint8)
    for first in range(0, height, strip):
        last = min(first + strip, height)
        rgb[first * row : last * row] = _strip_to_rgb(image[first:last], header).reshape(-1)
    if in_place:
        del rgb
        image.resize(math.ceil(height * row / image.itemsize), refcheck=False)  # frees the rest
        rgb = image.view(np.uint8)[: height * row]
    return rgb.reshape(height, width, 3)


def _strip_to_rgb(image: np.ndarray, header: ImageHeader) -> np.ndarray:
    largest = 255 if image.dtype == np.uint8 else (1 << header.depth) - 1
    if image.ndim == 2:
        if header.transparent_grey is not None:
            image = np.where(image == header.transparent_grey, image.dtype.type(largest), image)
        return cv2.cvtColor(_to_8_bits(image, largest), cv2.COLOR_GRAY2RGB)
    if image.shape[2] == 4 and header.alpha != "none":
        image = _on_white(image, largest, premultiplied=header.alpha == "premultiplied")
    return _to_8_bits(image, largest)[..., 2::-1]


def _to_8_bits(image: np.ndarray, largest: int) -> np.ndarray:
    if largest == 255:
        return image
    return ((image.astype(np.uint32) * 255 + largest // 2) // largest).astype(np.uint8)


def _on_white(image: np.ndarray, largest: int, *, premultiplied: bool) -> np.ndarray:
    """(H, W, 4) to (H, W, 3), composited on white; 65535 * 65535 still fits into uint32."""
    alpha, colour = image[..., 3:].astype(np.uint32), image[..., :3].astype(np.uint32)
    if premultiplied:  # no colour is more than its alpha, save in a broken file
        return np.minimum(colour + (largest - alpha), largest).astype(image.dtype)
    white = colour * alpha + largest * (largest - alpha)
    return ((white + largest // 2) // largest).astype(image.dtype)


def turned(image: np.ndarray, orientation: int) -> np.ndarray:
    """Apply EXIF orientation, 1 to 8."""
    if orientation in (5, 6, 7, 8):
        image = np.swapaxes(image, 0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)
