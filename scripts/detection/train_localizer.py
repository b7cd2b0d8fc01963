"""Train a localizer: one network that says what a picture shows, and in which box.

    sightkit detection/train_localizer --data tiny-imagenet-200 --output runs/localizer/tiny
    sightkit detection/detect --method bundle --bundle runs/localizer/tiny/bundle PHOTO.jpg

For pictures of one object each. The body is pretrained and stays as it is; class and box share a
head on its feature maps. Measured beside the box that is best for all pictures alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sightkit import _cli
from sightkit.apps import detection


@dataclass(frozen=True)
class Config(detection.LocalizerFlags):
    """A localizer on your own pictures."""


def main(config: Config) -> dict[str, Any]:
    with detection.start_training(config, __file__) as (run, pictures):
        _cli.start_keras(config.connect)
        found = detection.train_localizer(config, run, pictures)
    for split in ("val", "test"):
        line = (
            "mean IoU {mean_iou:.3f}, {ratio:.2f} times the constant box's {constant_iou:.3f}; "
            "class right {accuracy:.1%}, with IoU of 0.5 too {localized:.1%}"
        )
        print(f"{split}: {line.format(**found[split])}")
    return found


if __name__ == "__main__":
    _cli.run(main, Config)
