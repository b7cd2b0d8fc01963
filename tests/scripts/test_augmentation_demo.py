"""The sheet of augmentations."""

from __future__ import annotations

import numpy as np

from sightkit.io import read_image, write_png


def test_a_sheet_of_the_sample_photo_is_drawn(script, tmp_path):
    result = script("augmentation_demo", "--smoke", cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert result.stdout == "augmentation.png\n"
    sheet = read_image(tmp_path / "augmentation.png")
    assert min(sheet.shape[:2]) > 300
    assert sheet.std() > 20


def test_a_photo_of_ones_own_in_the_first_column(script, tmp_path):
    photo = np.zeros((40, 60, 3), np.uint8)
    photo[..., 0] = 200
    write_png(tmp_path / "red.png", photo)
    flags = ("--brightness", 0, "--contrast", 0, "--smoke", "--output", tmp_path / "sheet.png")
    result = script("augmentation_demo", tmp_path / "red.png", *flags)
    assert result.code == 0, result.stderr
    sheet = read_image(tmp_path / "sheet.png").reshape(-1, 3)
    assert np.mean((sheet == (200, 0, 0)).all(axis=1)) > 0.5


def test_wrong_strengths_and_missing_images_are_one_line(script, tmp_path):
    for flags, told in (
        (("--rotation", 200), "rotation must be between"),
        (("--border", "green"), "border must be one of"),
        (("--columns", 0), "--columns must be at least 1"),
        (("nowhere.jpg",), "nowhere.jpg"),
    ):
        result = script("augmentation_demo", *flags, cwd=tmp_path)
        assert result.code == 2
        assert len(result.stderr.splitlines()) == 1
        assert told in result.stderr
    assert list(tmp_path.iterdir()) == []
