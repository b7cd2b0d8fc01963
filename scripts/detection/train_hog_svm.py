"""Train HOG and a linear SVM to find your objects, with hard-negative mining.

    sightkit detection/train_hog_svm --objects FACES --backgrounds FLOWERS ANIMALS --output hog_face
    sightkit detection/detect --method hog --bundle hog_face photo.jpg

FACES holds pictures of the object alone, cut alike; they become grey, 64 by 64 pixels by default.
Backgrounds are pictures of anything without it: what the detector takes there for the object is
learned in the next round, until a round finds nothing new. A fifth of both is held back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sightkit import _cli
from sightkit.apps import detection


@dataclass(frozen=True)
class Config(detection.HogFlags):
    """Train a detector by HOG and SVM."""


def main(config: Config) -> dict[str, Any]:
    objects, backgrounds = config.pictures()
    found = detection.train_hog_bundle(
        config.output,
        objects,
        backgrounds,
        config.class_name,
        rounds=1 if config.smoke else config.rounds,
        seed=config.seed,
    )
    for number, each in enumerate(found["rounds"], start=1):
        print("round {}: {false_positives:,} wrong windows, {new:,} new".format(number, **each))
    for name in ("before", "after"):
        line = (
            "precision {precision:.3f}, recall {recall:.3f} on {objects} and {others:,} windows; "
            "{wrong_detections:,} wrong detections in {backgrounds} pictures"
        )
        print(f"{name} mining: {line.format(**found[name])}")
    print(config.output)
    return found


if __name__ == "__main__":
    _cli.run(main, Config)
