"""A training step written by hand in TensorFlow, and loops over it; no Keras ``fit``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import measure
import tensorflow as tf


def bare_loops(
    network: keras.Model, batch: tuple[Any, Any], steps: int
) -> dict[str, Callable[[], object]]:
    """Train a compiled network: the loop in Python over a compiled step, or compiled as a whole.

    Loss and accuracy are summed, as ``fit`` does. The data is a tf.data pipeline that repeats one
    batch, which costs next to nothing; for ``"compiled, fed by Python"`` Python hands over each
    batch, as it does where a ``PyDataset`` is trained on.
    """
    optimizer = network.optimizer
    optimizer.build(network.trainable_variables)
    loss_of = keras.losses.SparseCategoricalCrossentropy()
    weights = [variable.value for variable in network.trainable_variables]
    sums = tf.Variable(tf.zeros(2))

    @tf.function
    def step(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            answers = network(x, training=True)
            loss = loss_of(y, answers)
        optimizer.apply(tape.gradient(loss, weights), network.trainable_variables)
        hits = tf.reduce_mean(tf.cast(tf.argmax(answers, 1) == tf.cast(y, tf.int64), tf.float32))
        sums.assign_add(tf.stack([loss, hits]))

    data = measure.untuned(tf.data.Dataset.from_tensors(batch).repeat(steps).prefetch(2))

    shapes = tuple(tf.TensorSpec(part.shape, part.dtype) for part in batch)
    fed = measure.untuned(
        tf.data.Dataset.from_generator(
            lambda: (batch for _ in range(steps)), output_signature=shapes
        ).prefetch(2)
    )

    def in_python() -> None:
        for x, y in data:
            step(x, y)

    @tf.function
    def compiled(batches: Any) -> None:
        for x, y in batches:
            step(x, y)

    return {
        "in Python": in_python,
        "compiled": lambda: compiled(data),
        "compiled, fed by Python": lambda: compiled(fed),
    }
