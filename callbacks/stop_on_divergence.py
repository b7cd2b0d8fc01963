"""Stop a training that only gets worse, name the batch, bring the best weights back."""

from __future__ import annotations

import math
from collections import deque
from typing import Any, Protocol

import keras
import numpy as np

from sightkit._errors import SightkitError
from sightkit.callbacks.base import StatefulCallback, monitored
from sightkit.callbacks.best_checkpoint import BestCheckpoint

WINDOW = 10
"""Batches over which the loss is averaged: one hard batch is no divergence."""
CERTAIN_AND_WRONG = -0.9 * math.log(1e-7)
"""Nine tenths of the largest crossentropy of probabilities that Keras clips at 1e-7."""
SHOWN = 8


class Batches(Protocol):
    """What is asked of the data to name samples: ``io.HDF5DatasetGenerator`` has it."""

    batch_size: int

    def rows(self, epoch: int) -> np.ndarray:
        """The order of an epoch: positions in the split."""
        ...


class Diverged(SightkitError):
    """A training was stopped by ``StopOnDivergence``; the network has its best weights.

    Attributes:
        epoch: from 0.
        batch: the last one, from 0, whose loss was looked at.
        rows: positions in the training split of that batch's samples, in the order of the batch;
            None if the data cannot tell.
        broken: those of ``rows`` whose values hold NaN or infinity.
    """

    def __init__(self, rule: str, next_step: str, **received: object) -> None:
        super().__init__(rule, next_step, **received)
        self.epoch = 0
        self.batch = 0
        self.rows: list[int] | None = None
        self.broken: list[int] = []


