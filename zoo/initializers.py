"""Initializers and regularizers of kernels, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from sightkit._errors import SightkitError
from sightkit.zoo.arguments import number

Initializer = str | Sequence[Any]
Regularization = float | Sequence[Any]


@keras.saving.register_keras_serializable(package="sightkit")
class Dirac(keras.initializers.Initializer):
    """Kernels that pass on their inputs, as many as there are filters; others are uniform.

    Those have the variance 1 / (3 · inputs). As PyTorch's ``dirac_`` on its usual kernels.
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Kernel (height, width, in, out)."""
        height, width, inputs, outputs = shape
        others = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
        kernel = keras.ops.convert_to_numpy(others(shape, "float32")).copy()
        same = range(min(inputs, outputs))
        kernel[..., : len(same)] = 0
        kernel[height // 2, width // 2, same, same] = 1
        return keras.ops.convert_to_tensor(kernel, dtype=dtype or "float32")

    def get_config(self) -> dict[str, Any]:
        """No arguments."""
        return {}


_INITIALIZERS: dict[str, tuple[type, str]] = {
    "lecun_normal": (keras.initializers.LecunNormal, ""),
    "lecun_uniform": (keras.initializers.LecunUniform, ""),
    "glorot_normal": (keras.initializers.GlorotNormal, ""),
    "glorot_uniform": (keras.initializers.GlorotUniform, ""),
    "he_normal": (keras.initializers.HeNormal, ""),
    "he_uniform": (keras.initializers.HeUniform, ""),
    "orthogonal": (keras.initializers.Orthogonal, "gain"),
    "random_normal": (keras.initializers.RandomNormal, "stddev"),
    "truncated_normal": (keras.initializers.TruncatedNormal, "stddev"),
    "constant": (keras.initializers.Constant, "value"),
    "dirac": (Dirac, ""),
}


@keras.saving.register_keras_serializable(package="sightkit")
class Bilinear(keras.initializers.Initializer):
    """Kernels of a transposed convolution that enlarge each channel by linear interpolation."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Kernel (height, width, out, in), zero between different channels."""
        height, width, outputs, inputs = shape
        kernel = np.zeros(shape, "float32")
        for channel in range(min(outputs, inputs)):
            kernel[:, :, channel, channel] = np.outer(_tent(height), _tent(width))
        return keras.ops.convert_to_tensor(kernel, dtype=dtype or "float32")

    def get_config(self) -> dict[str, Any]:
        """No arguments."""
        return {}


@keras.saving.register_keras_serializable(package="sightkit")
class BicubicPhases(keras.initializers.Initializer):
    """Kernels of 5x5 that enlarge each channel bicubically, a filter a phase.

    The filter (row · factor + column) · channels + channel gives the pixel of that row and column
    among the factor² of a small one: MATLAB's interpolation (Keys, a = -0.5).

    Args:
        factor: of both sides, 1 to any.
    """

    def __init__(self, factor: int) -> None:
        self.factor = factor

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Kernel (5, 5, in, factor² · in), zero between different channels."""
        size, _, inputs, outputs = shape
        offsets = (np.arange(self.factor) + 0.5) / self.factor - 0.5
        x = np.abs(offsets - (np.arange(size) - size // 2)[:, np.newaxis])
        near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
        weights = np.where(x <= 1, near, np.where(x < 2, far, 0.0))
        planes = np.einsum("ip,jq,cd->ijcpqd", weights, weights, np.eye(inputs))
        kernel = planes.reshape(size, size, inputs, outputs)
        return keras.ops.convert_to_tensor(kernel, dtype=dtype or "float32")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {"factor": self.factor}


STRENGTHS = {"l1": 1, "l2": 1, "elastic": 2}


def kernel_initializer(initializer: Initializer) -> Any:
    """A new initializer by name, or by (name, parameter), as in ``("random_normal", 0.01)``.

    Raises:
        SightkitError: no such initializer, or a parameter that it does not take.
    """
    listed = isinstance(initializer, (list, tuple))
    parts: tuple[Any, ...] = tuple(initializer) if listed else (initializer,)
    if len(parts) not in (1, 2) or parts[0] not in list(_INITIALIZERS):
        raise SightkitError(
            f"initializer must be one of {', '.join(_INITIALIZERS)}, or (name, parameter).",
            initializer=initializer,
        )
    kind, *parameter = parts
    make, option = _INITIALIZERS[kind]
    if not parameter:
        return make()
    if not option:
        raise SightkitError(f"{kind} takes no parameter.", initializer=initializer)
    if number(parameter[0]) is None:
        raise SightkitError(f"The {option} of {kind} must be a number.", initializer=initializer)
    return make(**{option: number(parameter[0])})


def kernel_regularizer(reg: Regularization) -> Any:
    """A regularizer from a number or by name.

    Args:
        reg: a number is the strength of L2; ``("l1", s)``, ``("l2", s)`` and
            ``("elastic", s1, s2)`` name it; 0 is none. The penalty is s · Σ w², without the half
            that some notes write.

    Raises:
        SightkitError: no such regularization, or a negative strength.
    """
    kind, *given = reg if isinstance(reg, (list, tuple)) and reg else ("l2", reg)
    strengths = [s for entry in given if (s := number(entry)) is not None and s >= 0]
    known = kind in list(STRENGTHS)
    if not known or not len(given) == len(strengths) == STRENGTHS[kind]:
        raise SightkitError(
            'reg must be a strength of L2, or ("l1", s), ("l2", s), ("elastic", s1, s2), s >= 0.',
            "0 switches it off.",
            reg=reg,
        )
    if not any(strengths):
        return None
    l1, l2 = {"l1": (strengths[0], 0.0), "l2": (0.0, strengths[0])}.get(kind) or strengths
    return keras.regularizers.L1L2(l1=l1, l2=l2)


def _tent(size: int) -> np.ndarray:
    """1 in the middle, falling linearly to both ends: sums to the stride."""
    centre = (size - 1) / 2
    return 1 - np.abs(np.arange(size) - centre) / ((size + 1) // 2)
