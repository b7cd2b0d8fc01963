"""Batch normalization on TensorFlow's fused kernel, where there is one.

Keras 3 computes the layer as a chain of elementwise operations, which is most of what a small
network's training step costs on a CPU. TensorFlow's kernel does the same arithmetic in one pass;
only this file of ``zoo/`` names a backend.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

# cuDNN's smallest; below it the kernel would fail on a GPU.
SMALLEST_EPSILON = 1.001e-5
FUSED_DTYPES = ("float32", "bfloat16", "float16")


@keras.saving.register_keras_serializable(package="sightkit")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras' layer: same arguments, weights and mathematics, faster on TensorFlow.

    The class is named as Keras' own because weight files are keyed by the class name: a file
    written with either layer loads into the other. The fused kernel is used for images, (N, H, W,
    C) normalized over C, in training and in inference; for everything else (other ranks and axes,
    masks, ``synchronized``, ``renorm``, float64, JAX) Keras' own code runs.

    Under bfloat16 the images stay bfloat16; statistics, gamma and beta are float32, as in Keras.

    Example:
        >>> BatchNormalization()(keras.ops.ones((2, 4, 4, 3))).shape
        TensorShape([2, 4, 4, 3])
    """

    sum_over_processes: Callable[[Any, str], Any] | None = None
    """Sums a vector of several processes that train together, where their statistics are to be
    those of all images of a batch; takes a name too, and has a gradient."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """(N, …, C) to the same shape and the layer's compute dtype."""
        if training and self.trainable and self.sum_over_processes is not None:
            return self._with_statistics_of_all(inputs, self.sum_over_processes)
        if not self._fits_kernel(inputs, mask):
            return super().call(inputs, training=training, mask=mask)
        if training and self.trainable:
            return self._with_batch_statistics(inputs)
        return self._kernel(inputs, self.moving_mean, self.moving_variance, training=False)[0]

    def _fits_kernel(self, inputs: Any, mask: Any) -> bool:
        return (
            keras.backend.backend() == "tensorflow"
            and mask is None
            and not self.synchronized
            and not getattr(self, "renorm", False)
            and len(inputs.shape) == 4
            and self.axis in (3, -1)
            and self.epsilon >= SMALLEST_EPSILON
            and self.compute_dtype in FUSED_DTYPES
            and keras.backend.standardize_dtype(inputs.dtype) == self.compute_dtype
            and self.variable_dtype == "float32"
        )

    def _with_batch_statistics(self, inputs: Any) -> Any:
        import tensorflow as tf

        empty = tf.constant([], "float32")
        outputs, mean, variance = self._kernel(inputs, empty, empty, training=True)
        # The kernel's variance is the unbiased one, Keras uses the biased one.
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:3]), "float32")
        variance = variance * ((count - 1) / count)
        averages: list[Any] = [self.moving_mean, self.moving_variance]
        for moving, batch in zip(averages, (mean, variance), strict=True):
            moving.assign(moving * self.momentum + batch * (1.0 - self.momentum))
        return outputs

    def _with_statistics_of_all(self, inputs: Any, sum_over: Callable[[Any, str], Any]) -> Any:
        ops, kind, axis = keras.ops, self.variable_dtype, self.axis % len(inputs.shape)
        x = ops.cast(inputs, kind)
        others = [each for each in range(len(inputs.shape)) if each != axis]
        count = ops.cast(ops.size(x), kind) / inputs.shape[axis]
        local = [ops.reshape(count, (1,)), ops.sum(x, others), ops.sum(ops.square(x), others)]
        total = sum_over(ops.concatenate(local), self.path)
        mean, square = ops.split(total[1:] / total[0], 2)
        variance = ops.maximum(square - ops.square(mean), 0)
        averages: list[Any] = [self.moving_mean, self.moving_variance]
        for moving, batch in zip(averages, (mean, variance), strict=True):
            moving.assign(moving * self.momentum + batch * (1.0 - self.momentum))
        outputs = ops.batch_normalization(
            x, mean, variance, axis, offset=self.beta, scale=self.gamma, epsilon=self.epsilon
        )
        return ops.cast(outputs, self.compute_dtype)

    def _kernel(
        self, inputs: Any, mean: Any, variance: Any, training: bool
    ) -> tuple[Any, Any, Any]:
        """Output, batch mean and batch variance of TensorFlow's operation."""
        import tensorflow as tf

        channels = inputs.shape[3]
        result = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.ones([channels]) if self.gamma is None else tf.convert_to_tensor(self.gamma),
            offset=tf.zeros([channels]) if self.beta is None else tf.convert_to_tensor(self.beta),
            mean=tf.convert_to_tensor(mean),
            variance=tf.convert_to_tensor(variance),
            epsilon=self.epsilon,
            data_format="NHWC",
            is_training=training,
        )
        return result.y, result.batch_mean, result.batch_variance