class StopOnDivergence(StatefulCallback):
    """Raise ``Diverged`` within the epoch when the loss is NaN, infinite or far above its start.

    Far above: the mean of the last ten batches is more than ``factor`` times the loss of the
    first batch, which Keras computes before the first step. For a crossentropy the start counts
    as at least log C (a fine-tuned network begins with a lower loss, and may), and the limit as
    at most 14.5 above it: clipped probabilities can lose no more than 16.1. A start at or below 0
    has no multiple; then only NaN and infinity stop.

    The network gets its best weights back: those of ``best``, or else the best of this process
    by validation loss (without validation: by loss), or those it began with. The optimizer's
    memory may be spoilt: compile the network anew before training it on. Raised, not recorded: a
    script must not go on to report on a network that has failed, and ends with exit code 2 and
    this line.

    At the end of an epoch the weights are looked at too: TensorFlow's ReLU makes 0 of NaN on a CPU,
    so that a network of NaN may have a finite loss.

    Keras hands over a mean over the epoch; the loss of a batch is its difference from the mean
    before. Nothing is computed on the device for it: that mean is read after each batch, which
    ``training.fit`` lets Keras do anyway.

    Args:
        data: what is trained on, to name samples; without it only the batch is named.
        best: the ``BestCheckpoint`` of the same training.
        factor: multiple of the first loss that is too much; S2's lecture notes stop at three.

    Raises:
        SightkitError: ``factor`` not above 1; while training, logs without ``loss``.
    """

    def __init__(
        self,
        data: Batches | None = None,
        *,
        best: BestCheckpoint | None = None,
        factor: float = 3.0,
    ) -> None:
        super().__init__()
        if not factor > 1:
            raise SightkitError("factor must be above 1.", factor=factor)
        self.data = data
        self.best = best
        self.factor = factor
        self.initial: float | None = None
        self._recent: deque[float] = deque(maxlen=WINDOW)
        self._limit = math.inf
        self._kept: list[np.ndarray] | None = None
        self._kept_value = math.inf
        self._epoch = 0
        self._seen = (0, 0.0)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Keep the weights, until there are better ones."""
        if self.best is None or self.best.best_epoch is None:
            self._kept = self.model.get_weights()
        if self.initial is not None:
            self._limit = self._limit_for(self.initial)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keras' mean begins anew."""
        self._epoch = epoch
        self._seen = (0, 0.0)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the loss of the batch, or of the batches of one execution."""
        mean = monitored(logs, "loss")
        first = self._seen[0]
        if not math.isfinite(mean):
            raise self._stop(first, batch, f"the loss became {mean}")
        loss = self._loss_since(batch, mean)
        if self.initial is None:
            self.initial = loss
            self._limit = self._limit_for(loss)
        self._recent.append(loss)
        recent = math.fsum(self._recent) / len(self._recent)
        if recent > self._limit:
            rule = (
                f"over the last {len(self._recent)} batches the loss was on average {recent:.4g}, "
                f"the first was {self.initial:.4g}"
            )
            raise self._stop(first, batch, rule)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep these weights if they are the best so far and no file has them; stop if NaN."""
        if not _finite(self.model):
            rule = "weights hold NaN or infinity, though the loss is finite"
            raise self._stop(0, self._seen[0] - 1, rule, whole_epoch=True)
        if self.best is not None:
            if self.best.best_epoch is not None:
                self._kept = None
            return
        logs = logs or {}
        value = float(logs.get("val_loss", logs.get("loss", math.nan)))
        if value < self._kept_value:
            self._kept, self._kept_value = self.model.get_weights(), value

    def get_state(self) -> dict[str, Any]:
        """The first loss and the last ten."""
        return {"initial": self.initial, "recent": list(self._recent)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Remember them."""
        self.initial = state["initial"]
        self._recent = deque(state["recent"], maxlen=WINDOW)

    def _loss_since(self, batch: int, mean: float) -> float:
        """The mean loss of the batches that have come since the last look."""
        batches, total = self._seen
        self._seen = (batch + 1, mean * (batch + 1))
        return (self._seen[1] - total) / (batch + 1 - batches)

    def _limit_for(self, initial: float) -> float:
        chance = _loss_of_chance(self.model)
        if chance is None:
            return self.factor * initial if initial > 0 else math.inf
        rest = max(initial - chance, 0.0)  # penalties on weights are part of the loss
        return min(self.factor * max(initial, chance), rest + CERTAIN_AND_WRONG)

    def _stop(self, first: int, batch: int, rule: str, *, whole_epoch: bool = False) -> Diverged:
        """Restore the best weights, and say what happened."""
        restored = self._restore()
        rows = self._rows(first, batch)
        broken = self._broken(first, rows)
        next_step = f"Lower --learning-rate; the network has {restored} again."
        if broken:
            next_step = (
                f"Samples {_Samples(broken)} hold NaN or infinity: put the data right; the network "
                f"has {restored} again."
            )
        received: dict[str, object] = {"epoch": self._epoch + 1, "batch": batch + 1}
        if rows is not None and not whole_epoch:
            received["samples"] = _Samples(rows)
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        received["learning_rate"] = rate
        error = Diverged(f"Training was stopped: {rule}.", next_step, **received)
        error.epoch, error.batch, error.rows, error.broken = self._epoch, batch, rows, broken
        return error

    def _restore(self) -> str:
        if self.best is not None and self.best.best_epoch is not None:
            self.best.restore()
            return f"the weights of epoch {self.best.best_epoch + 1}, its best,"
        if self._kept is not None:
            self.model.set_weights(self._kept)
        if math.isfinite(self._kept_value):
            return "the weights of its best epoch"
        return "the weights that it began with"

    def _rows(self, first: int, batch: int) -> list[int] | None:
        if self.data is None:
            return None
        size = self.data.batch_size
        return [int(row) for row in self.data.rows(self._epoch)[first * size : (batch + 1) * size]]

    def _broken(self, first: int, rows: list[int] | None) -> list[int]:
        """Samples whose own values are not finite: then it is not the learning rate."""
        data: Any = self.data
        if not rows or not hasattr(data, "__getitem__"):
            return []
        if hasattr(data, "set_epoch"):
            data.set_epoch(self._epoch)
        broken: list[int] = []
        for start in range(0, len(rows), data.batch_size):
            images = np.asarray(data[first + start // data.batch_size][0])
            finite = np.isfinite(images).all(axis=tuple(range(1, images.ndim)))
            broken += [rows[start + int(index)] for index in np.flatnonzero(~finite)]
        return broken


def _finite(model: keras.Model) -> bool:
    """Whether all weights are numbers."""
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()
    floats = (w.value for w in model.weights if "float" in w.dtype)
    return all(bool(keras.ops.all(keras.ops.isfinite(weight))) for weight in floats)


def _loss_of_chance(model: keras.Model) -> float | None:
    """The crossentropy of a network that knows nothing: log C; None for other losses."""
    loss = model.loss
    name = loss if isinstance(loss, str) else getattr(loss, "name", getattr(loss, "__name__", ""))
    if not isinstance(name, str) or "crossentropy" not in name:
        return None
    shape = getattr(model, "output_shape", None)
    if not isinstance(shape, tuple) or not isinstance(shape[-1], int):
        return None
    return math.log(2 if "binary" in name else shape[-1]) if shape[-1] > 1 else math.log(2)


class _Samples:
    """The first few, and how many there are."""

    def __init__(self, rows: list[int]) -> None:
        self.rows = rows

    def __str__(self) -> str:
        text = ", ".join(str(row) for row in self.rows[:SHOWN])
        count = len(self.rows)
        return f"[{text}]" if count <= SHOWN else f"[{text}, …] ({count} in all)"
