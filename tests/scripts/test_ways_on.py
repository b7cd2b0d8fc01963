"""Each next step that a script names is taken with that script."""

from __future__ import annotations

import re

import numpy as np
import pytest

from sightkit import io

pytestmark = pytest.mark.slow


@pytest.fixture
def few(tmp_path):
    """Photos of two classes of ten, and of one of two."""
    rng = np.random.default_rng(0)
    for name, count in (("cat", 10), ("dog", 10), ("lynx", 2)):
        (tmp_path / "few" / name).mkdir(parents=True)
        for number in range(count):
            image = rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)
            io.write_png(tmp_path / "few" / name / f"{number}.png", image)
    return tmp_path / "few"


def flags_in(line):
    """Return the flags that a message names, with their values; NAME is the lynx."""
    found = re.findall(r"--[a-z-]+(?: (?:[\d.]+|NAME\b))*", line)
    return [flag.replace("NAME", "lynx").rstrip(".").split() for flag in found]


def test_a_class_too_small_to_build(few, script, tmp_path):
    command = ("build_folder", "--data", few, "--output", tmp_path / "few.h5", "--size", 32)
    refused = script(*command, cwd=tmp_path)
    ways = flags_in(refused.stderr)
    assert refused.code == 2 and [way[0] for way in ways] == ["--exclude", "--fractions"]
    for way in ways:
        assert script(*command, *way, "--overwrite", cwd=tmp_path).code == 0, way


def test_a_class_too_small_for_a_head(few, script, tmp_path):
    extract = ("extract_features", "--model", "minivggnet", "--random-weights")
    extract = (*extract, "--data", few, "--output", "f.h5")
    assert script(*extract, cwd=tmp_path).code == 0
    train = ("train_logistic", "--features", "f.h5", "--folds", 2, "--output", "head")
    refused = script(*train, cwd=tmp_path)
    assert refused.code == 2 and "scripts/extract_features.py --exclude NAME" in refused.stderr
    assert script(*extract, "--exclude", "lynx", cwd=tmp_path).code == 0
    assert script(*train, cwd=tmp_path).code == 0
    many = script(*train[:3], "--folds", 9, "--output", "other", cwd=tmp_path)
    (way,) = flags_in(many.stderr.replace("extract_features.py --exclude NAME", ""))
    assert way[0] == "--folds"
    assert script(*train[:3], *way, "--output", "other", cwd=tmp_path).code == 0


def test_an_evaluation_on_other_classes(few, script, tmp_path):
    test_a_class_too_small_for_a_head(few, script, tmp_path)
    evaluate = ("evaluate", "--bundle", "head/bundle", "--data", few)
    refused = script(*evaluate, cwd=tmp_path)
    assert refused.code == 2 and "lynx" in refused.stderr and "--exclude" in refused.stderr
    assert script(*evaluate, "--exclude", "lynx", cwd=tmp_path).code == 0
    for photo in (few / "dog").iterdir():
        photo.unlink()
    (few / "dog").rmdir()
    found = script(*evaluate, "--exclude", "lynx", cwd=tmp_path)
    assert found.code == 0 and "no images of 1 of the network's 2 classes (dog)" in found.stderr
