"""Evaluate networks that answer with numbers: mean squared and absolute error, R²."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

import numpy as np

from sightkit._display import drawing, in_notebook, line
from sightkit._errors import SightkitError
from sightkit.evaluation.answers import checked_batch, join_batches
from sightkit.evaluation.intervals import Interval, bootstrap, intervals_report
from sightkit.evaluation.predictions import LabelledBatches, Predictor, require_stored_order


@dataclass(frozen=True)
class RegressionEvaluation:
    """A network's answers to images whose targets are numbers; ``print`` shows the errors.

    Attributes:
        answers: float64 (N, K), finite, in the units of the targets.
        targets: float64 (N, K), finite.
    """

    answers: np.ndarray
    targets: np.ndarray

    @cached_property
    def metrics(self) -> dict[str, float]:
        """``mse`` and ``mae``, means over images and numbers; ``r2``, the mean over the numbers.

        R² = 1 - Σ(y - a)² / Σ(y - mean y)²: 1 is perfect, 0 what the mean of the targets would get;
        NaN where all targets of a number are the same.
        """
        measured = _measure(*(column[np.newaxis] for column in self._columns))
        return {name: float(values[0]) for name, values in measured.items()}

    @cached_property
    def intervals(self) -> dict[str, Interval]:
        """95 % intervals of the same, by 1,000 bootstrap replicates of the images."""
        return bootstrap(_measure, self._columns)

    @property
    def _columns(self) -> list[np.ndarray]:
        return [*self.answers.T, *self.targets.T]

    def to_metrics(self) -> dict[str, Any]:
        """Return the same as JSON: ``mse``, ``mae``, ``r2``, ``count``, ``intervals``."""
        found = {key: None if math.isnan(x) else x for key, x in self.metrics.items()}
        intervals = intervals_report(self.intervals)
        return {**found, "count": len(self.targets), "intervals": intervals}

    def draw(self, path: str | os.PathLike[str] | BinaryIO) -> None:
        """Draw the answers by the targets to a PNG, a panel for each number."""
        from sightkit.evaluation.pictures import draw_regression

        draw_regression(self.answers, self.targets, path)

    @in_notebook
    def _repr_html_(self) -> Iterator[str]:
        """The errors and the answers by the targets, in a notebook."""
        yield line(str(self))
        yield drawing(self.draw, "Answers by targets", width=440 * min(2, self.targets.shape[1]))

    def __str__(self) -> str:
        """A line with the errors and R², each with its interval."""
        names = {"mse": "mean squared error", "mae": "mean absolute error", "r2": "R²"}
        shown = [
            f"{name} {self.metrics[key]:.4g} "
            f"({self.intervals[key][0]:.4g} to {self.intervals[key][1]:.4g})"
            for key, name in names.items()
        ]
        return f"{', '.join(shown)}; 95 % intervals, {len(self.targets):,} images."


def evaluate_regression(
    predictor: Predictor, data: LabelledBatches | tuple[np.ndarray, np.ndarray]
) -> RegressionEvaluation:
    """Let a network that ends in ``"linear"`` answer every sample of some data, once each.

    Args:
        predictor: preprocessed (N, H, W, C) float32 to numbers (N, K) or (N,):
            ``inference.compile(network)``.
        data: a pair of arrays, preprocessed images and targets (N, K) or (N,); or batches of the
            same, in their stored order.

    Raises:
        SightkitError: other columns than the targets', a number that is not finite, class labels,
            or data that are shuffled or augmented.

    Example:
        >>> answers = np.array([1.0, 2.0, 4.0])
        >>> found = evaluate_regression(lambda x: answers, (np.zeros((3, 1)), answers + [0, 0, -1]))
        >>> round(found.metrics["mse"], 2), round(found.metrics["r2"], 2)
        (0.33, 0.5)
    """
    batches: Any = [data] if isinstance(data, tuple | list) else data
    if batches is data:
        require_stored_order(batches)
    answers, targets = [], []
    for index in range(len(batches)):
        images, truth = batches[index]
        truth = np.asarray(truth)
        if len(truth):
            answers.append(checked_batch(predictor(np.asarray(images)), len(truth)))
            targets.append(truth)
    if not targets:
        raise SightkitError("Evaluation needs at least one image.", images=0)
    return RegressionEvaluation(*_checked(join_batches(answers), np.concatenate(targets)))


def _checked(*arrays: np.ndarray) -> Sequence[np.ndarray]:
    """Return answers and targets as float64 (N, K), finite and of the same columns."""
    answers, targets = (x[:, np.newaxis] if x.ndim == 1 else x for x in arrays)
    numbers = all(x.ndim == 2 and x.dtype.kind in "iufb" for x in (answers, targets))
    if not numbers or answers.shape != targets.shape:
        raise SightkitError(
            "A regression needs a row of numbers an image, a column for each target.",
            "Build the network with classes=K and end='linear'; class labels are evaluated by "
            "evaluation.evaluate.",
            answers=arrays[0].shape,
            targets=arrays[1].shape,
        )
    for name, each, step in (
        ("targets", targets, "Look at how they are read."),
        ("answers", answers, "Its training diverged: train it again at a lower learning rate."),
    ):
        if bad := int((~np.isfinite(each).all(axis=1)).sum()):
            rule = f"The {name} of a regression must be finite numbers."
            raise SightkitError(rule, step, images_without=bad, images=len(each))
    if np.isin(targets, (0, 1)).all() and answers.min() >= 0 and answers.max() <= 1:
        raise SightkitError(
            "These are probabilities and labels of classes, and no regression.",
            "Give them to evaluation.evaluate.",
            answers=arrays[0].shape,
            targets=arrays[1].shape,
        )
    return answers.astype(np.float64), targets.astype(np.float64)


def _measure(*columns: np.ndarray) -> dict[str, np.ndarray]:
    """Measure R samples at once: K columns of answers, then K of targets, (R, N) each."""
    outputs = len(columns) // 2
    squared, absolute, explained = [], [], []
    for answer, target in zip(columns[:outputs], columns[outputs:], strict=True):
        error = target - answer
        squared.append((error**2).mean(axis=1))
        absolute.append(np.abs(error).mean(axis=1))
        spread = target.var(axis=1)
        spread[np.ptp(target, axis=1) == 0] = np.nan
        explained.append(1 - squared[-1] / spread)
    parts = {"mse": squared, "mae": absolute, "r2": explained}
    return {name: np.mean(each, axis=0) for name, each in parts.items()}
