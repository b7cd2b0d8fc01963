"""Export a trained network to ONNX, LiteRT, SavedModel or OpenVINO, and prove that it is the same.

    sightkit deploy/export --bundle RUN/bundle --output exported
    sightkit deploy/export --bundle RUN/bundle --format litert --int8 --data PHOTOS

The bundle is a network, or networks with a linear head. Nothing is written before the file has
answered the canary image and 64 photos in its own runtime as the bundle does, to 1e-4; with --int8
what it loses is measured on --data. OUTPUT holds the file, export.json (input, output, class names,
the steps that come before, what was compared; also inside the file) and the canary image.
docs/deploy.md has a few lines each to run it from Python, C++ and JavaScript.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, io, preprocessing, training, transfer, zoo
from sightkit.apps import deploy

SIDE = 16


@dataclass(frozen=True)
class Config(deploy.ExportFlags):
    """Export a trained network."""


def main(config: Config) -> dict[str, Any]:
    _cli.start_keras()
    with tempfile.TemporaryDirectory() as scratch:
        folder = config.bundle or small_bundle(Path(scratch))
        bundle = transfer.load(folder)
        found = deploy.export_bundle(
            bundle,
            config.output,
            config.format,
            data=config.data,
            split=config.split,
            int8=config.int8,
            page=config.page,
        )
    print(deploy.summary(found))
    page = f"; open {config.output / 'page.html'}" if config.page else ""
    print(f"Written to {config.output / found['file']}{page}")
    return dict(found)


def small_bundle(scratch: Path) -> Path:
    """Return the bundle of a small network with random weights."""
    io.write_sample_photos(scratch)
    chain = preprocessing.Pipeline(
        (
            preprocessing.AspectAwarePreprocessor(SIDE, SIDE),
            preprocessing.ImageToArrayPreprocessor(),
        )
    )
    return training.save_bundle(
        scratch / "bundle",
        zoo.LeNet((SIDE, SIDE, 3), 3),
        preprocessing=chain,
        class_names=("cat", "dog", "panda"),
        canary=min(scratch.rglob("*.png")),
    )


if __name__ == "__main__":
    _cli.run(main, Config)
