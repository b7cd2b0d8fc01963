"""ε: how far an attack may change a pixel. No Keras here: flags are checked in a moment."""

from __future__ import annotations

from fractions import Fraction

from sightkit._errors import SightkitError

EPSILON = 8 / 255
EPSILONS = (0.0, 1 / 255, 2 / 255, 4 / 255, 8 / 255, 16 / 255)
"""Of the curve."""


def require_epsilon(epsilon: float | str) -> float:
    """Return ε as a number.

    Args:
        epsilon: a share of a pixel's range, 0.03; or as text, "8/255".

    Raises:
        SightkitError: no number from 0 to 1; or, as text, less than a grey level.
    """
    try:
        found = float(Fraction(epsilon)) if isinstance(epsilon, str) else float(epsilon)
    except (ValueError, ZeroDivisionError, OverflowError):
        found = float("nan")
    if not 0 <= found <= 1:
        raise SightkitError(
            "--epsilon is a share of a pixel's range, from 0 to 1.",
            "Give 8/255, which is 8 of 255 grey levels.",
            epsilon=epsilon,
        )
    if isinstance(epsilon, str) and 0 < 255 * found < 1 - 1e-6:
        raise SightkitError(
            "--epsilon is 0, or at least a grey level, 1/255: less changes no picture.",
            "Give 8/255, which is 8 grey levels.",
            epsilon=epsilon,
        )
    return found
