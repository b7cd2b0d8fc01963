"""What lies in a folder is an image, a folder, or told with its reason; nothing else happens."""

from __future__ import annotations

import errno
import importlib.util
import os
import socket

import pytest

from sightkit import _files
from sightkit._errors import SightkitError, printable
from sightkit.io.sources import folder_scan
from sightkit.io.sources.folder_scan import LINK, NOT_AN_IMAGE, descend, scan_folder


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x" * len(name))


def test_images_are_found_by_ending_in_any_case_sorted_by_bytes(tmp_path):
    names = ("b/1.JPG", "b/2.Jpeg", "a/z.png", "a/Z.webp", "a/ä.GIF", "a/x.AVIF", "a/y.tiff")
    touch(tmp_path, *names)
    scan = scan_folder(tmp_path)
    assert [name for name, _ in scan.images] == sorted(names, key=str.encode)
    assert dict(scan.images) == {name: len(name) for name in names}
    assert scan.folders == ("a", "b")
    assert scan.left_out == ()


@pytest.mark.parametrize(
    "name",
    (
        "with space.jpg",
        "new\nline.jpg",
        "100%d.jpg",
        "{0}{name}.jpg",
        "ünï.jpg",
        "猫.jpg",
        "'\".jpg",
    ),
)
def test_names_of_all_kinds_are_taken_as_they_are(name, tmp_path):
    touch(tmp_path, f"{name}/{name}")
    assert scan_folder(tmp_path).images == ((f"{name}/{name}", 2 * len(name) + 1),)


def test_a_name_that_is_no_utf8_is_taken_and_printable(tmp_path):
    name = os.fsdecode(b"caf\xe9.jpg")
    touch(tmp_path, f"a/{'x'}.jpg")
    os.rename(tmp_path / "a" / "x.jpg", tmp_path / "a" / name)
    ((found, _),) = scan_folder(tmp_path).images
    assert found == f"a/{name}"
    assert printable(found) == "a/caf\\udce9.jpg"
    printable(found).encode()


def test_what_is_no_image_is_told_with_its_reason(tmp_path):
    touch(tmp_path, "a/1.jpg", "a/.2.jpg", "a/Thumbs.db", "a/notes.txt", "a/noending", ".git/x.jpg")
    touch(tmp_path, "__MACOSX/a/._1.jpg", "a/.ipynb_checkpoints/1.jpg")
    os.mkfifo(tmp_path / "a" / "pipe.jpg")
    (tmp_path / "a" / "link.jpg").symlink_to("1.jpg")
    (tmp_path / "a" / "nowhere.jpg").symlink_to("nothing.jpg")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "s.jpg"))
    scan = scan_folder(tmp_path)
    assert [name for name, _ in scan.images] == ["a/1.jpg"]
    assert scan.folders == ("a",)
    assert dict(scan.left_out) == {
        "a/.2.jpg": "hidden",
        "a/Thumbs.db": NOT_AN_IMAGE,
        "a/notes.txt": NOT_AN_IMAGE,
        "a/noending": NOT_AN_IMAGE,
        ".git": "hidden",
        "__MACOSX": "the Finder's own folder",
        "a/.ipynb_checkpoints": "hidden",
        "a/pipe.jpg": "no regular file",
        "a/loop": LINK,
        "s.jpg": "no regular file",
    }
    assert dict(scan.lost) == {"a/link.jpg": LINK, "a/nowhere.jpg": LINK}


IMAGES = {
    "JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "PNG": b"\x89PNG\r\n\x1a\n",
    "GIF": b"GIF89a",
    "WebP": b"RIFF\x10\0\0\0WEBPVP8 ",
    "BMP": b"BM" + bytes(12) + b"\x28\0\0\0",
    "TIFF": b"MM\0*\0\0\0\x08",
    "AVIF": b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif",
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "PNM": b"P6\n# by hand\n4 4\n255\n",
}
OTHERS = {
    "JPEG XL": b"\0\0\0\x0cJXL \r\n",
    "camera raw": b"II*\0\x10\0\0\0CR\2\0",
    "Photoshop": b"8BPS\0\1",
    "DICOM": bytes(128) + b"DICM",
    "BigTIFF": b"II+\0\x08\0",
    "PAM": b"P7\nWIDTH 4\n",
}
NO_IMAGES = {
    "text": b"BMW,Audi\nP5 is a prime\n",
    "numbers": b"P1,2,3\n",
    "video": b"\0\0\0\x1cftypisom\0\0\2\0isomiso2",
    "resource fork": b"\0\5\x16\7\0\2\0\0Mac OS X",
    "zip": b"PK\3\4",
    "sound": b"RIFF\x10\0\0\0WAVEfmt ",
    "empty": b"",
}


