"""Find things in pictures: boxes with labels and scores, drawn and as JSON.

    sightkit detection/detect --method haar PHOTOS --output faces
    sightkit detection/detect --method dense --model mobilenet_0.75 beagle.jpg --threshold 0.6
    sightkit detection/detect --method bundle --bundle RUN/bundle PHOTOS

haar finds frontal faces and hog pedestrians (both OpenCV's; hog --bundle takes one of
train_hog_svm). sliding makes a detector of any classifier: it classifies windows of the picture in
many sizes; --background names classes that are no things. dense computes all windows of a network
at once, tens of times faster where it ends in global pooling, and confirms what it finds
(docs/detection_windows.md). bundle takes a trained detector.

NAME.json holds {"image": file, "detections": [{"label", "score", "box": [x0, y0, x1, y1]}]}, in
pixels; NAME.png shows it.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, evaluation
from sightkit.apps import detection


@dataclass(frozen=True)
class Config(detection.DetectFlags):
    """Find things in pictures."""


def main(config: Config) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        if not config.images:
            detection.write_shapes(scratch, 2, size=(160, 200))
        given = config.images or (Path(scratch),)
        photos = evaluation.PhotoFolder(given, follow_links=config.follow_links)
        names = evaluation.output_names(photos.files)
        replaced = config.overwrite or config.smoke
        detection.require_new_results(config.output, names, overwrite=replaced)
        if config.needs_keras:
            _cli.start_keras()
        return detection.detect_photos(config.finder(), photos, names, config.output)


if __name__ == "__main__":
    _cli.run(main, Config)
