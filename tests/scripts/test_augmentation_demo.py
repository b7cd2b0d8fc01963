"""The sheet of augmentations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightkit import _scripts, experiments, io
from sightkit.io import read_image, write_png
from sightkit.preprocessing import RandomPreprocessor

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.mark.slow
def test_a_sheet_of_the_sample_photo_is_drawn(script, tmp_path):
    result = script("augmentation_demo", "--smoke", cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert result.stdout == "augmentation.png\n"
    sheet = read_image(tmp_path / "augmentation.png")
    assert min(sheet.shape[:2]) > 300
    assert sheet.std() > 20


@pytest.mark.slow
def test_a_photo_of_ones_own_in_the_first_column(script, tmp_path):
    photo = np.zeros((40, 60, 3), np.uint8)
    photo[..., 0] = 200
    write_png(tmp_path / "red.png", photo)
    flags = ("--brightness", 0, "--contrast", 0, "--smoke", "--output", tmp_path / "sheet.png")
    result = script("augmentation_demo", tmp_path / "red.png", *flags)
    assert result.code == 0, result.stderr
    sheet = read_image(tmp_path / "sheet.png").reshape(-1, 3)
    assert np.mean((sheet == (200, 0, 0)).all(axis=1)) > 0.5


@pytest.mark.slow
def test_wrong_strengths_and_missing_images_are_one_line(script, tmp_path):
    for flags, told in (
        (("--rotation", 200), "rotation must be between"),
        (("--border", "green"), "border must be one of"),
        (("--columns", 0), "--columns must be at least 1"),
        (("nowhere.jpg",), "nowhere.jpg"),
        (("--script", "train_lenet_digits", "--zoom", 0.5), "Received: zoom=0.5"),
        (("--script", "train_lenet"), "train_lenet_digits"),
        (("--script", "predict"), "experiment='predict'"),
    ):
        result = script("augmentation_demo", *flags, cwd=tmp_path)
        assert result.code == 2
        assert len(result.stderr.splitlines()) == 1
        assert told in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_named_file_is_replaced_by_overwrite_alone(script, tmp_path):
    (tmp_path / "mine.png").write_text("mine")
    result = script("augmentation_demo", "--smoke", "--output", "mine.png", cwd=tmp_path)
    assert result.code == 2 and "--overwrite" in result.stderr
    assert (tmp_path / "mine.png").read_text() == "mine"


TRAINING = sorted(
    name
    for name in _scripts.scripts(SCRIPTS)
    if issubclass(_scripts.load(name, SCRIPTS).Config, experiments.Config)
)


@pytest.mark.parametrize("name", TRAINING)
def test_the_variation_of_each_script_is_what_it_trains_with(name):
    """Drawn, and given to the generator: no script has a second one in its main."""
    config = _scripts.load(name, SCRIPTS).Config()
    augment = config.augmentation(64, 64)
    assert isinstance(augment, RandomPreprocessor)
    text = (SCRIPTS / f"{name}.py").read_text(encoding="utf-8")
    story = text[text.index("def main(") :]
    assert "Augment(" not in story
    ways = ("run.training", "config.augmentation", "config.train")
    assert any(f"{way}(" in story for way in ways)


@pytest.mark.parametrize(
    ("name", "flags", "rows"),
    (
        ("train_lenet_digits", "", ["rotation 10", "translation 0.1", "zoom 0.1"]),
        (
            "train_alexnet_dogs_vs_cats",
            "",
            ["PatchPreprocessor", "flips", "rotation 20", "translation 0.2", "zoom 0.15"],
        ),
        (
            "finetune",
            "--no-flip",
            ["rotation 15", "translation 0.06", "zoom 0.1", "brightness 0.1"],
        ),
    ),
)
def test_the_chain_of_a_script_is_drawn(name, flags, rows, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "datasets" / "photos").mkdir(parents=True)
    io.write_sample_photos(tmp_path / "datasets" / "photos")
    demo = _scripts.load("augmentation_demo", SCRIPTS)
    result = demo.main(demo.Config(script=name, flags=flags, columns=2))
    assert result["rows"] == [*rows, f"all of\n{name}"]
    assert read_image(tmp_path / "augmentation.png").shape[0] == (len(rows) + 1) * 144


@pytest.mark.parametrize(
    ("given", "row"), (((0.2,), "translation 0.2"), ((0.0, 0.3), "translation 0 0.3"))
)
def test_a_shift_of_its_own_for_height_and_width_is_drawn(given, row, tmp_path):
    demo = _scripts.load("augmentation_demo", SCRIPTS)
    config = demo.Config(translation=given, output=tmp_path / "a.png", columns=2)
    assert row in demo.main(config)["rows"]
