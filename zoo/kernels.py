"""What kernels start from and what holds them small, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from sightkit._errors import SightkitError

Initializer = str | Sequence[Any]
Regularization = float | Sequence[Any]

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
}


def kernel_initializer(initializer: Initializer) -> Any:
    """A new initializer by name, or by (name, parameter), as in ``("random_normal", 0.01)``.

    Raises:
        SightkitError: no such initializer.
    """
    kind, *parameter = (initializer,) if isinstance(initializer, str) else tuple(initializer)
    known = kind in _INITIALIZERS
    if not known or len(parameter) > 1 or (parameter and not _INITIALIZERS[kind][1]):
        raise SightkitError(
            f"initializer must be one of {', '.join(_INITIALIZERS)}, or (name, parameter).",
            initializer=initializer,
        )
    make, option = _INITIALIZERS[kind]
    return make(**dict(zip((option,), parameter, strict=False)))


def kernel_regularizer(reg: Regularization) -> Any:
    """A regularizer from a number or by name.

    Args:
        reg: a number is the strength of L2; ``("l1", s)``, ``("l2", s)`` and
            ``("elastic", s1, s2)`` name it; 0 is none. The penalty is s · Σ w², without the half
            that some notes write.

    Raises:
        SightkitError: no such regularization, or a negative strength.
    """
    kind, *strengths = ("l2", reg) if isinstance(reg, (int, float)) else tuple(reg)
    wanted = {"l1": 1, "l2": 1, "elastic": 2}.get(kind)
    if len(strengths) != wanted or not all(
        isinstance(strength, (int, float)) and strength >= 0 for strength in strengths
    ):
        raise SightkitError(
            'reg must be a strength of L2, or ("l1", s), ("l2", s), ("elastic", s1, s2), s >= 0.',
            "0 switches it off.",
            reg=reg,
        )
    if not any(strengths):
        return None
    l1, l2 = {"l1": (strengths[0], 0.0), "l2": (0.0, strengths[0])}.get(kind) or strengths
    return keras.regularizers.L1L2(l1=l1, l2=l2)
