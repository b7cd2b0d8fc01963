"""Pictures that are damaged or lie: an error of ours or an image, in little memory and time."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import socket
import struct
import subprocess
import sys
import time
from collections import Counter

import cv2
import numpy as np
import pytest
from hostile import TABLE
from hostile_pictures import (
    EITHER,
    FORMS,
    GROUPS,
    READ,
    REFUSED,
    encoded,
    of_bombs,
    of_damages,
    of_orientations,
)
from PIL import Image, ImageOps

from sightkit._errors import SightkitError
from sightkit.io import decode_image, read_image

TIMES = 150
MOST = 100 * 2**20
"""Bytes beside those of the sound picture."""
SECONDS = 1.0


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """One to four damages: bits, a hole, other bytes, a cut, a part twice, a number."""
    changed = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        size = len(changed)
        at, length = int(rng.integers(size)), int(rng.integers(1, 40))
        match int(rng.integers(6)):
            case 0:
                changed[at] ^= 1 << int(rng.integers(8))
            case 1:
                changed[at : at + length] = bytes(len(changed[at : at + length]))
            case 2:
                changed[at : at + length] = rng.bytes(length)
            case 3:
                del changed[max(at, 8) :]
            case 4:
                changed[at:at] = changed[at : at + length]
            case 5:
                value = rng.choice((0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1, 60_000))
                at = int(rng.integers(min(size, 64)))
                changed[at : at + 4] = struct.pack(str(rng.choice((">I", "<I"))), int(value))
    return bytes(changed)


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def tried(data: bytes) -> np.ndarray | None:
    """An image, or None where it is refused; all else fails the test."""
    try:
        image = decode_image(data, name="photo")
    except SightkitError as error:
        assert "photo" in str(error)
        assert "\n" not in str(error)
        return None
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.flags.c_contiguous
    return image


@pytest.mark.parametrize("times", (5, pytest.param(TIMES, marks=pytest.mark.faults)))
@pytest.mark.parametrize("form", FORMS)
def test_a_damaged_picture_is_refused_or_an_image(form, times):
    data = encoded(form)
    sound = tried(data)
    assert sound is not None
    rng = np.random.default_rng(sum(form.encode()))
    for _ in range(times):
        hurt = damaged(data, rng)
        before, start = peak(), time.process_time()
        image = tried(hurt)
        pixels = 0 if image is None else image.size
        if times == TIMES:
            assert time.process_time() - start < SECONDS + pixels / 1e7
            assert peak() - before < MOST + 4 * pixels
        if form == "PNG" and image is not None and hurt != data:
            assert np.array_equal(image, sound)  # what its check sums cover is as it was


SLOW = {of_damages, of_bombs}
HUGE = 8 * 90_000_000
"""Bytes that a picture of 90 million pixels may take."""


@pytest.mark.parametrize(
    "group",
    [pytest.param(each, marks=[pytest.mark.faults] * (each in SLOW)) for each in GROUPS],
)
def test_a_crafted_picture_ends_as_it_should(group):
    wrong, found = [], TABLE.rows.setdefault(f"pictures, {group.__name__[3:]}", Counter())
    for name, make, right in group():
        data = make()
        before, start = peak(), time.process_time()
        image = tried(data)
        end = REFUSED if image is None else READ
        seconds, size = time.process_time() - start, peak() - before
        huge = "9000x9000" in name or "30000x3000" in name  # within the limit: decoded, perhaps
        pixels = HUGE if huge else 0 if image is None else 8 * image.size
        fine = right in (end, EITHER) and size < MOST + pixels and seconds < SECONDS + pixels / 3e8
        found["wrong" if not fine else "harmless" if end == READ else "refused"] += 1
        wrong += [] if fine else [f"{name}: {end}, {seconds:.1f} s, {size / 2**20:.0f} MB"]
    assert not wrong


def test_enough_kinds_of_pictures_are_tried():
    assert len({name for group in GROUPS for name, _, _ in group()}) >= 126


@pytest.mark.parametrize("form", FORMS)
def test_what_is_behind_a_picture_changes_nothing(form):
    assert np.array_equal(tried(encoded(form)), tried(encoded(form) + encoded("GIF")))


@pytest.mark.parametrize("case", [*of_orientations()], ids=lambda case: case[0])
def test_a_picture_is_turned_as_pillow_turns_it(case):
    name, make, _ = case
    if name.startswith("EXIF"):
        assert tried(make()).shape in ((90, 120, 3), (120, 90, 3))
    else:
        turned = ImageOps.exif_transpose(Image.open(io.BytesIO(make())))
        assert np.abs(tried(make()).astype(int) - np.asarray(turned)).mean() < 2


@pytest.mark.parametrize("ending", (".jpg", ".png", ".gif", ".webp", ".tiff", ".bmp", ".avif"))
def test_a_picture_is_known_by_its_content(ending, tmp_path):
    for form in FORMS:
        path = tmp_path / f"photo{ending}"
        path.write_bytes(encoded(form))
        assert np.array_equal(read_image(path), tried(encoded(form)))


@pytest.mark.parametrize("form", ("JPEG", "JPEG with restarts", "progressive JPEG"))
def test_a_jpeg_without_its_last_data_is_refused(form):
    data = encoded(form)
    start = data.index(b"\xff\xda") + 14
    end = data.rindex(b"\xff\xda") if form.startswith("progressive") else len(data) - 2
    for cut in range(start, end, max(1, (end - start) // 40)):
        assert tried(data[:cut] + b"\xff\xd9") is None


@pytest.mark.parametrize("kind", ("a FIFO", "a device", "a socket", "a folder", "a dangling link"))
def test_what_is_no_file_is_refused_at_once(kind, tmp_path, monkeypatch):
    path = tmp_path / "photo.jpg"
    with contextlib.ExitStack() as stack:
        match kind:
            case "a FIFO":
                os.mkfifo(path)
            case "a device":
                path.symlink_to("/dev/zero")
            case "a socket":
                monkeypatch.chdir(tmp_path)
                stack.enter_context(socket.socket(socket.AF_UNIX)).bind("photo.jpg")
            case "a folder":
                path.mkdir()
            case "a dangling link":
                path.symlink_to("nowhere")
        with pytest.raises(SightkitError, match=r"photo\.jpg"):
            read_image(path)


@pytest.mark.faults
@pytest.mark.parametrize("shape", ((1, 65_000), (65_000, 1), (3, 30_000), (30_000, 3)))
@pytest.mark.parametrize("ending", (".png", ".tiff", ".bmp", ".jpg", ".ppm"))
def test_tall_and_wide_pictures_are_read(ending, shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    answer = tried(cv2.imencode(ending, image)[1].tobytes())
    assert answer is not None
    assert answer.shape == image.shape
    assert ending == ".jpg" or np.array_equal(answer, image[..., ::-1])


PEAK = """
import re, sys
from pathlib import Path
from sightkit.io import read_image
def peak():  # of this process: getrusage counts the parent's too
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
image = read_image(sys.argv[1])
print((peak() - before) / (image.size / 3))
"""


@pytest.mark.faults
@pytest.mark.parametrize("dtype", (np.uint8, np.uint16))
@pytest.mark.parametrize("channels", (1, 3, 4))
@pytest.mark.parametrize("ending", (".png", ".tiff"))
def test_a_large_picture_takes_eight_bytes_a_pixel(ending, channels, dtype, tmp_path):
    tiles = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (40, 40, channels))
    image = np.kron(tiles, np.ones((100, 100, 1))).astype(dtype)
    path = tmp_path / f"large{ending}"
    assert cv2.imwrite(str(path), image)
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) < 8.5
