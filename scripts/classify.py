"""Name what is on photos, with a network trained on ImageNet's 1,000 classes.

    python scripts/classify.py --model mobilenet_0.75 beagle.jpg

The network brings its own preprocessing. Its weights are found in KERAS_HOME (~/.keras/models), or
downloaded there by Keras.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli
from sightkit._errors import SightkitError


@dataclass(frozen=True)
class Config:
    """Print the most probable ImageNet classes of image files."""

    images: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Image files: JPEG, PNG, WebP, BMP, TIFF, GIF, …"""
    model: str = "mobilenet_0.75"
    """vgg16, vgg19, resnet50, inception_v3, xception, mobilenet_WIDTH or mobilenetv2_WIDTH."""
    top: int = 5
    """Classes a picture."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.top < 1:
            raise SightkitError("--top must be at least 1.", top=self.top)
        if not self.images:
            raise SightkitError("Name at least one image file.", "For example photo.jpg.")


def main(config: Config) -> dict[str, Any]:
    from sightkit import io

    images = [io.read_image(path) for path in config.images]
    _cli.start_keras()
    from sightkit import training, transfer

    bundle = transfer.pretrained(config.model)
    answers = bundle.top(bundle.predict(images), config.top)
    result = dict(zip(map(str, config.images), answers, strict=True))
    print(training.format_top(result))
    return result


if __name__ == "__main__":
    _cli.run(main, Config)
