"""Evaluate a detector on annotated pictures: average precision with an interval, curves, mistakes.

    sightkit detection/evaluate_detector --bundle RUN/bundle --data VOC --split test
    sightkit detection/evaluate_detector --detections FOUND --data annotations.json

The detector is a bundle, or the JSON files of detection/detect, one a picture; give that a low
--threshold, because average precision counts boxes of all scores. Annotations are a folder in VOC's
layout, COCO's JSON or a CSV. The output holds metrics.json, precision_recall.png and report.html
with the worst pictures, their missed and false boxes drawn. Average precision is pycocotools'.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files, training
from sightkit.apps import detection
from sightkit.experiments import ledger


@dataclass(frozen=True)
class Config(detection.EvaluationFlags):
    """Evaluate a detector."""


def main(config: Config) -> dict[str, Any]:
    names = None
    if config.bundle is not None:
        names = training.check_bundle(config.bundle, detection.DETECTORS)["class_names"]
    if config.data is None:
        with tempfile.TemporaryDirectory() as folder:
            pictures = detection.write_shapes(folder, 2)
            found = detection.sample_detections(pictures)
            return detection.report_detections(pictures, found, config.output, score=config.score)
    pictures = detection.read_annotations(config.data, config.split, config.images, names)
    if config.bundle is None:
        found = detection.read_detections(config.detections or Path(), pictures)
    else:
        _cli.start_keras()
        found = detection.detect_all(config.bundle, pictures, cache=_files.user_cache("compiled"))
    given = {name: getattr(config, name) for name in ("bundle", "detections", "data", "split")}
    facts = {name: str(value) for name, value in given.items() if value is not None}
    metrics = detection.report_detections(
        pictures, found, config.output, score=config.score, facts=facts
    )
    if config.split not in ("train", "val"):
        test = {"test": {"count": len(pictures), **metrics}}
        ledger.record_evaluation("evaluate_detector", test, config.data)
    return metrics


if __name__ == "__main__":
    _cli.run(main, Config)
