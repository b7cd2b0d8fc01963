"""A folder of images is looked through: what is bad is listed, nothing is touched."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.io import verify

ODD_NAMES = ("ü ☃.png", "new\nline.png", "50%.png", "{0}.png", 'quote".png', "comma,.png", "=1.png")


def picture(path, seed=0, ending=None):
    image = np.random.default_rng(seed).integers(0, 256, (12, 16, 3)).astype(np.uint8)
    _, data = cv2.imencode(ending or path.suffix, image)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.tobytes())
    return path


def huge_png(path):
    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b""))


@pytest.fixture
def folder(tmp_path):
    """20 good images in two classes."""
    for index in range(20):
        picture(tmp_path / "photos" / "ab"[index % 2] / f"{index}.png", index)
    return tmp_path / "photos"


def listed(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def snapshot(folder):
    return {
        str(path): (path.lstat().st_mtime_ns, path.lstat().st_mode, path.lstat().st_size)
        for path in sorted(folder.rglob("*"))
    }


def test_good_images_are_counted_and_nothing_is_found(folder):
    found = verify(folder)
    assert (found.checked, found.findings) == (20, ())
    assert "20 images checked" in str(found)


def truncated(path):
    data = picture(path, 99, ".jpg").read_bytes()
    path.write_bytes(data[: len(data) // 2])


def flipped(path):
    data = bytearray(picture(path, 99, ".png").read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("make", "told"),
    (
        (lambda path: path.write_bytes(b""), "bytes=0"),
        (lambda path: path.write_text("hello"), "decoded completely"),
        (truncated, "decoded completely"),
        (flipped, "decoded completely"),
        (huge_png, "pixels at most"),
        (lambda path: path.write_bytes(b"\xff\x0a rest"), "JPEG XL.*Convert"),
    ),
    ids=("empty", "text", "truncated", "bit flipped", "huge", "jxl"),
)
def test_what_cannot_be_decoded_is_bad_and_listed(make, told, folder, tmp_path):
    make(folder / "a" / "bad.jpg")
    before = snapshot(folder)
    found = verify(folder, tolerance=0.1, output=tmp_path / "list.csv")
    assert found.checked == 21
    (bad,) = found.bad
    assert bad.path == "a/bad.jpg"
    assert re.search(told, bad.reason)
    assert bad.sha256 == hashlib.sha256((folder / "a" / "bad.jpg").read_bytes()).hexdigest()
    assert [(row["path"], row["kind"]) for row in listed(tmp_path / "list.csv")] == [
        ("a/bad.jpg", "bad")
    ]
    assert snapshot(folder) == before


@pytest.mark.parametrize(("tolerance", "refused"), ((0.0, True), (0.04, True), (0.05, False)))
def test_more_than_max_bad_images_are_an_error_after_the_list(tolerance, refused, folder, tmp_path):
    (folder / "a" / "0.png").write_bytes(b"")
    path = tmp_path / "list.csv"
    if refused:
        with pytest.raises(SightkitError, match=r"1 of 20 images are bad \(5\.00%") as error:
            verify(folder, tolerance=tolerance, output=path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)
    else:
        verify(folder, tolerance=tolerance, output=path)
    assert len(listed(path)) == 1


def test_a_name_of_another_format_is_a_warning(folder):
    picture(folder / "a" / "photo.jpg", 50, ".png")
    picture(folder / "a" / "photo.PNG", 51, ".png")
    found = verify(folder, tolerance=0)
    (warning,) = found.findings
    assert (warning.kind, warning.path) == ("warning", "a/photo.jpg")
    assert "holds a PNG" in warning.reason


@pytest.mark.parametrize(
    "ending",
    (".jpg", ".jfif", ".JPE", ".png", ".bmp", ".webp", ".tif", ".gif", ".ppm", "", ".0"),
)
def test_formats_under_their_own_name_are_no_warning(ending, tmp_path):
    known = {".jfif": ".jpg", ".JPE": ".jpg", "": ".png", ".0": ".png"}
    picture(tmp_path / f"photo{ending}", ending=known.get(ending, ending))
    found = verify(tmp_path)
    assert (found.checked, found.findings) == (1, ())


def test_the_same_picture_once_more_is_a_warning(folder):
    picture(folder / "b" / "copy.bmp", 4)  # a/4.png in another format
    picture(folder / "a" / "copy.png", 6)  # a/6.png, in the same class
    found = {each.path: (each.kind, each.reason) for each in verify(folder).findings}
    assert found == {
        "a/copy.png": ("warning", "the same picture as a/6.png"),
        "b/copy.bmp": ("warning", "the same picture as a/4.png, in another folder"),
    }


def test_excluded_folders_are_not_looked_at(folder):
    (folder / "a" / "0.png").write_bytes(b"damaged")
    picture(folder / "b" / "c" / "1.png", 99)
    found = verify(folder, exclude=("a", "b/c"))
    assert found.checked == 10 and not found.of_kind("bad")
    assert {each.reason for each in found.findings} == {"a is excluded", "b/c is excluded"}


def test_what_is_no_image_is_left_out_and_told(folder, tmp_path):
    (folder / "a" / ".hidden.png").write_bytes(b"")
    (folder / ".git").mkdir()
    picture(folder / "__MACOSX" / "._0.png", 3)
    (folder / "notes.txt").write_text("mine")
    os.mkfifo(folder / "a" / "fifo.png")
    (folder / "loop").symlink_to(folder)
    (folder / "a" / "link.png").symlink_to(folder / "a" / "0.png")
    (folder / "a" / "self.png").symlink_to(folder / "a" / "self.png")
    found = verify(folder, output=tmp_path / "list.csv", tolerance=0.2)
    assert found.checked == 23
    assert {finding.path for finding in found.bad} == {
        "__MACOSX/._0.png",
        "a/link.png",
        "a/self.png",
    }
    assert {finding.path for finding in found.of_kind("left out")} == {
        "a/.hidden.png",
        ".git",
        "notes.txt",
        "a/fifo.png",
        "loop",
    }
    assert len(listed(tmp_path / "list.csv")) == 8
    assert all(finding.path.split("/")[-1] in str(found) for finding in found.findings[:5])


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_listed_as_they_are(name, folder, tmp_path):
    (folder / "a" / name).write_bytes(b"")
    found = verify(folder, tolerance=1, output=tmp_path / "list.csv")
    assert [row["path"] for row in listed(tmp_path / "list.csv")] == [f"a/{name}"]
    assert len(str(found).splitlines()) == 6
    with pytest.raises(SightkitError) as error:
        verify(folder, tolerance=0)
    assert "\n" not in str(error.value)


def test_names_that_are_no_utf8_do_not_stop_it(folder, tmp_path):
    with open(os.fsencode(folder / "a") + b"/caf\xe9.png", "wb"):
        pass
    found = verify(folder, tolerance=1, output=tmp_path / "list.csv")
    (row,) = listed(tmp_path / "list.csv")
    assert row["path"].isascii()
    assert "caf" in row["path"]
    str(found).encode()


def test_a_file_that_may_not_be_read_is_bad(folder):
    code = f"""