@pytest.mark.parametrize("name", ("a/x", "a/x.jfif", "a/x.0", "a/x.jpg_large", "a/x.TXT"))
@pytest.mark.parametrize("kind", IMAGES)
def test_an_image_is_one_under_any_name(kind, name, tmp_path):
    touch(tmp_path, name)
    (tmp_path / name).write_bytes(IMAGES[kind] + bytes(600))
    assert scan_folder(tmp_path).images == ((name, len(IMAGES[kind]) + 600),)


@pytest.mark.parametrize("kind", OTHERS)
def test_an_image_of_another_kind_is_lost_and_named(kind, tmp_path):
    (tmp_path / "x").write_bytes(OTHERS[kind])
    scan = scan_folder(tmp_path)
    assert (scan.images, scan.left_out) == ((), ())
    assert scan.lost == (("x", f"{kind}, which cannot be decoded here"),)


@pytest.mark.parametrize("kind", NO_IMAGES)
def test_what_is_no_image_is_none_without_an_ending(kind, tmp_path):
    (tmp_path / "x").write_bytes(NO_IMAGES[kind])
    (tmp_path / "x.heic").write_bytes(NO_IMAGES[kind])  # its name says that it should be one
    (tmp_path / "._x.jpg").write_bytes(NO_IMAGES[kind])
    scan = scan_folder(tmp_path)
    assert dict(scan.left_out) == {"x": NOT_AN_IMAGE, "._x.jpg": "hidden"}


@pytest.mark.parametrize("installed", (True, False))
def test_heic_is_taken_where_it_can_be_decoded(installed, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: installed or None)
    for name in ("x.heic", "y"):
        (tmp_path / name).write_bytes(b"\0\0\0\x1cftypheic\0\0\0\0mif1heic")
    scan = scan_folder(tmp_path)
    assert [name for name, _ in scan.images] == (["x.heic", "y"] if installed else [])
    assert [name for name, _ in scan.lost] == ([] if installed else ["x.heic", "y"])
    assert all("pip install" in reason for _, reason in scan.lost)


def test_what_a_left_out_folder_holds_is_counted_image_by_image(tmp_path):
    photo = IMAGES["JPEG"]
    for place in ("a", ".hidden/deep", "__MACOSX", "elsewhere/linked", "elsewhere/linked/deep"):
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        for name in ("1.jpg", "2", "notes.txt"):
            (tmp_path / place / name).write_bytes(b"mine" if name == "notes.txt" else photo)
    root = tmp_path / "root"
    root.mkdir()
    for name in ("a", ".hidden", "__MACOSX"):
        (tmp_path / name).rename(root / name)
    (root / "cats").symlink_to(tmp_path / "elsewhere" / "linked")
    (root / "again").symlink_to(root / "a")
    (root / "notes").symlink_to(tmp_path / "elsewhere" / "linked" / "notes.txt")
    scan = scan_folder(root)
    assert [name for name, _ in scan.images] == ["a/1.jpg", "a/2"]
    assert dict(scan.lost) == {
        ".hidden/deep/1.jpg": "hidden",
        ".hidden/deep/2": "hidden",
        "__MACOSX/1.jpg": "the Finder's own folder",
        "__MACOSX/2": "the Finder's own folder",
        "cats/1.jpg": LINK,  # behind a link no file is opened: the ending counts
        "cats/deep/1.jpg": LINK,
    }
    assert dict(scan.left_out) == {"a/notes.txt": NOT_AN_IMAGE, "again": LINK, "notes": LINK}
    assert scan.folders == ("a", "cats")  # a class that has no images, and is noticed


