"""Paint a picture in a style: from the content picture, coarse to fine, by L-BFGS or Adam.

At a quarter of the size an evaluation costs a sixteenth: most of the way is gone there. What a
larger picture knows of the content and the smaller one lost is put back, as in a deep dream.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
from scipy.optimize import Bounds, minimize

from sightkit._errors import SightkitError
from sightkit.apps.generative.pictures import resized
from sightkit.apps.generative.style import TERMS, StyleLoss

LEAST_SIDE = 32
"""Pixels: smaller scales are left out."""
MEMORY = 20
"""Steps that L-BFGS remembers."""
FIRST = 2.0
"""Grey levels of its first step, root mean square."""


@dataclass(frozen=True)
class PaintSettings:
    """How a picture is painted.

    Attributes:
        optimizer: L-BFGS gets further by each evaluation; Adam needs no memory of its steps.
        scales: sizes, each half of the next; 1 begins at full size.
        evaluations: of the loss at each scale.
        rate: grey levels of Adam's steps.
    """

    optimizer: Literal["lbfgs", "adam"] = "lbfgs"
    scales: int = 3
    evaluations: int = 130
    rate: float = 4.0

    def __post_init__(self) -> None:
        if not (self.scales >= 1 and self.evaluations >= 1 and self.rate > 0):
            raise SightkitError(
                "scales and evaluations must be at least 1, rate more than 0.", settings=self
            )


@dataclass(frozen=True)
class PaintStep:
    """One evaluation of the loss.

    Attributes:
        scale: from 0, the coarsest.
        evaluation: from 1 at each scale.
        loss: weighted sum of the terms.
        terms: weighted content, style and variation.
    """

    scale: int
    evaluation: int
    loss: float
    terms: dict[str, float]


class NotANumberError(SightkitError):
    """The loss is no number any more.

    Attributes:
        picture: uint8 (H, W, 3), the last good one.
    """

    def __init__(self, picture: np.ndarray, step: PaintStep) -> None:
        super().__init__(
            "The loss must be a number; the last good picture is kept.",
            "Give smaller weights, or --optimizer=lbfgs.",
            scale=step.scale,
            evaluation=step.evaluation,
            loss=step.loss,
        )
        self.picture = picture


Report = Callable[[PaintStep, np.ndarray], None]


def paint(
    loss: StyleLoss,
    content: np.ndarray,
    styles: Sequence[tuple[np.ndarray, float]],
    settings: PaintSettings = PaintSettings(),
    report: Report = lambda step, picture: None,
) -> np.ndarray:
    """Return the content, painted in the styles.

    Args:
        loss: of which the picture of the least value is sought.
        content: uint8 (H, W, 3), RGB.
        styles: uint8 pictures with their weights; they are taken at the size that they have.
        settings: how.
        report: called after each evaluation with its picture, float32 at its scale.

    Returns:
        uint8 (H, W, 3).

    Raises:
        NotANumberError: a loss that is no number.
    """
    whole = content.astype(np.float32)
    factors = [2.0**-power for power in reversed(range(settings.scales))]
    small = [f for f in factors if min(content.shape[:2]) * f < LEAST_SIDE and f < 1]
    base = painted = whole
    for scale, factor in enumerate(each for each in factors if each not in small):
        details = painted - base
        size = _scaled(whole, factor)
        base = resized(whole, size)
        start = base if scale == 0 else np.clip(base + resized(details, size), 0, 255)
        targets = loss.targets(
            base, [(resized(s.astype(np.float32), _scaled(s, factor)), w) for s, w in styles]
        )
        watched = _Watched(loss, targets, start, scale, report)
        search = {"lbfgs": _lbfgs, "adam": _adam}[settings.optimizer]
        try:
            search(watched, settings.evaluations, settings.rate)
        except _NoNumberError as stop:
            last = resized(watched.best, content.shape[:2])
            raise NotANumberError(_as_bytes(last), stop.step) from None
        painted = watched.best
    return _as_bytes(painted)


class _EnoughError(Exception):
    """All evaluations are used."""


class _NoNumberError(Exception):
    def __init__(self, step: PaintStep) -> None:
        super().__init__()
        self.step = step


class _Watched:
    """The loss at one scale: counted, reported, the best picture remembered."""

    def __init__(
        self,
        loss: StyleLoss,
        targets: dict[str, Any],
        start: np.ndarray,
        scale: int,
        report: Report,
    ) -> None:
        self.start, self.best, self.lowest = start, start, math.inf
        self._loss, self._targets, self._scale, self._report = loss, targets, scale, report
        self._count = 0

    def __call__(self, picture: np.ndarray) -> tuple[float, np.ndarray]:
        terms, gradient = self._loss(picture, self._targets)
        self._count += 1
        value = float(terms.sum())
        named = dict(zip(TERMS, map(float, terms), strict=True))
        step = PaintStep(self._scale, self._count, value, named)
        if not (math.isfinite(value) and np.isfinite(gradient).all()):
            raise _NoNumberError(step)
        if value < self.lowest:
            self.best, self.lowest = picture, value
        self._report(step, picture)
        return value, gradient


def _lbfgs(watched: _Watched, evaluations: int, rate: float) -> None:
    """Search by L-BFGS between black and white.

    Within bounds SciPy's first step is the gradient itself: the loss is scaled so that it moves
    pixels by a grey level or two.
    """
    unit = math.sqrt(watched.start.size)
    left, scale = iter(range(evaluations)), 0.0

    def function(x: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal scale
        if next(left, None) is None:
            raise _EnoughError
        picture = (x * unit).astype(np.float32).reshape(watched.start.shape)
        value, gradient = watched(picture)
        slope = gradient.ravel().astype(np.float64) * unit
        scale = scale or FIRST / max(float(np.linalg.norm(slope)), 1e-12)
        return scale * value, scale * slope

    start = watched.start.ravel().astype(np.float64) / unit
    try:
        minimize(
            function, start, jac=True, method="L-BFGS-B",
            bounds=Bounds(0, 255 / unit),
            options={
                "maxcor": MEMORY, "maxfun": 2 * evaluations, "maxiter": evaluations,
                "ftol": 0.0, "gtol": 0.0,
            },
        )  # fmt: skip
    except _EnoughError:
        pass  # in the middle of a line search: the best picture is remembered


def _adam(watched: _Watched, evaluations: int, rate: float) -> None:
    """Search by Adam, its rate falling to zero as a cosine."""
    variable = keras.Variable(watched.start)
    schedule = keras.optimizers.schedules.CosineDecay(rate, evaluations)
    optimizer = keras.optimizers.Adam(schedule, beta_1=0.9, beta_2=0.99, epsilon=1e-12)
    for _ in range(evaluations):
        picture = np.array(keras.ops.convert_to_numpy(variable.value))
        _, gradient = watched(picture)
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        variable.assign(keras.ops.clip(variable.value, 0, 255))


def _scaled(picture: np.ndarray, factor: float) -> tuple[int, int]:
    height, width = (max(1, round(side * factor)) for side in picture.shape[:2])
    return height, width


def _as_bytes(picture: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8)
