"""JPEGs of which picture data are missing are refused; sound ones of all kinds are not."""

from __future__ import annotations

import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from sightkit._errors import SightkitError
from sightkit.io import decode_image

END = b"\xff\xd9"


def jpeg(image: np.ndarray, **options) -> bytes:
    buffer = io.BytesIO()
    picture = Image.fromarray(image)
    if options.pop("cmyk", False):
        picture = picture.convert("CMYK")
    picture.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def scan_start(data: bytes) -> int:
    at = data.index(b"\xff\xda")
    return at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def in_three_scans(photo: np.ndarray) -> bytes:
    """A sequential JPEG, each component in a scan of its own."""
    grey = [jpeg(np.ascontiguousarray(photo[..., channel])) for channel in range(3)]
    frame = grey[0].index(b"\xff\xc0")
    tables = grey[0].index(b"\xff\xc4")
    header = struct.pack(">HHBHHB", 0xFFC0, 17, 8, *photo.shape[:2], 3)
    header += b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3))
    scans = [
        b"\xff\xda\0\x08\1" + bytes([number + 1]) + b"\0\0\x3f\0" + one[scan_start(one) : -2]
        for number, one in enumerate(grey)
    ]
    start = grey[0].index(b"\xff\xda")
    return grey[0][:frame] + header + grey[0][tables:start] + b"".join(scans) + END


def with_a_second_picture(data: bytes) -> bytes:
    return data + bytes(100) + data


@pytest.fixture
def large(photo) -> np.ndarray:
    """uint8 (240, 320, 3), with much detail."""
    enlarged = cv2.resize(photo, (320, 240), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).integers(-20, 21, enlarged.shape)
    return np.clip(enlarged.astype(int) + noise, 0, 255).astype(np.uint8)


KINDS = {
    "as usual": {},
    "4:4:4": {"subsampling": 0, "quality": 95},
    "4:2:2": {"subsampling": 1},
    "own tables": {"optimize": True},
    "CMYK": {"cmyk": True},
    "progressive": {"progressive": True},
    "progressive CMYK": {"progressive": True, "cmyk": True},
    "restarts": {"restart_marker_blocks": 7},
    "restarts a row": {"restart_marker_rows": 1},
    "restarts, progressive": {"restart_marker_rows": 1, "progressive": True},
}


@pytest.mark.parametrize("at_least", (None, (50, 50)))
@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
def test_sound_jpegs_are_decoded_as_by_opencv(options, at_least, large):
    for image in (large, large[:233, :301], large[:1, :1], large[:16, :16], np.zeros_like(large)):
        data = jpeg(np.ascontiguousarray(image), **options)
        full = decode_image(data, at_least=at_least)
        if at_least is None or min(image.shape[:2]) < 100:
            expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
            assert np.array_equal(full, expected)


def test_sound_jpegs_with_something_behind_the_scan_are_decoded(large):
    data = jpeg(large)
    expected = decode_image(data)
    whole = {
        "a second picture": with_a_second_picture(data),
        "zeros": data + bytes(1000),
        "fill bytes": data[:-2] + b"\xff\xff\xff" + END,
        "a comment": data[:-2] + b"\xff\xfe\0\x06note" + END,
        "rubbish before the tables": data.replace(b"\xff\xdb", b"ab\xff\xdb", 1),
    }
    for name, each in whole.items():
        assert np.array_equal(decode_image(each), expected), name
    assert decode_image(in_three_scans(large)).shape == large.shape
    assert decode_image(jpeg(large[..., 0])).shape == large.shape


def refused(data: bytes) -> bool:
    try:
        decode_image(data)
    except SightkitError:
        return True
    return False


@pytest.mark.parametrize("share", (0, 0.05, 0.3, 0.5, 0.9, 0.99))
@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
def test_a_jpeg_that_ends_early_is_refused_though_it_has_its_end(options, share, large):
    data = jpeg(large, **options)
    start, end = scan_start(data), len(data) - 2
    if "progressive" in options:
        end = data.rindex(b"\xff\xda")  # what is cut within the last scan stays unseen
    assert refused(data[: start + int(share * (end - start))] + END)


@pytest.mark.parametrize("length", (16, 32, 200, 1000, 4096))
@pytest.mark.parametrize("options", ({}, {"subsampling": 0}, {"restart_marker_blocks": 7}))
def test_a_jpeg_with_a_hole_is_refused(options, length, large):
    data = jpeg(large, quality=90, **options)
    start = scan_start(data)
    for share in (0.1, 0.4, 0.7):
        at = start + int(share * (len(data) - start - length))
        assert refused(data[:at] + bytes(length) + data[at + length :])
        if length >= 1000 or (length >= 200 and "restart_marker_blocks" not in options):
            assert refused(data[:at] + data[at + length :])  # less may stay unseen


def test_a_jpeg_whose_header_names_a_larger_size_is_refused(large):
    data = jpeg(large)
    at = data.index(b"\xff\xc0") + 5
    for size in ((9000, 9000), (248, 320), (240, 336), (480, 320)):
        assert refused(data[:at] + struct.pack(">HH", *size) + data[at + 4 :])


def test_a_jpeg_that_lost_restarts_is_refused(large):
    data = jpeg(large, restart_marker_blocks=10)
    for number in (0, 3, 7):
        at = data.index(bytes([0xFF, 0xD0 + number]), scan_start(data))
        assert refused(data[:at] + data[at + 2 :])
    first, ninth = (data.index(b"\xff\xd0"), data.index(b"\xff\xd0", data.index(b"\xff\xd1")))
    assert refused(data[:first] + data[ninth:])


def test_a_jpeg_of_which_scans_are_missing_is_refused(large):
    for data in (jpeg(large, progressive=True), in_three_scans(large)):
        scans = [at for at in range(len(data)) if data.startswith(b"\xff\xda", at)]
        assert len(scans) > 2
        for at in scans[1:]:
            assert refused(data[:at] + END)


def test_real_photos_are_accepted(test_data):
    photos = sorted(test_data.glob("animals/*/*.jpg"))[::10]
    assert len(photos) > 20
    for path in photos:
        data = path.read_bytes()
        expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
        assert np.array_equal(decode_image(data), expected)
        half = len(data) // 2
        assert refused(data[:half] + END)
        assert refused(data[:half] + data[half + 1000 :])
