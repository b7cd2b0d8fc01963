"""Go downhill with any optimizer; Nadam; and the samples behind each gradient.

All samples behind each gradient is gradient descent, one of them is SGD, a few are a mini-batch.

Formula: docs/foundations.md#optimizers.
Test: tests/apps/foundations/test_descent.py.
Picture: docs/foundations/optimizers.png, drawn by scripts/foundations/optimizers.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit._suggestions import with_suggestions
from sightkit.apps.foundations import adaptive_optimizers as adaptive
from sightkit.apps.foundations import arguments, optimizers
from sightkit.apps.foundations.optimizers import Array, Gradient, Optimizer

FEW_SAMPLES = 2_000
"""Below so many the notes advise to use the whole set for each step."""


@dataclass
class Nadam(adaptive.Adam):
    """Adam with Nesterov's momentum: m of the next step, guessed by the gradient of this one.

    Forms: the notes' has Adam's uncorrected averages. In the paper (Dozat 2016) β₁ grows from half
    of it, μ_t = β₁(1 − 0.96^{0.004t} / 2), and each part is divided by its own correction. Keras
    leaves the 0.004 out, so that μ is β₁ after a hundred steps and not after 25,000.
    """

    product: float = 1.0

    def step(self, w: Array, gradient: Gradient) -> Array:
        """Return the weights after one step."""
        g = gradient(w)
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.v = self.beta2 * self.v + (1 - self.beta2) * g**2
        if self.form == "notes":
            m = self.beta1 * self.m + (1 - self.beta1) * g
            return w - self.rate * m / (1e-8 + np.sqrt(self.v))
        slow, epsilon = (1, 1e-7) if self.form == "keras" else (0.004, 1e-8)
        now, following = (self.beta1 * (1 - 0.5 * 0.96 ** (slow * t)) for t in (self.t, self.t + 1))
        self.product *= now
        m = following * self.m / (1 - self.product * following)
        m = m + (1 - now) * g / (1 - self.product)
        v = self.v / (1 - self.beta2**self.t)
        return w - self.rate * m / (epsilon + np.sqrt(v))


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "gradient_descent": optimizers.GradientDescent,
    "momentum": optimizers.Momentum,
    "nesterov": optimizers.Nesterov,
    "adagrad": adaptive.Adagrad,
    "adadelta": adaptive.Adadelta,
    "rmsprop": adaptive.RMSprop,
    "adam": adaptive.Adam,
    "nadam": Nadam,
    "newton": optimizers.Newton,
}


def optimizer(name: str, **settings: Any) -> Optimizer:
    """Return an optimizer by name, ``optimizer("adam", rate=0.01, form="notes")``."""
    kind = OPTIMIZERS[arguments.choice("optimizer", name, OPTIMIZERS)]
    return with_suggestions(kind, name)(**settings)


def descend(method: Optimizer, w: Array, gradient: Gradient, steps: int) -> Array:
    """Take steps from ``w``; return the whole path (steps + 1, *shape of w).

    Raises:
        SightkitError: the weights became infinite, as they do where the rate is too high.
    """
    path = [np.asarray(w, np.float64)]
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(steps):
            path.append(finite(method.step(path[-1], gradient), method, f"step {step + 1}"))
    return np.array(path)


def finite(values: Any, method: Optimizer, when: str) -> Any:
    """Return weights or a loss; raise where they are not finite."""
    if not np.isfinite(values).all():
        raise SightkitError(
            f"The weights are infinite after {when}: the rate is too high, or data are nan.",
            f"Give rate={method.rate / 10:g}, a tenth; leave out what is nan.",
            rate=method.rate,
        )
    return values


def batches(count: int, size: int | None, rng: np.random.Generator) -> Iterator[Array]:
    """Yield indices of samples for ever: each one once an epoch, in an order drawn anew for each.

    Args:
        count: samples.
        size: of a batch; 1 is SGD, ``count`` gradient descent. None takes all samples where they
            are fewer than 2,000, and batches of 128 otherwise.
        rng: draws the orders.
    """
    size = (count if count < FEW_SAMPLES else 128) if size is None else size
    arguments.counts(size=size)
    while True:
        order = rng.permutation(count)
        yield from (order[start : start + size] for start in range(0, count, size))
