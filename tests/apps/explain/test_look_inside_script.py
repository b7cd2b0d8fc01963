from __future__ import annotations

import cv2
import pytest

from sightkit import io

NAME = "explain/look_inside"
SHEETS = {
    "filters": (),
    "activations": ("--channel", "3", "1"),
    "patches": ("--layer", "block2_conv1"),
    "maximize": ("--target", "china", "1", "--steps", "4"),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "show", [pytest.param(s, marks=[pytest.mark.slow] if s == "patches" else []) for s in SHEETS]
)
def test_a_sheet_is_drawn_of_each_kind(show, script, tmp_path):
    flags = ("--smoke", "--show", show, *SHEETS[show], "--output", "p.png")
    result = script(NAME, *flags, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert result.stdout == "p.png\n"
    picture = cv2.imread(str(tmp_path / "p.png"))
    assert picture is not None and picture.std() > 5
    again = script(NAME, *flags, cwd=tmp_path)
    assert again.code == 2 and "--overwrite" in again.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "message"),
    (
        (("--smoke", "--layer", "block2_conf1"), "block2_conv1"),
        (("--smoke", "--channel", "32"), "0 to 31"),
        (("--smoke", "--show", "maximize", "--target", "chin"), "nearest are china"),
        (("--show", "activations", "--model", "vgg16"), "Name at least one image"),
        (("--show", "filters"), "Name one network"),
        (("--smoke", "--output", "p.jpg"), ".png"),
    ),
)
def test_flags_that_cannot_be_are_one_line(flags, message, script, tmp_path):
    result = script(NAME, *flags, cwd=tmp_path)
    assert result.code == 2 and message in result.stderr.splitlines()[-1], result.stderr
    assert result.stdout == "" and list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_photos_that_cannot_be_read_are_named(script, tmp_path):
    (tmp_path / "photos").mkdir()
    io.write_sample_photos(tmp_path / "photos")
    (tmp_path / "photos" / "bad.png").write_bytes(b"\x89PNG")
    flags = ("--smoke", "--show", "activations", "photos/bad.png")
    result = script(NAME, *flags, cwd=tmp_path)
    assert result.code == 2 and "bad.png" in result.stderr
    flags = ("--smoke", "--show", "patches", "photos", "--output", "p.png")
    result = script(NAME, *flags, cwd=tmp_path)
    assert result.code == 2 and "bad.png" in result.stderr
    assert (tmp_path / "p.png").is_file()  # of the others
