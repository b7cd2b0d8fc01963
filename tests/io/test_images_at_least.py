"""Decoding at a part of the size: how large, which way up, how near to the whole."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from sightkit._errors import SightkitError
from sightkit.io import decode_image, read_image

ROWS, COLUMNS = np.mgrid[0:400, 0:640]
PHOTO = np.stack([ROWS // 2, COLUMNS // 3, 255 - ROWS // 4 - COLUMNS // 6], -1).astype(np.uint8)


def encoded(kind: str = "JPEG", orientation: int = 1, size: tuple[int, int] = (400, 640)) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = io.BytesIO()
    Image.fromarray(PHOTO[: size[0], : size[1]]).save(data, kind, quality=95, exif=exif)
    return data.getvalue()


@pytest.mark.parametrize(
    ("at_least", "shape"),
    (
        (None, (400, 640, 3)),
        ((400, 640), (400, 640, 3)),
        ((201, 1), (400, 640, 3)),
        ((200, 320), (200, 320, 3)),
        ((1, 161), (200, 320, 3)),
        ((64, 64), (100, 160, 3)),
        ((50, 80), (50, 80, 3)),
        ((1, 1), (50, 80, 3)),
        ((1000, 1000), (400, 640, 3)),
    ),
)
def test_it_is_the_smallest_that_is_nowhere_below(at_least, shape):
    assert decode_image(encoded(), at_least=at_least).shape == shape


def test_odd_sizes_are_rounded_up():
    assert decode_image(encoded(size=(399, 637)), at_least=(64, 64)).shape == (100, 160, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_is_turned_by_exif_is_measured_upright(orientation):
    data = encoded(orientation=orientation)
    whole = decode_image(data)
    reduced = decode_image(data, at_least=(150, 80) if orientation > 4 else (80, 150))
    assert reduced.shape == (whole.shape[0] // 4, whole.shape[1] // 4, 3)
    expected = cv2.resize(whole, reduced.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(reduced.astype(int) - expected).mean() < 2
    too_small = decode_image(data, at_least=(80, 170) if orientation > 4 else (170, 80))
    assert too_small.shape == (whole.shape[0] // 2, whole.shape[1] // 2, 3)


@pytest.mark.parametrize("mode", ("L", "CMYK"))
def test_grey_and_cmyk_come_as_rgb(mode):
    data = io.BytesIO()
    Image.fromarray(PHOTO).convert(mode).save(data, "JPEG", quality=95)
    whole = decode_image(data.getvalue())
    reduced = decode_image(data.getvalue(), at_least=(64, 64))
    expected = cv2.resize(whole, (160, 100), interpolation=cv2.INTER_AREA)
    assert np.abs(reduced.astype(int) - expected).mean() < 2


@pytest.mark.parametrize("kind", ("PNG", "WEBP", "TIFF"))
def test_other_kinds_come_in_full(kind):
    data = encoded(kind)
    assert np.array_equal(decode_image(data, at_least=(8, 8)), decode_image(data))


@pytest.mark.parametrize("at_least", ((0, 5), (5, -1)))
def test_less_than_a_pixel_is_refused(at_least):
    with pytest.raises(SightkitError, match="at_least"):
        decode_image(encoded(), at_least=at_least)


def test_a_truncated_jpeg_is_refused_at_any_size(tmp_path):
    path = tmp_path / "cut.jpg"
    path.write_bytes(encoded()[:-500])
    with pytest.raises(SightkitError, match=r"cut\.jpg"):
        read_image(path, at_least=(10, 10))


def test_real_photos_shrink_to_nearly_the_same(test_data):
    for path in sorted((test_data / "imagenet-samples").glob("*.JPEG"))[:8]:
        whole, reduced = read_image(path), read_image(path, at_least=(96, 96))
        assert reduced.size < whole.size
        small, other = (
            cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA).astype(int)
            for image in (whole, reduced)
        )
        assert np.abs(small - other).mean() < 3.5
