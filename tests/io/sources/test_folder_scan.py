"""What lies in a folder is an image, a folder, or told with its reason; nothing else happens."""

from __future__ import annotations

import os
import socket

import pytest

from sightkit._errors import SightkitError
from sightkit.io.sources.folder_scan import descend, printable, scan_folder


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x" * len(name))


def test_images_are_found_by_suffix_in_any_case_sorted_by_bytes(tmp_path):
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
    assert printable(found) == "a/caf\\xe9.jpg"
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
        "a/Thumbs.db": "no image, by the ending of its name",
        "a/notes.txt": "no image, by the ending of its name",
        "a/noending": "no image, by the ending of its name",
        ".git": "hidden",
        "__MACOSX": "the Finder's own folder",
        "a/.ipynb_checkpoints": "hidden",
        "a/pipe.jpg": "no regular file",
        "a/link.jpg": "a link, which is not followed",
        "a/nowhere.jpg": "a link, which is not followed",
        "a/loop": "a link, which is not followed",
        "s.jpg": "no regular file",
    }


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
