"""Numbers that no computation holds, devices and pipes as files, names that are commands."""

from __future__ import annotations

import csv
import os
import re

import numpy as np
import pytest

from sightkit import _csv, io

RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")
NUMBERS = (
    ("build_folder", "--size", 100_000, "--size must be"),
    ("build_folder", "--size", 10**9, "--size must be"),
    ("build_folder", "--split-seed", -5, "--split-seed must be between 0"),
    ("build_folder", "--max-bad", "nan", "--max-bad must be"),
    ("train_lenet_digits", "--learning-rate", "1e300", "--learning-rate must be"),
    ("train_lenet_digits", "--epochs", 10**20, "--epochs must be"),
    ("train_lenet_digits", "--batch-size", 10**20, "--batch-size must be"),
    ("finetune", "--warm-up-rate", "inf", "--warm-up-rate must be"),
    ("train_logistic", "--strengths", "1e300", "--strengths must be"),
    ("train_logistic", "--seed", -5, "--seed must be between 0"),
    ("train_logistic", "--seed", 10**10, "--seed must be between 0"),
    ("train_logistic", "--test-fraction", "nan", "--test-fraction must be"),
    ("train_logistic", "--split-seed", -1, "--split-seed must be between 0"),
    ("augmentation_demo", "--columns", 10**5, "at most 100 pictures"),
    ("augmentation_demo", "--rotation", "1e300", "rotation must be"),
    ("advise", "--photos", 10**20, "--photos must be"),
    ("ensemble", "--members", 10**20, "--members must be"),
    ("search", "--seed", 10**20, "--seed must be"),
    ("predict", "--top", 10**20, "--top must be"),
    ("inspect_model", "--classes", 10**20, "--classes must be"),
)
NEEDS = {
    "predict": ("x.png", "--bundle", "b"),
    "search": ("train_lenet_digits",),
    "inspect_model": ("lenet",),
    "train_logistic": ("--features", "f.h5"),
    "finetune": ("--data", "photos"),
}
FILES = (
    ("predict", "{}", "--bundle", "b"),
    ("predict", "x.png", "--bundle", "{}"),
    ("classify", "{}"),
    ("verify_dataset", "--data", "{}"),
    ("build_folder", "--data", "{}"),
    ("build_folder", "--data", "photos", "--labels", "{}"),
    ("build_folder", "--data", "photos", "--groups", "{}"),
    ("train_lenet_digits", "--data", "{}"),
    ("finetune", "--data", "{}"),
    ("extract_features", "--data", "{}", "--model", "minivggnet", "--random-weights"),
    ("train_logistic", "--features", "{}"),
    ("suspicious_labels", "--features", "{}"),
    ("evaluate", "--bundle", "{}", "--data", "d"),
    ("evaluate_ensemble", "{}"),
    ("import_network", "--network", "{}", "--class-names", "a b"),
    ("augmentation_demo", "{}"),
)


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(4):
            picture = rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)
            io.write_png(tmp_path / "photos" / name / f"{number}.png", picture)
    return tmp_path


def check(result):
    assert result.code == 2, result.stderr
    assert "Traceback" not in result.stderr and "gave up" not in result.stderr, result.stderr
    last = result.stderr.splitlines()[-1]
    assert "Received: " in last or "must" in last


@pytest.mark.parametrize(("name", "flag", "value", "told"), NUMBERS)
def test_a_number_that_is_absurd_is_refused_by_its_flag(name, flag, value, told, script, photos):
    result = script(name, *NEEDS.get(name, ()), flag, value, cwd=photos)
    check(result)
    assert told in result.stderr and result.heavy == "", result.stderr
    assert [path.name for path in photos.iterdir()] == ["photos"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ("pipe", "/dev/zero", "/dev/null", "folder"))
@pytest.mark.parametrize("command", FILES, ids=" ".join)
def test_a_pipe_or_device_in_place_of_a_file_is_refused(command, kind, script, photos):
    os.mkfifo(photos / "pipe")
    (photos / "folder").mkdir()
    name, *flags = (word.format(kind) for word in command)
    check(script(name, *flags, cwd=photos, seconds=100))


HOSTILE = ("=1+1", "@x\x1b[2J\x1b]0;t\x07", "b\nSPOOFED 100 %", "\u202eetihw")


@pytest.mark.faults
def test_names_that_are_commands_are_text_everywhere(script, tmp_path):
    """From photos to answers, in folders whose names are hostile, one of them no UTF-8."""
    rng = np.random.default_rng(0)
    for number, name in enumerate(HOSTILE):
        (tmp_path / "in" / name).mkdir(parents=True)
        for k in range(12):
            picture = rng.integers(60 * number, 60 * number + 50, (40, 40, 3)).astype(np.uint8)
            io.write_png(tmp_path / "in" / name / f"-{k}\x1b[1m\n.png", picture)
        (tmp_path / "in" / name / "+no\x07.txt").write_text("x")
    out, photos = "=out ", os.fsdecode(b"caf\xe9")
    (tmp_path / "in").rename(tmp_path / photos)
    head, train = f"{out}head", f"{out}run"
    commands = (
        ("verify_dataset", "--data", photos, "--output", f"{out}list.csv", "--max-bad", 1),
        ("build_folder", "--data", photos, "--size", 32, "--output", f"{out}a.h5", "--max-bad", 1),
        ("train", "--data", f"{out}a.h5", "--epochs", 1, "--output", train),
        ("evaluate", "--bundle", f"{train}/bundle", "--data", f"{out}a.h5", "--output", f"{out}e"),
        ("predict", photos, "--bundle", f"{train}/bundle", "--output", f"{out}p.csv"),
        (
            "extract_features",
            "--model",
            f"{train}/bundle",
            "--data",
            photos,
            "--output",
            f"{out}f.h5",
        ),
        ("train_logistic", "--features", f"{out}f.h5", "--output", head, "--folds", 2),
        ("suspicious_labels", "--features", f"{out}f.h5", "--output", f"{out}s.csv"),
        ("predict", photos, "--bundle", f"{head}/bundle", "--output", f"{out}q.csv"),
    )
    for command in commands:
        result = script(*command, cwd=tmp_path)
        assert result.code == 0, (command, result.stderr)
        text = result.stdout + result.stderr
        assert not RAW.search(text) and "\nSPOOFED" not in text, (command, text)
    tables = [path for path in tmp_path.rglob("*.csv") if path.is_file()]
    assert len(tables) >= 8
    known: set[str] = set()
    for path in tables:
        with path.open(encoding="utf-8", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        formulas = [c for c in cells if c[:1] in "=+-@\t\r" and c and not _csv.NUMBER.fullmatch(c)]
        assert not formulas, (path, formulas)
        known |= set(map(_csv.without_apostrophe, cells))
    assert {*HOSTILE} <= known
