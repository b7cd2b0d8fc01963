from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "photos"
    path.mkdir()
    for index in range(10):
        image = np.full((8, 8, 3), index * 20, np.uint8)
        cv2.imwrite(str(path / f"{index}.png"), image)
    return path


def test_a_good_folder_is_exit_code_0(folder, script, tmp_path):
    result = script("verify_dataset", "--data", folder, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert "10 images checked" in result.stdout
    assert result.heavy == ""
    assert not list(tmp_path.glob("*.csv"))


def test_copies_are_told_in_one_folder_and_in_two(folder, script, tmp_path):
    (folder / "other").mkdir()
    for name in ("copy.png", "other/1.png"):
        (folder / name).write_bytes((folder / "1.png").read_bytes())
    result = script("verify_dataset", "--data", folder, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert "  copy.png: the same picture as 1.png\n" in result.stdout
    assert "  other/1.png: the same picture as 1.png, in another folder\n" in result.stdout
    assert (tmp_path / "photos.left_out.csv").exists()


def test_bad_images_are_exit_code_2_and_one_line(folder, script, tmp_path):
    (folder / "bad.jpg").write_text("no photo")
    output = tmp_path / "list.csv"
    result = script("verify_dataset", "--data", folder, "--output", output, cwd=tmp_path)
    assert result.code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "1 of 11 images are bad" in result.stderr
    assert str(output) in result.stderr
    with open(output, newline="") as file:
        assert [row["path"] for row in csv.DictReader(file)] == ["bad.jpg"]
    flags = ("--data", folder, "--output", output, "--max-bad", "0.1")
    assert script("verify_dataset", *flags, cwd=tmp_path).code == 0


def test_it_checks_dataset_files(write_dataset, script, tmp_path):
    result = script("verify_dataset", "--data", write_dataset(), cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert "31 images checked" in result.stdout


def test_smoke_needs_no_data(script, tmp_path):
    result = script("verify_dataset", "--smoke", cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert "24 images checked" in result.stdout


@pytest.mark.parametrize(
    ("flags", "told"),
    (
        ((), "--data FOLDER_OR_H5"),
        (("--data", "x", "--max-bad", "2"), "--max-bad must be"),
        (("--data", "nowhere"), "--data must name a folder of images"),
    ),
)
def test_what_is_missing_or_wrong_is_one_line(flags, told, script):
    result = script("verify_dataset", *flags)
    assert result.code == 2
    assert len(result.stderr.splitlines()) == 1
    assert told in result.stderr
    assert result.heavy == ""
