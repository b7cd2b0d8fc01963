"""Inverted dropout: while training, a share of the units is silent, and the others speak louder.

Formula: docs/foundations.md#dropout. Test: tests/apps/foundations/test_dropout.py.
Picture: docs/foundations/digits.png, drawn by scripts/foundations/digits.py.
"""

from __future__ import annotations

import numpy as np

from sightkit.apps.foundations import arguments, shapes

Array = np.ndarray


def dropout(x: Array, dropped: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return the output and the mask that made it, which the way back needs.

    Dividing by the share that is kept leaves the mean as it was, so that at test time nothing is to
    be done; others leave that out and multiply at test time instead.

    Args:
        x: of any shape.
        dropped: the share of units that are silent: 0.5 between dense layers. Some code
            names the share that is kept instead: dropout(x, 1 - kept, rng).
        rng: decides which.
    """
    arguments.share(dropped=dropped)
    kept = 1 - dropped
    mask = ((rng.random(x.shape) < kept) / kept).astype(x.dtype)
    return x * mask, mask


def dropout_backward(upstream: Array, mask: Array) -> Array:
    """Return the gradient by ``x``: what was silent has no part in the loss."""
    shapes.check(upstream=(upstream, "..."), mask=(mask, "..."))
    return upstream * mask
