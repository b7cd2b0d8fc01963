"""DCGAN: a generator that learns to draw digits, clothes, faces or any pictures.

    python scripts/generative/train_dcgan.py --data mnist
    python scripts/generative/train_dcgan.py --data FOLDER --size 32

A discriminator learns to tell pictures from samples, the generator to draw what it takes for
pictures, from normal noise. The guidelines of Radford and Chollet are flags: no dense layers,
kernels that the stride divides, dropout in the discriminator, noise on its labels; batch
normalization in both is ``--normalize-discriminator``. The networks of the practitioner's book:
``--dense 512 --kernel 5 --dropout 0 --label-noise 0 --noise uniform``.

In the run folder: a sheet of samples each epoch, the same latent vectors (samples/), the last ones
(samples.png), walks between latent vectors (latent_walk.png, .gif), and the generator's bundle for
scripts/generative/sample_dcgan.py. A classifier reads the samples: how many it is sure of, how many
of each class, and the Fréchet distance on its features, beside that of training pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sightkit import _cli
from sightkit.apps import generative
from sightkit.experiments import ledger


@dataclass(frozen=True)
class Config(generative.GanFlags):
    """Train a DCGAN."""


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with generative.start_gan(config, __file__) as run:
        _cli.start_keras(config.connect)
        gan = run.network()
        run.fit(gan, callbacks=callbacks)
        metrics = run.report(gan)
    if not config.smoke:
        ledger.record_run(config.output)
    return metrics


if __name__ == "__main__":
    _cli.run(main, Config)
