"""Train a segmenter, which names the class of each pixel: U-Net, FCN, or a classifier of patches.

    sightkit generative/train_segmentation --data datasets/camvid
    sightkit generative/train_segmentation --data FOLDER --network fcn
    sightkit generative/segment PHOTO.jpg --bundle runs/segmentation/default/bundle

FOLDER holds images and masks of the same names; classes.csv names the values or colours of the
masks. Sizes, values and files are checked before Keras starts. The weights are those that overlap
best on the validation pictures; the test pictures are evaluated once, in their own size, beside
what is most often where, and segmented.png shows them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sightkit import _cli
from sightkit.apps import generative
from sightkit.experiments import ledger


@dataclass(frozen=True)
class Config(generative.SegmentationFlags):
    """A segmenter on pictures and masks."""


def main(config: Config) -> dict[str, Any]:
    with generative.start_segmentation(config, __file__) as run:
        _cli.start_keras(config.connect)

        network = run.network()
        train, validation = run.batches("train"), run.batches("val")
        run.fit(network, train, validation)

        metrics = run.report(network)
        print(generative.describe_segmentation(metrics, run.run))
    if not config.smoke:
        ledger.record_run(config.output)
    return metrics


if __name__ == "__main__":
    _cli.run(main, Config)
