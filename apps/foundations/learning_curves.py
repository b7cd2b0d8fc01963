"""Learning curves: the accuracy on new samples, by the number of samples that were learned from.

Formula: docs/foundations.md#generative-and-discriminative.
Test: tests/apps/foundations/test_learning_curves.py.
Picture: docs/foundations/generative.png, drawn by scripts/foundations/generative.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.foundations import arguments, shapes
from sightkit.apps.foundations.bias_variance import Model

Array = np.ndarray


def learning_curves(
    models: Mapping[str, Callable[[], Model]], x: Any, y: Any, sizes: Sequence[int], *,
    held_out: float = 0.3, repeats: int = 50, seed: int = 0,
) -> dict[str, Array]:  # fmt: skip
    """Return the accuracies (repeats, sizes) of each model, on the same divisions.

    Every repeat holds out other samples, and learns from the first n of the rest, for each n.

    Args:
        models: name to what makes a model that was not fitted yet.
        x: samples (n, d).
        y: labels (n,), 0 … K−1.
        sizes: numbers of samples to learn from, K at least: one of each class comes first.
        held_out: share of the samples that accuracies are measured on.
        repeats: divisions.
        seed: of the divisions.
    """
    x = arguments.samples(x)
    y = arguments.labels(y, len(x))
    arguments.above_zero(held_out=held_out)
    arguments.counts(repeats=repeats)
    classes, test = y.max() + 1, round(held_out * len(x))
    if not len(sizes) or not classes <= min(sizes) <= max(sizes) <= len(x) - test:
        raise SightkitError(
            f"Sizes must be from {classes}, a sample a class, to {len(x) - test}, the rest.",
            sizes=list(sizes),
        )
    found = {name: np.zeros((repeats, len(sizes))) for name in models}
    rng = np.random.default_rng(seed)
    for repeat in range(repeats):
        order = rng.permutation(len(x))
        test_rows, rest = order[:test], order[test:]
        if len(np.unique(y[rest])) < classes:
            raise SightkitError(
                "Each class must have a sample to learn from, in every division.",
                "Hold out fewer, or leave out the rare class.",
                samples=np.bincount(y),
            )
        firsts = [np.flatnonzero(y[rest] == k)[0] for k in range(classes)]
        rest = np.concatenate([rest[firsts], np.delete(rest, firsts)])
        for column, size in enumerate(sizes):
            rows = rest[:size]
            for name, model in models.items():
                answers = model().fit(x[rows], y[rows]).predict(x[test_rows])
                found[name][repeat, column] = (answers == y[test_rows]).mean()
    return found


def crossing(first: Array, second: Array, sizes: Sequence[int]) -> float | None:
    """Return the size from which on the second mean curve stays above the first.

    Between two sizes it is found by a straight line; None where the second ends below.

    Args:
        first: accuracies (repeats, sizes).
        second: accuracies (repeats, sizes).
        sizes: as given to ``learning_curves``.
    """
    size = f"{len(sizes)}"
    shapes.check(first=(first, f"repeats {size}"), second=(second, f"repeats {size}"))
    ahead = second.mean(axis=0) - first.mean(axis=0)
    behind = np.flatnonzero(ahead <= 0)
    if len(behind) == 0 or behind[-1] == len(sizes) - 1:
        return None if len(behind) else float(sizes[0])
    k = behind[-1]
    share = -ahead[k] / (ahead[k + 1] - ahead[k])
    return float(sizes[k] + share * (sizes[k + 1] - sizes[k]))
