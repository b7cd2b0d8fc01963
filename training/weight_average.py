"""The average of a network's weights over the steps of its training (SWA, EMA)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from sightkit import zoo
from sightkit._errors import SightkitError
from sightkit.training.gradient_noise import require_optimizer_class


def with_weight_average(
    optimizer: type[keras.optimizers.Optimizer],
    *,
    decay: float = 1.0,
    start: int = 0,
    every: int = 1,
) -> Any:
    """Return an optimizer's class that averages the weights of its steps in its own state.

    The n-th average moves by max(1 - decay, 1/n) of the way to the weights of that step: with
    ``decay=1`` it is the mean of all (SWA), below 1 an exponential average (EMA) that has no bias
    at its beginning. Training itself is not changed. The average is among the optimizer's
    variables, which every checkpoint holds; ``use_average`` gives it to the network in the end.

    Keras' ``use_ema`` writes the average over the weights whenever ``fit`` ends, so that a run
    that is resumed within an epoch would go on from there: this one does not.

    Args:
        optimizer: a class, for example ``keras.optimizers.SGD``.
        decay: 1 for the mean, or for example 0.999; above 0.
        start: step from 0 after which averaging begins; for SWA about three quarters of all.
        every: average each so many steps; for SWA one epoch's.

    Returns:
        A class that takes the arguments of ``optimizer``.

    Raises:
        SightkitError: an instance in place of a class, or a number out of range.

    Reference:
        Izmailov et al., "Averaging weights leads to wider optima and better generalization", 2018;
        Polyak and Juditsky, 1992.
    """
    require_optimizer_class(optimizer)
    if not (0 < decay <= 1 and start >= 0 and every >= 1):
        raise SightkitError(
            "Averaging needs 0 < decay <= 1, start >= 0 and every >= 1.",
            decay=decay,
            start=start,
            every=every,
        )
    return _averaging(optimizer, decay, start, every)


def _averaging(
    optimizer: type[keras.optimizers.Optimizer], decay: float, start: int, every: int
) -> Any:
    class Averaging(optimizer):
        def build(self, variables: Any) -> None:
            if self.built:
                return
            super().build(variables)
            self._averages = [
                self.add_variable_from_reference(variable, name="mean") for variable in variables
            ]

        def apply(self, grads: Any, trainable_variables: Any = None) -> None:
            super().apply(grads, trainable_variables)
            step = keras.ops.cast(self.iterations.value, "int32") - 1 - start
            number = keras.ops.cast(step // every + 1, "float32")
            rate = keras.ops.maximum(1.0 - decay, 1.0 / keras.ops.maximum(number, 1.0))
            due = keras.ops.logical_and(step >= 0, step % every == 0)
            rate = keras.ops.where(due, rate, 0.0)
            for variable, average in self.averages:
                share = keras.ops.cast(rate, average.dtype)
                average.assign(average.value + share * (variable.value - average.value))

        @property
        def averages(self) -> list[tuple[keras.Variable, keras.Variable]]:
            """Pairs of a trainable variable and its average."""
            return list(zip(self._trainable_variables, self._averages, strict=True))

        @property
        def averaged(self) -> int:
            """Number of steps in the average."""
            return max(0, (int(self.iterations.numpy()) - 1 - start) // every + 1)

    Averaging.__name__ = Averaging.__qualname__ = f"Averaging{optimizer.__name__}"
    return Averaging


def use_average(network: keras.Model, data: Any) -> None:
    """Give a network the average of its weights, and batch normalization the statistics of those.

    Moving statistics belong to the weights that they were gathered with. They are gathered anew
    in one pass over ``data``, as the mean over its batches, in training mode.

    Args:
        network: trained with an optimizer from ``with_weight_average``.
        data: the training data, batches (x, …) by index.

    Raises:
        SightkitError: another optimizer, or one that has averaged nothing yet.
    """
    optimizer = network.optimizer
    if not getattr(optimizer, "averaged", 0):
        raise SightkitError(
            "The optimizer must have averaged weights.",
            "Make it with with_weight_average, and let start be less than the number of steps.",
            optimizer=type(optimizer).__name__,
        )
    for variable, average in optimizer.averages:
        variable.assign(average.value)
    _gather_statistics(network, data)


def average_networks(networks: Sequence[keras.Model], data: Any = None) -> keras.Model:
    """Build a network with the mean of several networks' weights; batch statistics gathered anew.

    Of snapshots of one training this often is as good as their averaged answers, for the time of
    one network. Of networks that were trained independently it almost never is: their units are
    in different orders.

    Args:
        networks: built by the zoo or loaded from bundles, all alike.
        data: training data, batches (x, …) by index, for batch normalization; without them its
            statistics are averaged as the weights are, which suits them worse.

    Raises:
        SightkitError: no network, or networks of several builders or arguments.

    Reference:
        Izmailov et al., "Averaging weights leads to wider optima and better generalization", 2018.
    """
    origins = [zoo.origin(network) for network in networks]
    if not origins or any(origin != origins[0] for origin in origins):
        raise SightkitError(
            "Only the weights of networks that are built alike can be averaged.",
            "Average their answers in place of their weights.",
            networks=[zoo.name_of(origin) for origin in origins],
        )
    averaged = zoo.rebuild(origins[0])
    weights = zip(*(network.get_weights() for network in networks), strict=True)
    averaged.set_weights([np.mean(each, axis=0, dtype=np.float64) for each in weights])
    if data is not None:
        _gather_statistics(averaged, data)
    return averaged


def _gather_statistics(network: keras.Model, data: Any) -> None:
    layers = [
        layer
        for layer in network._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    ]
    if not layers:
        return
    if hasattr(data, "set_epoch"):
        data.set_epoch(0)  # not where training ended: a resumed run may have no such epoch
    before = [layer.momentum for layer in layers]
    try:
        for index in range(len(data)):
            for layer in layers:
                layer.momentum = index / (index + 1)  # so that each batch counts the same
            network(data[index][0], training=True)
    finally:
        for layer, momentum in zip(layers, before, strict=True):
            layer.momentum = momentum
