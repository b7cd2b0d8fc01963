"""Ensembles for regression: the mean of the members' outputs, and what it gains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sightkit._errors import SightkitError


@dataclass(frozen=True)
class Ambiguity:
    """The mean of the outputs of several networks, and the decomposition of its error.

    Attributes:
        average: float64 (N, outputs), the mean of the members' outputs.
        error: mean squared error of the average.
        members: mean of the members' mean squared errors.
        spread: mean squared distance of the members from their average, called the ambiguity. It
            is what averaging gains: ``error = members - spread``, whatever the targets.

    Reference:
        Krogh, Vedelsby, "Neural network ensembles, cross validation, and active learning", 1995.
    """

    average: np.ndarray
    error: float
    members: float
    spread: float


def ambiguity(outputs: Sequence[np.ndarray], targets: np.ndarray) -> Ambiguity:
    """Average the outputs of several networks for regression, and decompose the squared error.

    Args:
        outputs: M times (N, outputs), or (N,) where each is one number.
        targets: the truth, (N, outputs), or (N,).

    Raises:
        SightkitError: outputs or targets of other images.
    """
    *members, truth = (
        np.reshape(each, (len(each), -1)).astype(np.float64) for each in (*outputs, targets)
    )
    shapes = {each.shape for each in (*members, truth)}
    if len(shapes) != 1 or not members:
        raise SightkitError(
            "The outputs of the members and the targets must be of one shape (images, outputs).",
            outputs=[each.shape for each in members],
            targets=truth.shape,
        )
    stacked = np.stack(members)
    average = stacked.mean(axis=0)
    return Ambiguity(
        average=average,
        error=float(np.mean((average - truth) ** 2)),
        members=float(np.mean((stacked - truth) ** 2)),
        spread=float(np.mean((stacked - average) ** 2)),
    )
