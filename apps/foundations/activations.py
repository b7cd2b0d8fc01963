"""Activations: what bends the line. Each with its backward function.

``name(x)`` is applied to each number (softmax: to each row); ``name_backward(upstream,
x)`` returns the gradient of the loss by ``x``, where ``upstream`` is its gradient by the output.

Formula: docs/foundations.md#activations. Test: tests/apps/foundations/test_activations.py.
Picture: docs/foundations/activations.png, drawn by scripts/foundations/activations.py.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def linear(x: Array) -> Array:
    """x itself: layers of lines alone are one line."""
    return x


def linear_backward(upstream: Array, x: Array) -> Array:
    """The slope is 1."""
    return upstream


def step(x: Array) -> Array:
    """1 above 0, else 0: a decision, as the perceptron's."""
    return (x > 0).astype(x.dtype)


def step_backward(upstream: Array, x: Array) -> Array:
    """0 everywhere: nothing can be learned through a step, hence the smooth ones below."""
    return np.zeros_like(x)


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^{−x}), by tanh, which does not overflow."""
    return (1 + np.tanh(x / 2)) / 2


def sigmoid_backward(upstream: Array, x: Array) -> Array:
    """σ(1 − σ): at most 1/4, so that ten layers let through a millionth."""
    y = sigmoid(x)
    return upstream * y * (1 - y)


def tanh(x: Array) -> Array:
    """From −1 to 1, with a slope of 1 in the middle: 2σ(2x) − 1."""
    return np.tanh(x)


def tanh_backward(upstream: Array, x: Array) -> Array:
    """1 − tanh²."""
    return upstream * (1 - np.tanh(x) ** 2)


def relu(x: Array) -> Array:
    """max(0, x)."""
    return np.maximum(x, 0)


def relu_backward(upstream: Array, x: Array) -> Array:
    """1 above 0, else 0: a unit that is below 0 for every sample never learns again."""
    return upstream * (x > 0)


def leaky_relu(x: Array, slope: float = 0.1) -> Array:
    """max(slope·x, x); slopes of 0.1 and of 0.01 are both in use."""
    return np.where(x > 0, x, slope * x)


def leaky_relu_backward(upstream: Array, x: Array, slope: float = 0.1) -> Array:
    """1 above 0, else the slope: no unit dies."""
    return np.where(x > 0, upstream, slope * upstream)


def elu(x: Array, alpha: float = 1.0) -> Array:
    """x from 0 on, α(eˣ − 1) below; without the bracket it would jump at 0."""
    return np.where(x >= 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu_backward(upstream: Array, x: Array, alpha: float = 1.0) -> Array:
    """1 from 0 on, αeˣ below."""
    return upstream * np.where(x >= 0, 1, alpha * np.exp(np.minimum(x, 0)))


def softmax(x: Array) -> Array:
    """e^{x_k} / Σ_j e^{x_j} of each row; the largest is taken off first: e^{1000} is infinite."""
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def softmax_backward(upstream: Array, x: Array) -> Array:
    """p(u − Σ_j u_j p_j): what raises all scores alike changes no probability."""
    p = softmax(x)
    return p * (upstream - (upstream * p).sum(axis=-1, keepdims=True))


ALL = (linear, step, sigmoid, tanh, relu, leaky_relu, elu, softmax)
ACTIVATIONS = {each.__name__: (each, globals()[f"{each.__name__}_backward"]) for each in ALL}
"""By name: forward and backward."""