def test_a_file_of_unknown_content_is_lost(tmp_path, monkeypatch):
    def closed(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    (tmp_path / "x").write_bytes(b"")
    monkeypatch.setattr(folder_scan, "_head", closed)  # root may read everything
    assert scan_folder(tmp_path).lost == (("x", "cannot be read (Permission denied)"),)


def test_a_folder_named_like_an_image_is_a_folder(tmp_path):
    touch(tmp_path, "x.jpg/1.jpg")
    assert scan_folder(tmp_path).folders == ("x.jpg",)


@pytest.mark.parametrize("name", ("missing", "file.jpg"))
def test_what_is_no_folder_is_refused(name, tmp_path):
    touch(tmp_path, "file.jpg")
    with pytest.raises(SightkitError, match=f"folder of images.*{name}"):
        scan_folder(tmp_path / name)


def test_a_folder_around_the_folders_is_entered_a_class_is_not(tmp_path):
    touch(tmp_path, "outer/inner/a/1.jpg", "outer/inner/b/deep/2.jpg", "outer/notes.txt")
    scan = descend(scan_folder(tmp_path))
    assert scan.root == tmp_path / "outer" / "inner"
    assert [name for name, _ in scan.images] == ["a/1.jpg", "b/deep/2.jpg"]
    assert scan.folders == ("a", "b", "b/deep")
    assert [name for name, _ in scan.left_out] == ["outer/notes.txt"]

    touch(tmp_path / "one", "cats/1.jpg", "cats/deep/2.jpg")
    assert descend(scan_folder(tmp_path / "one")).root == tmp_path / "one"


def test_links_are_followed_once_where_asked(tmp_path):
    root, other = tmp_path / "photos", tmp_path / "elsewhere"
    for folder in (root / "a", other / "b", other / "c" / "deep"):
        folder.mkdir(parents=True)
        (folder / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (root / "b").symlink_to(other / "b")
    (root / "c").symlink_to(other / "c")
    (root / "again").symlink_to(other / "c")
    (root / "home").symlink_to(root)
    (other / "c" / "loop").symlink_to(other)
    (root / "a" / "2.png").symlink_to(other / "b" / "1.png")
    (other / "3").write_bytes(b"\x89PNG\r\n\x1a\n")
    (root / "a" / "3").symlink_to(other / "3")
    (root / "a" / "4.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(other / "fifo")
    (root / "a" / "5.png").symlink_to(other / "fifo")
    names = {name for name, _ in scan_folder(root, follow_links=True).images}
    assert {"a/1.png", "a/3"} < names
    assert len(names & {"b/1.png", "a/2.png"}) >= 1
    assert len(names & {"c/deep/1.png", "again/deep/1.png"}) == 1
    assert not any("loop" in name or "home" in name for name in names)
    assert not names & {"a/4.png", "a/5.png"}
    assert {name for name, _ in scan_folder(root).images} == {"a/1.png"}


def test_pictures_of_our_own_runs_are_no_photos(tmp_path):
    touch(tmp_path, "cats/1.png", "runs/a/curves.png", "runs/a/bundle/canary.png", "mine/2.png")
    _files.write_json(tmp_path / "runs/a/config.json", {"format": "sightkit-run", "id": "x"})
    _files.write_json(tmp_path / "mine/upscaled.json", {"format": "sightkit-upscaled"})
    scan = scan_folder(tmp_path)
    assert [name for name, _ in scan.images] == ["cats/1.png", "mine/2.png"]
    assert ("runs/a", "a folder that sightkit wrote") in scan.left_out and not scan.lost
    assert scan.folders == ("cats", "mine")
    touch(tmp_path, "datasets/photos.h5", "dogs/notes.h5", "dogs/3.png")
    assert scan_folder(tmp_path).folders == ("cats", "dogs", "mine")
    for exclude in ("runs", "runs/a", "datasets"):
        assert exclude in scan_folder(tmp_path, (exclude,)).met
    own = scan_folder(tmp_path / "runs/a")  # who names such a folder means it
    assert [name for name, _ in own.images] == ["bundle/canary.png", "curves.png"]
