"""Stop a training that only gets worse, name the batch, bring the best weights back."""

from __future__ import annotations

import math
from typing import Any, Protocol

import keras
import numpy as np

from sightkit._errors import SightkitError
from sightkit._schema import checked
from sightkit.callbacks.base import StatefulCallback, monitored
from sightkit.callbacks.best_checkpoint import BestCheckpoint
from sightkit.callbacks.divergence import PROBE, DivergenceDetector

SHOWN = 8


class Batches(Protocol):
    """Data whose samples can be named: ``io.HDF5DatasetGenerator`` is such."""

    batch_size: int

    def rows(self, epoch: int) -> np.ndarray:
        """The order of an epoch: positions in the split."""
        ...


class Diverged(SightkitError):
    """A training was stopped by ``StopOnDivergence``; the network has its best weights.

    Attributes:
        epoch: from 0.
        batch: the last one, from 0, whose loss was observed.
        rows: positions in the training split of its samples, in the order of the batch, where NaN
            or infinity stopped it; None after a rise or death, and if the data are no ``Batches``.
        broken: those of ``rows`` whose values hold NaN or infinity.
    """

    epoch: int
    batch: int
    rows: list[int] | None
    broken: list[int]


class StopOnDivergence(StatefulCallback):
    """Raise ``Diverged`` when losses show that the training does not come back.

    ``callbacks.divergence`` documents the three signs, and the series they were measured on.

    The network gets its best weights back: those of ``best``, or else the best of this process
    by validation loss (without validation: by loss), or those it began with. The optimizer's
    memory may be spoilt: compile the network anew before training it on. Raised, not recorded: a
    script must not go on to report on a network that has failed, and ends with exit code 2 and
    this line.

    At the end of an epoch the weights are checked too: TensorFlow's ReLU makes 0 of NaN on a CPU,
    so that a network of NaN may have a finite loss.

    Keras hands over a mean over the epoch; the loss of a batch is its difference from the mean
    before. Nothing is computed on the device for it: that mean is read after each batch, which
    ``training.fit`` lets Keras do anyway. The probe of 64 images is answered only after the loss
    has passed the limit.

    Args:
        data: what is trained on, to name samples and to take the probe from; without it only the
            batch is named, and of three signs two are detected.
        best: the ``BestCheckpoint`` of the same training.
        factor: multiple of the first loss that is the limit.

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
        self.detector = DivergenceDetector(factor)
        self._saved: list[np.ndarray] | None = None
        self._saved_value = math.inf
        self._epoch = 0
        self._seen = (0, 0.0)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Keep the weights, until there are better ones."""
        if not self._has_best():
            self._saved = self.model.get_weights()
        self.detector.chance = _loss_of_chance(self.model)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Remember which."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the loss of the batch, or of the batches of one execution."""
        mean = monitored(logs, "loss")
        first, total = self._seen if batch >= self._seen[0] else (0, 0.0)  # a mean begun anew
        self._seen = (batch + 1, mean * (batch + 1))
        batches = batch + 1 - first
        rule = self.detector.observe(
            (self._seen[1] - total) / batches,
            batch=batch,
            batches=batches,
            steps=(self.params or {}).get("steps"),
            one_class=self._one_class,
        )
        if rule:
            raise self._stop(None if math.isfinite(mean) else first, batch, rule)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep these weights if they are the best so far and no file has them; stop if NaN."""
        if not _finite(self.model):
            rule = "weights hold NaN or infinity, though the loss is finite"
            raise self._stop(0, self._seen[0] - 1, rule)
        if self.best is not None:
            if self._has_best():
                self._saved = None
            return
        logs = logs or {}
        value = float(logs.get("val_loss", logs.get("loss", math.nan)))
        if value < min(self._saved_value, self.detector.limit):
            self._saved, self._saved_value = self.model.get_weights(), value

    def get_state(self) -> dict[str, Any]:
        """The losses observed so far."""
        return {"seen": list(self._seen), **self.detector.get_state()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Remember it."""
        self._seen = checked(state["seen"], tuple[int, float])
        self.detector.set_state(state)

    def _one_class(self) -> bool:
        """Return True if one class is predicted for all of 64 images of the training data."""
        data: Any = self.data
        if not hasattr(data, "__getitem__"):
            return False
        count = min(len(data), -(-PROBE // data.batch_size))
        images = np.concatenate([np.asarray(data[index][0]) for index in range(count)])[:PROBE]
        answers = keras.ops.convert_to_numpy(self.model(images, training=False))
        classes = answers.argmax(axis=1) if answers.shape[-1] > 1 else answers[:, 0] > 0.5
        return bool((classes == classes[0]).all())

    def _stop(self, first: int | None, batch: int, rule: str) -> Diverged:
        """Restore the best weights, describe the failure; batches from ``first`` are suspect."""
        rate = _rate_in_force(self.model.optimizer)  # before a file of weights brings another
        restored = self._restore()
        rows = self._samples_of(first, batch)
        broken = self._broken_samples(first or 0, rows)
        next_step = "Lower --learning-rate, or give --guard off"
        if broken:
            next_step = f"Samples {broken[:SHOWN]} hold NaN or infinity: fix the data"
        samples: dict[str, object] = {} if rows is None else {"samples": rows[:SHOWN]}
        if rows and len(rows) > SHOWN:
            samples["samples_in_all"] = len(rows)
        error = Diverged(
            f"Training was stopped: {rule}.",
            f"{next_step}; the network has {restored} again.",
            epoch=self._epoch + 1,
            batch=batch + 1,
            **samples,
            learning_rate=rate,
        )
        error.epoch, error.batch, error.rows, error.broken = self._epoch, batch, rows, broken
        return error

    def _has_best(self) -> bool:
        """Return whether an epoch was any good: above the limit the best is below the start."""
        best = self.best
        if best is None or best.best is None:
            return False
        return not (best.monitor.endswith("loss") and best.best > self.detector.limit)

    def _restore(self) -> str:
        if self.best is not None and self.best.best_epoch is not None and self._has_best():
            self.best.restore()
            return f"the weights of epoch {self.best.best_epoch + 1}, its best,"
        if self._saved is not None:
            self.model.set_weights(self._saved)
        if math.isfinite(self._saved_value):
            return "the weights of its best epoch"
        return "the weights that it began with"

    def _samples_of(self, first: int | None, batch: int) -> list[int] | None:
        if self.data is None or first is None:
            return None
        size = self.data.batch_size
        return [int(row) for row in self.data.rows(self._epoch)[first * size : (batch + 1) * size]]

    def _broken_samples(self, first: int, rows: list[int] | None) -> list[int]:
        """Samples whose own values are not finite: then it is not the learning rate."""
        data: Any = self.data
        if not rows or not hasattr(data, "__getitem__"):
            return []
        if hasattr(data, "set_epoch"):
            data.set_epoch(self._epoch)
        batches = range(first, first - (-len(rows) // data.batch_size))
        images = np.concatenate([np.asarray(data[index][0]) for index in batches])
        finite = np.isfinite(images).all(axis=tuple(range(1, images.ndim)))
        return [rows[index] for index in np.flatnonzero(~finite)]


def _finite(model: keras.Model) -> bool:
    """Return True if all weights are finite."""
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()
    floats = (w.value for w in model.weights if "float" in w.dtype)
    return all(bool(keras.ops.all(keras.ops.isfinite(weight))) for weight in floats)


def _rate_in_force(optimizer: Any) -> float:
    """The rate of the step that was made last; a schedule already has that of the next."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    rate = optimizer._learning_rate  # what the property is computed from
    if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        rate = rate(keras.ops.maximum(optimizer.iterations - 1, 0))
    return float(keras.ops.convert_to_numpy(rate))


def _loss_of_chance(model: keras.Model) -> float | None:
    """The crossentropy of a network that knows nothing: log C; None for other losses."""
    loss = model.loss
    name = loss if isinstance(loss, str) else getattr(loss, "name", getattr(loss, "__name__", ""))
    classes = (getattr(model, "output_shape", None) or (None,))[-1]
    if "crossentropy" not in str(name) or not isinstance(classes, int):
        return None
    return math.log(2 if "binary" in name else max(classes, 2))
