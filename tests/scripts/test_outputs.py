"""What --output of the scripts that answer refuses before any work, and what classify writes."""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
DATA = os.environ.get("SIGHTKIT_TEST_DATA")
ARGUMENTS = {
    "inspect_model": ("lenet",),
    "visualize_architecture": ("lenet",),
    "predict": ("x.png", "--bundle", "b"),
    "classify": ("x.png",),
}


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("place", ["missing/x.json", "file/x.json", ""])
def test_an_output_that_cannot_be_is_refused_before_keras_starts(name, place, script, tmp_path):
    (tmp_path / "file").write_text("mine")
    for ending in ("png", "svg"):
        (tmp_path / f"folder.{ending}").mkdir()
    output = place or ("folder" if name == "visualize_architecture" else "folder.png")
    result = script(name, *ARGUMENTS[name], "--output", tmp_path / output, cwd=tmp_path)
    assert result.code == 2, result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "Received:" in result.stderr and str(tmp_path) in result.stderr
    assert result.stdout == ""
    assert result.heavy == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.png", "folder.svg"]


@pytest.mark.parametrize("name", [*ARGUMENTS, "suspicious_labels", "advise"])
def test_a_file_that_exists_is_refused_before_keras_starts(name, script, tmp_path):
    ending = {"visualize_architecture": "svg", "suspicious_labels": "csv"}.get(name, "json")
    (tmp_path / f"mine.{ending}").write_text("mine")
    arguments = ARGUMENTS.get(name, ("--features", "f.h5") if name == "suspicious_labels" else ())
    result = script(name, *arguments, "--output", f"mine.{ending}", cwd=tmp_path)
    assert result.code == 2 and result.heavy == "", result.stderr
    assert "exists already" in result.stderr and "--overwrite" in result.stderr
    assert (tmp_path / f"mine.{ending}").read_text() == "mine"
    again = script(name, *arguments, "--output", f"mine.{ending}", "--overwrite", cwd=tmp_path)
    assert "exists already" not in again.stderr


@pytest.mark.parametrize("name", ["predict", "classify"])
def test_answers_are_json_or_csv(name, script, tmp_path):
    result = script(name, *ARGUMENTS[name], "--output", tmp_path / "x.txt", cwd=tmp_path)
    assert result.code == 2
    assert ".json or .csv" in result.stderr


def test_classify_lists_its_networks_and_refuses_others(script):
    from sightkit import transfer

    result = script("classify", "--help")
    assert all(name in result.stdout for name in transfer.names())
    assert result.heavy == ""
    result = script("classify", "x.png", "--model", "vgg")
    assert result.code == 2
    assert "vgg16" in result.stderr and "Traceback" not in result.stderr
    assert result.heavy == ""


@pytest.mark.slow
@pytest.mark.skipif(not DATA, reason="SIGHTKIT_TEST_DATA is not set")
def test_classify_names_a_beagle(script, tmp_path, monkeypatch):
    models = tmp_path / "keras" / "models"
    models.mkdir(parents=True)
    for name in ("mobilenet_2_5_224_tf.h5", "imagenet_class_index.json"):
        shutil.copy(Path(str(DATA)) / "keras" / "models" / name, models)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    photo, output = Path(str(DATA)) / "style" / "content" / "beagle.png", tmp_path / "a.csv"
    flags = ("--model", "mobilenet_0.25", "--top", 2, "--output", output)
    result = script("classify", photo, *flags, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert "%  beagle" in result.stdout
    with output.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["picture"], row["rank"]) for row in rows] == [(str(photo), "1"), (str(photo), "2")]
    assert rows[0]["class"] == "beagle" and 0.5 < float(rows[0]["probability"]) <= 1


@pytest.mark.parametrize("output", ["net.png", "net.svg", "net", "net.PNG"])
def test_an_ending_is_not_added_twice(output, script, tmp_path):
    result = script("visualize_architecture", "mlp", "--output", output, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.png", "net.svg"]