import os
from sightkit.io import verify
os.chdir({str(folder)!r})  # its parents may be closed to others
if os.geteuid() == 0:
    os.setuid(65534)
found = verify(".", tolerance=1)
print([(each.path, each.reason) for each in found.bad])
"""
    (folder / "a" / "0.png").chmod(0)
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "('a/0.png', 'cannot be read (Permission denied)')" in result.stdout, result.stderr


def test_nothing_to_check_is_an_error(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("mine")
    with pytest.raises(SightkitError, match=r"must be images.*no image, by its content"):
        verify(tmp_path / "empty")
    with pytest.raises(SightkitError, match="must exist"):
        verify(tmp_path / "nothing")


@pytest.mark.parametrize("tolerance", (-0.1, 1.1, float("nan")))
def test_the_tolerance_is_a_share(tolerance, folder):
    with pytest.raises(SightkitError, match="tolerance"):
        verify(folder, tolerance=tolerance)


def test_the_list_replaces_only_a_list(folder, tmp_path):
    path = tmp_path / "list.csv"
    verify(folder, output=path)
    verify(folder, output=path)
    path.write_text("my own figures\n")
    with pytest.raises(SightkitError, match="replaces only a list"):
        verify(folder, output=path)
    assert path.read_text() == "my own figures\n"
    for other in ("/dev/full", tmp_path):
        with pytest.raises(SightkitError, match="replaces only a list"):
            verify(folder, output=other)


@pytest.mark.parametrize("cores", (1, 3))
def test_threads_do_not_change_what_is_found(cores, folder, monkeypatch):
    for index in range(0, 20, 3):
        (folder / "ab"[index % 2] / f"{index}.png").write_bytes(bytes(index))
    expected = verify(folder, tolerance=1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(cores))
    assert verify(folder, tolerance=1) == expected


def test_real_bad_files_are_found(test_data):
    found = verify(test_data / "bad", tolerance=1)
    assert [finding.path for finding in found.bad] == ["truncated_photo.jpg"]
    assert verify(test_data / "animals").checked == 359
