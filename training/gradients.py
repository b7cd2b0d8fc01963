"""Gradients of a scalar with respect to inputs or weights, on TensorFlow and on JAX.

``keras.ops`` has none. Nothing here changes a network: it runs on copies of its variables, so that
moving statistics and the seeds of dropout stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from sightkit._errors import SightkitError

Tensor = Any
Differentiated = Callable[..., tuple[Tensor, Tensor, list[Tensor]]]


def differentiate(function: Callable[..., tuple[Tensor, Any]], *, compiled: bool) -> Differentiated:
    """Turn a function into one that also gives its gradients.

    Args:
        function: ``function(values, *arguments) -> (scalar, extra)``, of a list of tensors and any
            further tensors, made of ``keras.ops``; ``extra`` is handed through.
        compiled: trace it once and run it compiled; for functions that are called often.

    Returns:
        ``differentiated(values, *arguments) -> (scalar, extra, gradients)``, one gradient for each
        of the values, zeros where the scalar does not depend on it.

    Raises:
        SightkitError: a backend other than TensorFlow and JAX.

    Example:
        >>> square = differentiate(lambda v: (keras.ops.sum(v[0] ** 2), None), compiled=False)
        >>> keras.ops.convert_to_numpy(square([keras.ops.array([1.0, 3.0])])[2][0]).tolist()
        [2.0, 6.0]
    """
    if _backend() == "jax":
        import jax

        with_gradients = jax.value_and_grad(function, has_aux=True)

        def on_jax(values: Sequence[Tensor], *arguments: Any) -> Any:
            (scalar, extra), found = with_gradients(list(values), *arguments)
            return scalar, extra, found

        return jax.jit(on_jax) if compiled else on_jax

    import tensorflow as tf

    def on_tensorflow(values: Sequence[Tensor], *arguments: Any) -> Any:
        values = list(values)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            scalar, extra = function(values, *arguments)
        zero = tf.UnconnectedGradients.ZERO
        return scalar, extra, tape.gradient(scalar, values, unconnected_gradients=zero)

    if not compiled:
        return on_tensorflow
    # A last, short batch, or one image alone, is not traced anew each time.
    return tf.function(on_tensorflow, autograph=False, reduce_retracing=True)


def compile_briefly(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of tensors that runs a few times only, where that is quicker.

    JAX is quicker when it compiles; TensorFlow runs it operation by operation faster than it would
    trace it.
    """
    if _backend() == "jax":
        import jax

        return jax.jit(function)
    return function


def input_gradients(
    model: keras.Model,
    images: np.ndarray,
    scalar: Callable[[Tensor], Tensor],
    *,
    training: bool = False,
) -> tuple[float, np.ndarray]:
    """Return a number made of a network's output, and its gradient by each pixel.

    Args:
        model: built, of one input.
        images: (N, …) as the network takes them.
        scalar: output of the network to a tensor without dimensions, by ``keras.ops``.
        training: True for batch statistics and dropout.

    Returns:
        The number; and its gradient, float32 of the shape of ``images``.

    Example:
        value, gradient = input_gradients(network, images, lambda p: keras.ops.sum(p[:, 3]))
    """

    def function(values: list[Tensor]) -> tuple[Tensor, None]:
        with keras.StatelessScope():
            return scalar(model(values[0], training=training)), None

    values = [keras.ops.convert_to_tensor(images, "float32")]
    value, _, (gradient,) = differentiate(function, compiled=False)(values)
    return float(value), keras.ops.convert_to_numpy(gradient)


def weight_gradients(
    model: keras.Model,
    images: np.ndarray,
    scalar: Callable[[Tensor], Tensor],
    *,
    training: bool = True,
) -> tuple[float, list[np.ndarray]]:
    """Return a number made of a network's output, and its gradient by each trainable weight.

    Args:
        model: built.
        images: (N, …) as the network takes them.
        scalar: output of the network to a tensor without dimensions, by ``keras.ops``.
        training: False for moving statistics and no dropout.

    Returns:
        The number; and its gradients, in the order of ``model.trainable_variables``; zeros where
        it does not depend on a weight.

    Example:
        value, gradients = weight_gradients(
            network, images, lambda p: keras.ops.mean(loss(labels, p))
        )
    """
    trainable = model.trainable_variables

    def function(values: list[Tensor], images: Tensor) -> tuple[Tensor, None]:
        with keras.StatelessScope(state_mapping=list(zip(trainable, values, strict=True))):
            return scalar(model(images, training=training)), None

    values = values_of(trainable)
    value, _, found = differentiate(function, compiled=False)(values, images)
    return float(value), [keras.ops.convert_to_numpy(gradient) for gradient in found]


def values_of(variables: Sequence[keras.Variable]) -> list[Tensor]:
    """Return the values of variables as tensors, to differentiate with respect to them.

    Not ``variable.value``: on TensorFlow that is a variable itself, and a compiled function is
    traced anew for tensors in its place.
    """
    return [keras.ops.copy(variable.value) for variable in variables]


def _backend() -> str:
    backend = keras.backend.backend()
    if backend not in ("tensorflow", "jax"):
        raise SightkitError(
            "Gradients need the backend TensorFlow or JAX.",
            "Set KERAS_BACKEND=tensorflow.",
            backend=backend,
        )
    return backend
