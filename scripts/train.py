"""Any network of the zoo on your own photos: settings are chosen by the photos, with reasons.

    python scripts/train.py --network resnet20 --data PHOTOS
    python scripts/train.py --network minivggnet --data PHOTOS.zip --output runs/train/mine
    python scripts/predict.py --bundle runs/train/default/bundle PHOTO.jpg

PHOTOS is a folder with one folder a class, an archive of it (zip, tar), a table of labels beside
the photos (.csv), or a dataset file (.h5). Size, variation, batch, epochs, optimizer, rate and
class weights are chosen by counts, sizes and colours of the photos; each is printed with its
reason, and a flag that is given wins. Memory and time are estimated before the training starts,
and a network that does not fit is refused. The dataset file made of the photos is
datasets/PHOTOS-SIZE-HASH.h5; an archive is unpacked into datasets/ once. Networks are those of
``sightkit inspect_model`` (docs/zoo.md). With few photos features do better
(scripts/extract_features.py): then that is said first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sightkit import _cli, experiments


@dataclass(frozen=True)
class Config(experiments.PhotosConfig):
    """A network on your own photos; flags that are not given are chosen by the photos."""


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__, keras=False) as run:
        facts = config.report_choices()
        run.start_keras()
        config.require_memory(facts)
        run.use(config.file())
        train = run.training()

        network = run.network(config.build)
        run.compile(network, train)

        run.report_time(network, train)
        run.fit(network, train, callbacks=callbacks)
        return run.report(network)


if __name__ == "__main__":
    _cli.run(main, Config)
