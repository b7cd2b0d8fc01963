"""Train a network that paints any photo in the style of one picture, in one pass.

    sightkit generative/train_fast_style --style starry_night.jpg --data PHOTOS
    sightkit generative/fast_style PHOTO.jpg --bundle runs/fast_style/default/bundle

style_transfer changes one photo for minutes; this learns to change all, and then needs a second.
The folder holds photos of any kind, some hundred of them. samples.png shows validation photos with
their paintings. --style-weight says how far it goes; see docs/generation_style.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli
from sightkit.apps import generative


@dataclass(frozen=True, kw_only=True)
class Config(generative.FastStyleFlags):
    """Train a fast style network."""


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    _cli.start_keras(config.connect)
    with generative.start_fast_style(config, Path(__file__)) as run:
        network = run.network()
        run.fit(network, callbacks=callbacks)
        metrics = run.report(network)
        print(generative.describe_fast_style(metrics, run.run))
    return metrics


if __name__ == "__main__":
    _cli.run(main, Config)
