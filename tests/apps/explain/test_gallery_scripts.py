"""``sightkit neighbours`` and ``sightkit map``: what they write, print and refuse."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit import io, training, zoo
from sightkit.apps.explain.gallery import open_gallery
from sightkit.io import read_image
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    ColourPreprocessor,
    ImageToArrayPreprocessor,
    Pipeline,
)

CHAIN = Pipeline(
    (ColourPreprocessor(), AspectAwarePreprocessor(32, 32), ImageToArrayPreprocessor())
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Photos of a temple and of a flower, and their features."""
    place = tmp_path_factory.mktemp("gallery")
    (place / "photos").mkdir()
    io.write_sample_photos(place / "photos")
    open_gallery(place / "photos", place, model="minivggnet", random=True)
    return place


def refused(result, *told):
    assert result.code == 2, result.stderr
    (line,) = result.stderr.splitlines()
    assert "Received: " in line and not [each for each in told if each not in line], line
    assert "Traceback" not in line


@pytest.mark.slow
def test_neighbours_of_photos(place, script, tmp_path):
    photos = [place / "photos/china/3.png", place / "photos/flower/2.png"]
    result = script("explain/neighbours", *photos, "--data", place / "features.h5", cwd=tmp_path)
    assert result.code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == str(photos[0]) and len(lines) == 14
    assert "  china  china/" in lines[1] and lines[-2].startswith("precision@5 ")
    assert lines[-1] == "neighbours.png"
    assert min(read_image(tmp_path / "neighbours.png").shape[:2]) > 300


@pytest.mark.slow
def test_neighbours_that_are_learned(place, script, tmp_path):
    given = ("--data", place / "features.h5", "--metric=learned", "--k", 3, "--folds", 3)
    result = script("explain/neighbours", *given, "--output", "sheet.png", cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert "the plain cosine's" in result.stdout and (tmp_path / "sheet.png").is_file()
    again = script("explain/neighbours", *given, "--output", "sheet.png", cwd=tmp_path)
    refused(again, "exists already", "--overwrite")
    over = script(
        "explain/neighbours", *given, "--output", "sheet.png", "--overwrite", cwd=tmp_path
    )
    assert over.code == 0, over.stderr


@pytest.mark.slow
def test_neighbours_refuses_what_cannot_be(place, script, tmp_path):
    features = ("--data", place / "features.h5")
    refused(script("explain/neighbours", *features, "--k", 25, cwd=tmp_path), "at most 24", "k=25")
    refused(script("explain/neighbours", *features, "--k", 0, cwd=tmp_path), "k=0")
    model = ("--model", "mobilenet_0.25_of_none")
    refused(script("explain/neighbours", *features, *model, cwd=tmp_path), "of_none")
    (tmp_path / "no.png").write_text("no image")
    refused(script("explain/neighbours", "no.png", *features, cwd=tmp_path), "no.png")
    assert not (tmp_path / "neighbours.png").exists()


def test_neighbours_of_the_readable_come_before_the_error(place, script, tmp_path):
    (tmp_path / "no.png").write_text("no image")
    given = (place / "photos/china/3.png", "no.png", "--data", place / "features.h5")
    result = script("explain/neighbours", *given, cwd=tmp_path)
    assert result.code == 2 and "no.png" in result.stderr
    assert (tmp_path / "neighbours.png").is_file()


@pytest.mark.slow
def test_map_draws_and_refuses_a_perplexity_too_large(place, script, tmp_path):
    features = ("--data", place / "features.h5")
    result = script("explain/map", *features, "--most", 20, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert "20 of 24 photos, drawn at random" in result.stderr
    assert "20 photos, trustworthiness 0." in result.stdout
    assert min(read_image(tmp_path / "map.png").shape[:2]) > 900
    refused(
        script("explain/map", *features, "--perplexity", 8, cwd=tmp_path),
        "perplexity=8.0, photos=24", "Give --perplexity 7",
    )  # fmt: skip
    for flag, value, message in (
        ("--most", 6, "--most must be at least 7. Received: most=6. Give --most 3000"),
        ("--perplexity", "nan", "must be at least 1. Received: perplexity=nan. Leave --perplexity"),
        ("--eps", 0, "Leave --eps out"),
        ("--fewest", 1, "Leave --fewest out"),
    ):
        refused(script("explain/map", *features, flag, value, cwd=tmp_path), message)


@pytest.mark.slow
def test_neighbours_need_no_keras(place, script, tmp_path, monkeypatch):
    """By the network's compiled form, once it is saved; random weights have none."""
    pytest.importorskip("openvino")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    keras.utils.set_random_seed(1)
    canary = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    bundle = training.save_bundle(
        tmp_path / "bundle", zoo.MiniVGGNet((32, 32, 3), 2), preprocessing=CHAIN,
        class_names=("a", "b"), canary=canary,
    )  # fmt: skip
    open_gallery(place / "photos", tmp_path, model=bundle)
    given = (place / "photos/china/3.png", "--data", "features.h5", "--overwrite")
    first, again = (script("explain/neighbours", *given, cwd=tmp_path) for _ in range(2))
    assert (again.code, again.heavy, again.stderr) == (0, "", "")
    assert first.stdout == again.stdout and "  china  china/" in again.stdout
