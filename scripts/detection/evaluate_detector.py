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
from sightkit._errors import SightkitError
from sightkit.apps import detection


@dataclass(frozen=True)
class Config:
    """Evaluate a detector."""

    data: Path | None = None
    """Annotations: folder in VOC's layout, .json of COCO's form, or .csv."""
    split: str | None = None
    """List of VOC's layout; all pictures by default."""
    images: Path | None = None
    """Folder of the pictures that a file of annotations names; its own folder by default."""
    bundle: Path | None = None
    """Folder of the detector: RUN/bundle."""
    detections: Path | None = None
    """Folder of JSON files of detection/detect, in place of --bundle."""
    score: float = 0.5
    """Least score of the boxes that are counted as mistakes and drawn."""
    output: Path = Path("detector_evaluation")
    """Folder to write into: new, or an earlier evaluation's."""
    smoke: bool = False
    """Evaluate made-up detections in two sample photographs."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        detection.require_evaluation_folder(self.output)
        if not self.smoke and (
            self.data is None or (self.bundle is None) == (self.detections is None)
        ):
            raise SightkitError(
                "Name the annotations, and one detector.",
                "Give --data VOC and --bundle RUN/bundle, or --detections FOUND.",
            )
        if not 0 <= self.score <= 1:
            raise SightkitError("--score must be from 0 to 1.", "Give 0.5.", score=self.score)


def main(config: Config) -> dict[str, Any]:
    names = None
    if config.bundle is not None:
        names = training.check_bundle(config.bundle, detection.DETECTORS)["class_names"]
    if config.data is None:
        with tempfile.TemporaryDirectory() as folder:
            pictures = detection.write_sample_annotations(folder)
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
    return detection.report_detections(
        pictures, found, config.output, score=config.score, facts=facts
    )


if __name__ == "__main__":
    _cli.run(main, Config)
