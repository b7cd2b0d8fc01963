from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from sightkit.apps.generative import NotANumberError, StyleLoss, open_style, paint_picture
from sightkit.apps.generative.painting import PaintSettings
from sightkit.apps.generative.picture_flags import made_up_network

NAME = "generative/style_transfer"


def write_pictures(folder):
    rng = np.random.default_rng(0)
    for name, size in (("photo.png", (96, 72)), ("a.png", (150, 60)), ("b.png", (40, 50))):
        shades = rng.integers(0, 256, (6, 8, 3), np.uint8)
        Image.fromarray(shades).resize(size).save(folder / name)


@pytest.mark.slow
def test_a_style_is_painted_with_its_losses(script, tmp_path):
    write_pictures(tmp_path)
    flags = ("photo.png", "--smoke", "--style", "a.png=3", "b.png", "--preserve-colour")
    result = script(NAME, *flags, "--progress", "2", "--output", "s.png", cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "s.png"
    with Image.open(tmp_path / "s.png") as picture:
        assert picture.size == (64, 48)
    found = json.loads((tmp_path / "s.json").read_text())
    assert found["losses"][-1]["evaluation"] == 3
    assert set(found["losses"][0]["terms"]) == {"content", "style", "variation"}
    assert (tmp_path / "s-0-0002.png").is_file()
    again = script(NAME, *flags, "--output", "s.png", cwd=tmp_path)
    assert again.code == 2 and "--overwrite" in again.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "message"),
    (
        (("photo.png",), "--style=painting.jpg"),
        (("--smoke", "--style-layers", "block1_conf1"), "block1_conv1"),
        (("--smoke", "--style", "a.png=-1"), "above 0"),
        (("--smoke", "--style", "a.png=x"), "For example a.png=0.5."),
        (("--smoke", "--evaluations", "0"), "--evaluations must be at least 1"),
        (("--smoke", "--style-scale", "0"), "more than 0"),
        (("--smoke", "--output", "s.gif"), ".png"),
        (("--smoke", "--style", "nothing.png"), "nothing.png"),
    ),
)
def test_flags_that_cannot_be_are_one_line(flags, message, script, tmp_path):
    result = script(NAME, *flags, cwd=tmp_path)
    assert result.code == 2 and message in result.stderr.splitlines()[-1], result.stderr
    assert result.stdout == "" and list(tmp_path.iterdir()) == []


def test_a_progress_picture_is_not_replaced_without_overwrite(script, tmp_path):
    write_pictures(tmp_path)
    (tmp_path / "s-1-0004.png").write_bytes(b"mine")
    flags = ("photo.png", "--style", "b.png", "--output", "s.png", "--progress", "2")
    result = script(NAME, *flags, cwd=tmp_path)
    assert result.code == 2 and "s-1-0004.png" in result.stderr and result.heavy == ""
    assert (tmp_path / "s-1-0004.png").read_bytes() == b"mine"


def test_a_style_that_is_no_picture_is_refused_before_keras(script, tmp_path):
    write_pictures(tmp_path)
    (tmp_path / "c.png").write_bytes(b"no picture")
    result = script(NAME, "photo.png", "--style", "c.png", cwd=tmp_path)
    assert result.code == 2 and "c.png" in result.stderr and result.heavy == ""


def test_the_last_good_picture_is_saved_before_the_error(monkeypatch, tmp_path):
    call, counted = StyleLoss.__call__, []

    def breaking(self, picture, targets):
        terms, gradient = call(self, picture, targets)
        counted.append(1)
        return (terms * np.nan if len(counted) == 4 else terms), gradient

    monkeypatch.setattr(StyleLoss, "__call__", breaking)
    picture = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
    with pytest.raises(NotANumberError):
        paint_picture(
            open_style(made_up_network()), picture, [(picture[::-1], 1.0)],
            PaintSettings(scales=1), tmp_path / "s.png",
        )  # fmt: skip
    assert (tmp_path / "s.png").is_file()
    assert len(json.loads((tmp_path / "s.json").read_text())["losses"]) == 3
