"""Samples of a trained generator on one sheet, and walks between them.

    python scripts/generative/sample_dcgan.py --bundle runs/dcgan/default/bundle --count 100

Another ``--seed`` draws others. ``--walk 12`` draws in each row the way from one latent vector to
the next in so many steps, in place of samples that have nothing to do with each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, evaluation
from sightkit._errors import SightkitError, require_at_least
from sightkit.apps import generative

MOST = 10_000
"""Samples on one sheet."""


@dataclass(frozen=True)
class Config:
    """Draw samples."""

    bundle: Path = Path("runs/dcgan/default/bundle")
    """Bundle of a generator, written by scripts/generative/train_dcgan.py."""
    output: Path = Path("samples.png")
    """Picture to write, a PNG."""
    overwrite: bool = False
    """Replace an existing file that --output names."""
    count: int = 100
    """Number of samples, or of walks."""
    columns: int = 10
    """Samples beside each other."""
    walk: int = 0
    """Steps from each latent vector to the next, a row each; 0: samples alone."""
    seed: int = 0
    """Seed of the latent vectors."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, count=1, columns=1, walk=0)
        samples = self.count * max(1, self.walk)
        if samples > MOST:
            raise SightkitError(
                f"A sheet has {MOST:,} samples at most, those of walks too.",
                f"Give --count {max(1, MOST // max(1, self.walk))}, and another --seed for more.",
                count=self.count,
                walk=self.walk,
            )
        own = self.output == type(self).__dataclass_fields__["output"].default
        evaluation.require_file(self.output, (".png",), overwrite=self.overwrite or own)


def main(config: Config) -> dict[str, Any]:
    generative.check_generator(config.bundle)
    _cli.start_keras()

    generator = generative.load_generator(config.bundle)
    latents, columns = generator.draw(config.count, config.seed), config.columns
    if config.walk:
        latents, columns = generative.walk(latents, config.walk, noise=generator.noise), config.walk
    samples = generator.predict(latents)

    generative.write_sheet(config.output, samples, columns)
    print(f"{len(samples)} samples are in {config.output}.")
    return {"samples": len(samples)}


if __name__ == "__main__":
    _cli.run(main, Config)
