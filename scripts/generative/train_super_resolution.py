"""Train a network that enlarges pictures: SRCNN, or a smaller and faster sub-pixel network.

    sightkit generative/train_super_resolution --data T91 --output runs/super_resolution/x2
    sightkit generative/train_super_resolution --data T91 --network srcnn_paper --factor 3 \
        --test Set5
    sightkit generative/upscale --bundle runs/super_resolution/x2/bundle PHOTO.jpg

The folder holds sharp pictures of any size: they are made small by MATLAB's imresize, and the
network learns the way back, from patches that are turned and mirrored. Some pictures choose the
epoch. subpixel and srcnn_paper learn luma (of colour pictures chroma is enlarged bicubically),
srcnn, the book's, RGB. See docs/generation_super_resolution.md for what each reaches, and
evaluate_super_resolution for the ways in which others count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli
from sightkit.apps import generative
from sightkit.experiments import ledger


@dataclass(frozen=True)
class Config(generative.UpscalerFlags):
    """Train a network that enlarges pictures."""


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with generative.start_upscaler(config, Path(__file__)) as (run, parts):
        _cli.start_keras(config.connect)
        metrics = generative.train_upscaler(config, run, parts, callbacks=callbacks)
    if "test" in metrics and not config.smoke:
        ledger.record_run(config.output)
    return metrics


if __name__ == "__main__":
    _cli.run(main, Config)
