"""A compiled loss: what it expects, and its value for a network that knows nothing."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from sightkit._network import flat_layers, input_shape
from sightkit.io.labels import are_shares
from sightkit.training.checks.report import LeftOut

SPARSE = "sparse_categorical_crossentropy"
ONE_HOT = "categorical_crossentropy"
BINARY = "binary_crossentropy"
CROSSENTROPIES = (SPARSE, ONE_HOT, BINARY)
REGRESSIONS = ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh")
FEW = 8


@dataclass(frozen=True)
class LossInfo:
    """A compiled loss.

    Attributes:
        kind: its name in snake case.
        function: (labels, outputs) to one loss a sample.
        from_logits: whether it takes logits; None where its config has no such entry.
        activation: name of the network's last activation; "" where it has none.
        outputs: shape of the network's output without the batch.
        smoothing: share of each label that the loss itself spreads over all classes.
    """

    kind: str
    function: Any
    from_logits: bool | None
    activation: str
    outputs: tuple[int | None, ...]
    smoothing: float = 0.0

    @property
    def classes(self) -> int:
        """Number of classes; a single sigmoid distinguishes two."""
        return max(int(self.outputs[-1] or 0), 2)

    @property
    def uniform(self) -> float:
        """Loss of a network that answers all classes alike: log C, of sigmoids log 2."""
        if self.kind == BINARY:
            return math.log(2)
        if self.kind in CROSSENTROPIES:
            return math.log(self.classes)
        raise LeftOut(f"it is not known with what {self.kind} begins")

    def least(self, labels: np.ndarray) -> float:
        """Least mean loss of any answers: the entropy of the labels, which is 0 of hard ones."""
        if self.kind not in (ONE_HOT, BINARY):
            return 0.0
        shares = np.asarray(labels, np.float64)
        kinds = 2 if self.kind == BINARY else self.classes
        shares = shares * (1 - self.smoothing) + self.smoothing / kinds
        if self.kind == ONE_HOT:
            return float(_entropy(shares).sum(axis=-1).mean())
        return float((_entropy(shares) + _entropy(1 - shares)).mean())

    def mean(self, labels: Any, outputs: Any) -> Any:
        """Mean loss, float32, without the penalties of regularizers."""
        outputs = keras.ops.cast(outputs, "float32")
        if self.kind != SPARSE:
            labels = keras.ops.cast(labels, "float32")
            if len(labels.shape) + 1 == len(outputs.shape):
                labels = keras.ops.expand_dims(labels, -1)
        return keras.ops.mean(self.function(labels, outputs))


def _entropy(shares: np.ndarray) -> np.ndarray:
    return -shares * np.log(np.where(shares > 0, shares, 1))


def loss_info(model: keras.Model, images: np.ndarray) -> LossInfo:
    """Read the loss of a compiled network of one input and one output.

    Args:
        model: the network.
        images: some samples; where only the network's code knows its outputs, it is called.

    Raises:
        LeftOut: several inputs, outputs or losses.
    """
    loss = model.loss
    several = isinstance(loss, (list, tuple, dict))
    if several or any(
        len(getattr(model, name, None) or [0]) != 1 for name in ("inputs", "outputs")
    ):
        raise LeftOut("the network has several inputs, outputs or losses")
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    if isinstance(loss, keras.losses.Loss):
        # The class is the kind: the name is the user's to choose. One loss a sample,
        # whatever the reduction.
        kind, function = type(loss).__name__, loss.call
        from_logits = loss.get_config().get("from_logits")
        smoothing = loss.get_config().get("label_smoothing", 0.0)
    else:
        kind, function = getattr(loss, "__name__", type(loss).__name__), loss
        from_logits, smoothing = False, 0.0
    outputs, activation = _ending(model, images)
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).lower()
    return LossInfo(kind, function, from_logits, activation, outputs, smoothing)


def _ending(model: keras.Model, images: np.ndarray) -> tuple[tuple[int | None, ...], str]:
    """Return the shape of an output, and the activation that the network ends in."""
    if input_shape(model) is not None:
        return tuple(model.outputs[0].shape[1:]), last_activation(model)
    with keras.StatelessScope():
        answers = model(images[:FEW], training=False)
    if not hasattr(answers, "shape"):
        raise LeftOut("the network has several inputs, outputs or losses")
    found = keras.ops.convert_to_numpy(answers).astype(np.float64)
    if ((found >= 0) & (found <= 1)).all():
        one = found.shape[-1] > 1 and are_shares(found)
        return found.shape[1:], "softmax" if one else "sigmoid"
    return found.shape[1:], "linear"


def last_activation(model: keras.Model) -> str:
    """Return the name of the activation that a network ends in, "" where there is none."""
    *_, layer = flat_layers(model)
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    return getattr(getattr(layer, "activation", None), "__name__", "")
