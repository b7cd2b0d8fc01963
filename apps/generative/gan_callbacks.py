"""What happens between the epochs of a GAN: samples are drawn, the balance is watched."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from sightkit._scripts import as_given, warn
from sightkit.apps.generative.pixel_range import to_uint8
from sightkit.apps.generative.sample_sheet import write_sheet
from sightkit.callbacks import BestCheckpoint, StatefulCallback

COLUMNS = 10
NAME = "epoch-{:05d}.png"
SURE_LOSS, FOOLED_LOSS = 0.1, 3.0
"""The discriminator's loss below which it is nearly always right, and the generator's above which
its samples are given 5 % on average."""


class SampleSheets(StatefulCallback):
    """Draws the same latent vectors before the training and after each epoch, to a sheet.

    Args:
        folder: of the sheets, ``epoch-00000.png`` the untrained network's.
        latents: float32 (N, n).

    Attributes:
        latest: the newest sheet whose network was finite.
    """

    memory: ClassVar = ()

    def __init__(self, folder: str | os.PathLike[str], latents: np.ndarray) -> None:
        super().__init__()
        self.folder = Path(folder)
        self.latents = latents
        self.latest: Path | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Draw what there is before the first epoch."""
        if epoch == 0:
            self._draw(0)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Draw the samples of the epoch."""
        self._draw(epoch + 1)

    def _draw(self, epoch: int) -> None:
        model: Any = self.model
        if hasattr(model, "jax_state_sync"):
            model.jax_state_sync()
        images = np.asarray(model.generator(self.latents, training=False))
        if np.isfinite(images).all():
            self.folder.mkdir(exist_ok=True)
            self.latest = self.folder / NAME.format(epoch)
            write_sheet(self.latest, to_uint8(images), COLUMNS)


class LastWeights(BestCheckpoint):
    """Keeps the weights of the newest epoch: no loss of a GAN says which is the best."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path, monitor="epoch", mode="max")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save."""
        self.keep_present(epoch, float(epoch))


class BalanceAdvice(StatefulCallback):
    """Warns once where the discriminator wins: its loss falls to zero while the other climbs.

    Then the generator learns nothing more. The rule is François Chollet's ("Deep learning with
    Python", 2017): lower the discriminator's learning rate, raise its dropout.

    Args:
        dropout: that it has.
        rate: factor of its learning rate.
    """

    memory: ClassVar = {"warned": bool, "before": float | None}

    def __init__(self, *, dropout: float, rate: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.rate = rate
        self.warned = False
        self.before: float | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare the losses of an epoch with those of the one before."""
        found: Mapping[str, Any] = logs or {}
        own, other = float(found["discriminator_loss"]), float(found["adversarial_loss"])
        climbs = self.before is None or other > self.before
        if not self.warned and own < SURE_LOSS and other > FOOLED_LOSS and climbs:
            self.warned = True
            dropout = min(0.6, round(self.dropout + 0.2, 2))
            warn(
                as_given(
                    f"The discriminator wins (epoch {epoch + 1}: its loss is {own:.3f}, the "
                    f"generator's {other:.2f}): the generator learns little more. Train anew with "
                    f"--discriminator-rate {self.rate / 2:g} or --dropout {dropout:g}."
                )
            )
        self.before = other if np.isfinite(other) else None
