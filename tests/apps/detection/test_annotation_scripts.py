"""Annotations converted, and a detector evaluated, by their scripts."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from sightkit import _files
from sightkit.apps.detection import (
    Detections,
    average_precision,
    detect_all,
    read_annotations,
    write_annotations,
    write_shapes,
)
from sightkit.apps.detection.shapes import CLASS_NAMES as SHAPES
from sightkit.experiments import ledger


@pytest.mark.slow
def test_convert_and_evaluate_by_scripts(script, tmp_path):
    made = script("detection/convert_annotations", "--smoke", cwd=tmp_path)
    assert made.code == 0, made.stderr
    again = script(
        "detection/convert_annotations", "--data", "annotations.json", "--output", "voc",
        "--output-split", "test", cwd=tmp_path,
    )  # fmt: skip
    assert again.code == 0, again.stderr
    assert again.heavy == ""  # neither Keras nor TensorFlow

    pictures = read_annotations(tmp_path / "annotations.json")
    right, missed = pictures.annotations
    found = [
        Detections(each.boxes[:count], np.full(count, 0.8), each.labels[:count], SHAPES)
        for each, count in ((right, len(right)), (missed, 0))
    ]
    (tmp_path / "found").mkdir()
    for each, annotation in zip(found, pictures.annotations, strict=True):
        content = each.to_json(annotation.image.name)
        (tmp_path / "found" / f"{annotation.image.stem}.json").write_text(json.dumps(content))
    flags = ("--data", "voc", "--split", "test", "--detections", "found")
    result = script("detection/evaluate_detector", *flags, cwd=tmp_path)
    assert result.code == 0, result.stderr
    metrics = json.loads((tmp_path / "detector_evaluation/metrics.json").read_text())
    assert metrics["map_50"] == pytest.approx(average_precision(pictures, found).at(0.5))
    assert (metrics["missed"], metrics["false"]) == (len(missed), 0)
    (row,) = ledger.read(tmp_path / ledger.LOCAL)
    assert (row["test_images"], row["metrics"]["map_50"]) == (len(pictures), metrics["map_50"])

    wrong = script("detection/evaluate_detector", "--data", "voc", cwd=tmp_path)
    assert wrong.code == 2
    assert "one detector" in wrong.stderr


@pytest.mark.slow
def test_a_bundle_is_evaluated_by_the_script(script, tmp_path, saved_detector):
    pictures = write_shapes(tmp_path / "shapes", 3)
    write_annotations(pictures, tmp_path / "shapes.json")
    flags = ("--bundle", saved_detector[0], "--data", "shapes.json", "--output", "out")
    result = script("detection/evaluate_detector", *flags, cwd=tmp_path)
    assert result.code == 0, result.stderr
    metrics = json.loads((tmp_path / "out/metrics.json").read_text())
    assert (metrics["pictures"], len(metrics["classes"])) == (3, 2)
    found = detect_all(saved_detector[0], pictures)
    assert metrics["map"] == pytest.approx(average_precision(pictures, found).mean, abs=1e-3)
    (row,) = ledger.read(tmp_path / ledger.LOCAL)
    assert row["data_sha256"] == _files.sha256(tmp_path / "shapes.json")
    scores = np.concatenate([each.scores for each in found])
    assert scores.min() < 0.5  # what ``predict`` shows by itself
    assert abs(sum(each["detections"] for each in metrics["classes"]) - len(scores)) < 2

    write_annotations(replace(pictures, class_names=("disc", "cube")), tmp_path / "cubes.json")
    wrong = script("detection/evaluate_detector", *flags[:2], "--data", "cubes.json", cwd=tmp_path)
    assert wrong.code == 2 and "unknown_class='" in wrong.stderr and wrong.heavy == ""
