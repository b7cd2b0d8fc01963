"""Gradients against finite differences: the check of ``--preflight full``."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from sightkit.training.checks.network import Trial
from sightkit.training.checks.report import LeftOut, Line, failed, passed

STEPS = (1e-1, 1e-2, 1e-3)
"""Changes of the loss that are aimed at: float32 resolves about 1e-6 of a loss of 2."""
TOLERANCE = 0.2
"""Relative error. A wrong factor or a forgotten term is above. Kinks of ReLU and maximum cost 0.05
of a kernel at most (LeNet, ShallowNet, MiniVGGNet, MiniGoogLeNet, ResNet-20 on digits), of a bias
0.1."""
AWAY = 0.01
"""Deviation of what is added to images and weights first."""
SMALLEST = 1e-3
"""Gradients with a smaller share of the largest norm drown in rounding."""


def gradient_check(trial: Trial, end: float) -> Line:
    """Compare the gradient of each kernel with a central difference along that gradient.

    (f(w + h·g/|g|) − f(w − h·g/|g|)) / 2h is |g|, where g is right; the best of three h counts.

    Args:
        trial: the network.
        end: of ``time.monotonic``; weights that are not reached are counted.
    """
    if keras.config.dtype_policy().compute_dtype != "float32":
        raise LeftOut("differences need float32: give --precision=float32")
    trial, values = _beside(trial)
    gradients = [keras.ops.convert_to_numpy(each) for each in trial.measure(values).gradients]
    norms = [float(np.linalg.norm(each)) for each in gradients]
    errors: dict[str, float] = {}
    kernels = [place for place, each in enumerate(gradients) if each.ndim > 1]
    for place in (place for place in kernels if norms[place] >= SMALLEST * max(norms)):
        if time.monotonic() > end and errors:
            break
        direction = gradients[place] / norms[place]
        found = [_slope(trial, values, place, direction, change / norms[place]) for change in STEPS]
        errors[trial.trainable[place].path] = min(abs(each / norms[place] - 1) for each in found)
    if not errors:
        raise LeftOut("all gradients are too small for differences")
    path, worst = max(errors.items(), key=lambda item: item[1])
    text = f"{len(errors)} of {len(kernels)} kernels, relative error {worst:.1e} at most ({path})"
    if worst > TOLERANCE:
        return failed(
            f"{text}: the gradient is not that of the loss",
            "Look at custom layers and losses: rounding, stopped or custom gradients.",
        )
    return passed(text)


def _beside(trial: Trial) -> tuple[Trial, list[Any]]:
    """Return images and weights a little off: black areas are at kinks of ReLU and maximum."""
    rng = np.random.default_rng(0)
    moved = copy.copy(trial)
    moved.images, *values = (
        each + rng.normal(0, AWAY, each.shape).astype(np.float32)
        for each in (trial.images, *trial.values())
    )
    return moved, values


def _slope(
    trial: Trial, values: Sequence[Any], place: int, direction: np.ndarray, step: float
) -> float:
    """Return a central difference of the loss, along a direction of one weight."""
    losses = []
    for sign in (1, -1):
        moved = list(values)
        moved[place] = values[place] + np.asarray(sign * step * direction, np.float32)
        losses.append(trial.measure(moved).loss)
    return (losses[0] - losses[1]) / (2 * step)
