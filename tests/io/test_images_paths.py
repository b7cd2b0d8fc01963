"""read_image on any name and on what is no file."""

from __future__ import annotations

import os

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.io import read_image, write_png

NAMES = (
    "grün 猫 🐈.png",
    "with space.png",
    "with\nnewline.png",
    "100%d.png",
    "{epoch:02d}{}.png",
    "'quoted\".png",
    "-dash.png",
    "x" * 200 + ".png",
    "no ending",
)


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_any_name_is_read_and_told_on_one_line(name, photo, tmp_path):
    path = tmp_path / name
    write_png(path, photo)
    assert np.array_equal(read_image(path), photo)
    path.write_bytes(b"no image")
    with pytest.raises(SightkitError) as refused:
        read_image(path)
    assert "\n" not in str(refused.value)
    assert repr(str(path)) in str(refused.value)


def test_a_name_that_is_not_utf8_is_read(photo, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")
    write_png(path, photo)
    assert np.array_equal(read_image(path), photo)


@pytest.mark.parametrize("kind", ("pipe", "device", "far too large"))
def test_pipes_and_huge_files_are_refused_by_name(kind, tmp_path):
    path = tmp_path / "photo.jpg"
    if kind == "pipe":
        os.mkfifo(path)  # opening it would wait for a writer for ever
    elif kind == "device":
        path.symlink_to("/dev/null")
    else:
        with path.open("wb") as file:
            file.truncate(2**40)  # a sparse file, no byte on the disk
    with pytest.raises(SightkitError, match=r"(regular file|more than).*photo\.jpg"):
        read_image(path)


def test_a_symlink_to_a_photo_is_read_and_a_loop_is_refused(photo, tmp_path):
    write_png(tmp_path / "photo.png", photo)
    (tmp_path / "link.png").symlink_to("photo.png")
    (tmp_path / "loop.png").symlink_to("loop.png")
    assert np.array_equal(read_image(tmp_path / "link.png"), photo)
    with pytest.raises(SightkitError, match=r"loop\.png"):
        read_image(tmp_path / "loop.png")
