"""Annotations converted, and a detector evaluated, by their scripts."""

from __future__ import annotations

import json


def test_convert_and_evaluate_by_scripts(script, tmp_path):
    made = script("detection/convert_annotations", "--smoke", cwd=tmp_path)
    assert made.code == 0, made.stderr
    again = script(
        "detection/convert_annotations", "--data", "annotations.json", "--output", "voc",
        "--output-split", "test", cwd=tmp_path,
    )  # fmt: skip
    assert again.code == 0, again.stderr
    assert again.heavy == ""  # neither Keras nor TensorFlow

    (tmp_path / "found").mkdir()
    for name, box in (("pavilion", [0, 95, 640, 345]), ("flower", [0, 0, 50, 50])):
        content = {
            "image": f"{name}.png",
            "detections": [{"label": name, "score": 0.8, "box": box}],
        }
        (tmp_path / "found" / f"{name}.json").write_text(json.dumps(content))
    flags = ("--data", "voc", "--split", "test", "--detections", "found")
    result = script("detection/evaluate_detector", *flags, cwd=tmp_path)
    assert result.code == 0, result.stderr
    metrics = json.loads((tmp_path / "detector_evaluation/metrics.json").read_text())
    assert abs(metrics["map_50"] - 0.5) < 1e-9
    assert (metrics["missed"], metrics["false"]) == (1, 1)

    wrong = script("detection/evaluate_detector", "--data", "voc", cwd=tmp_path)
    assert wrong.code == 2
    assert "one detector" in wrong.stderr
