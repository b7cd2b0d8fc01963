"""read_image against Pillow: every format, mode and EXIF orientation that both know."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from sightkit._errors import SightkitError
from sightkit.io import decode_image

ROWS, COLUMNS = np.mgrid[0:24, 0:40]
RGB = np.stack([ROWS * 8, COLUMNS * 5, 255 - 2 * ROWS - 3 * COLUMNS], axis=-1).astype(np.uint8)
ALPHA = (60 + 3 * ROWS + 3 * COLUMNS).astype(np.uint8)
COLOUR, GREY = Image.fromarray(RGB), Image.fromarray(RGB[..., 0])
ALPHA_BAND = Image.fromarray(ALPHA)

# name: (picture, options of save)
PICTURES = {
    "1": (GREY.convert("1"), {}),
    "L": (GREY, {}),
    "L and a clear grey": (GREY, {"transparency": 80}),
    "LA": (Image.merge("LA", [GREY, ALPHA_BAND]), {}),
    "P": (COLOUR.quantize(16), {}),
    "P and a clear entry": (COLOUR.quantize(16), {"transparency": 3}),
    "RGB": (COLOUR, {}),
    "RGB and a clear colour": (COLOUR, {"transparency": tuple(RGB[5, 7].tolist())}),
    "RGBA": (Image.merge("RGBA", [*COLOUR.split(), ALPHA_BAND]), {}),
    "CMYK": (COLOUR.convert("CMYK"), {}),
    "YCbCr": (COLOUR.convert("YCbCr"), {}),
    "LAB": (COLOUR.convert("LAB"), {}),
    "16 bits": (Image.fromarray((ROWS * 1000 + COLUMNS * 1000).astype(np.uint16)), {}),
    "32 bits, signed": (Image.fromarray((ROWS * 1000 - 5000).astype(np.int32)), {}),
    "float": (Image.fromarray((ROWS / 24).astype(np.float32)), {}),
}
KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "JPEG2000", "PPM")
TURNED = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")
"""Formats that carry EXIF."""

OPTIONS = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True, "exact": True},
    "AVIF": {"quality": 95, "subsampling": "4:4:4", "speed": 10},
}
# Two decoders may differ by that much; a wrong channel, turn or alpha differs by far more.
TOLERANCE = {("JPEG", "CMYK"): 4, "JPEG": 2, "AVIF": 2, ("TIFF", "YCbCr"): 1}
REFUSED = {
    ("TIFF", "LA"): "alpha",
    ("TIFF", "LAB"): "colour space",
    ("TIFF", "32 bits, signed"): "signed",
    ("TIFF", "float"): "float",
    ("JPEG2000", "LA"): "alpha",
    ("JPEG2000", "CMYK"): "colour space",
    ("JPEG2000", "YCbCr"): "colour space",
    ("PPM", "float"): "decoded",
}


def encoded(kind: str, name: str, orientation: int = 1) -> bytes | None:
    """What Pillow writes; None where it does not write such a picture."""
    picture, options = PICTURES[name]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {**options, **OPTIONS.get(kind, {}), **({"exif": exif} if kind in TURNED else {})}
    buffer = io.BytesIO()
    try:
        picture.save(buffer, kind, **options)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return buffer.getvalue()


def upright_on_white(data: bytes) -> np.ndarray:
    """float64 (H, W, 3): the policy of read_image, done by Pillow."""
    picture = Image.open(io.BytesIO(data))
    picture.load()  # a TIFF is turned by this already, and forgets its orientation
    picture = ImageOps.exif_transpose(picture)
    if picture.mode in ("I;16", "I;16B", "I"):  # Pillow's own conversion would clip, not scale
        return np.repeat(np.asarray(picture)[..., np.newaxis] / 257, 3, axis=2)
    pixels = np.asarray(picture.convert("RGBA")).astype(float)
    share = pixels[..., 3:] / 255
    return pixels[..., :3] * share + 255 * (1 - share)


CASES = [
    (kind, name, orientation)
    for kind in KINDS
    for name in PICTURES
    for orientation in (range(1, 9) if kind in TURNED else (1,))
    if (kind, name) not in REFUSED and encoded(kind, name) is not None
]


def test_the_cases_are_many():
    assert len(CASES) > 250
    assert {kind for kind, _, _ in CASES} == set(KINDS)


@pytest.mark.parametrize(("kind", "name", "orientation"), CASES)
def test_pillow_sees_the_same(kind, name, orientation):
    data = encoded(kind, name, orientation)
    expected = upright_on_white(data)
    image = decode_image(data)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    assert image.shape == expected.shape
    tolerance = TOLERANCE.get((kind, name), TOLERANCE.get(kind, 0))
    assert np.abs(image - expected).max() <= tolerance + 0.5 + 1e-6  # and half a grey of rounding


@pytest.mark.parametrize(("kind", "name"), REFUSED)
def test_what_would_come_out_wrong_is_refused_by_name(kind, name):
    with pytest.raises(SightkitError, match=rf"{REFUSED[kind, name]}.*path='photo'"):
        decode_image(encoded(kind, name), name="photo")
