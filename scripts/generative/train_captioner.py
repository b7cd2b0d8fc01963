"""Train a captioner: a pretrained network's maps, and an LSTM that writes a sentence about them.

    sightkit generative/train_captioner
    sightkit generative/train_captioner --data captions_train2017.json --images train2017 \
        --length 20 --least 5
    sightkit generative/caption --bundle runs/captioner/default/bundle PHOTO.jpg

Without --data scenes are drawn, "a red circle is left of a blue star": 1,740 sentences, of which a
fifth is tested and never trained. captions.png shows test pictures with what was read in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sightkit import _cli
from sightkit.apps import generative
from sightkit.experiments import ledger


@dataclass(frozen=True)
class Config(generative.CaptionFlags):
    """A captioner on drawn scenes or COCO's captions."""


def main(config: Config) -> dict[str, Any]:
    with generative.start_captioning(config, __file__) as run:
        _cli.start_keras(config.connect)

        network = run.network()
        run.fit(network)

        metrics = run.report(network)
        print(generative.describe_captions(metrics, run.run))
    if not config.smoke:
        ledger.record_run(config.output)
    return metrics


if __name__ == "__main__":
    _cli.run(main, Config)
