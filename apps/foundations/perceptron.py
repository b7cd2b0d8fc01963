"""The perceptron: a line that moves at every mistake.

Formula: docs/foundations.md#perceptron. Test: tests/apps/foundations/test_perceptron.py.
Picture: docs/foundations/perceptron.png, drawn by scripts/foundations/perceptron.py.
"""

from __future__ import annotations

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.foundations import arguments, shapes


class Perceptron:
    """One neuron: the step of a weighted sum (Rosenblatt 1958).

    Args:
        inputs: numbers a sample has.
        rate: learning rate; without hidden layers it scales the weights and changes no answer
            but the first ones, when the random start still counts.
        seed: of the weights, which start near zero.

    Example:
        >>> AND = Perceptron(2)
        >>> AND.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 0, 0, 1])[-1]  # mistakes
        0
    """

    def __init__(self, inputs: int, rate: float = 0.1, *, seed: int = 0) -> None:
        arguments.counts(inputs=inputs)
        arguments.above_zero(rate=rate)
        self.rate = rate
        self.weights = np.random.default_rng(seed).normal(scale=0.1, size=inputs)
        self.bias = 0.0

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return 0 or 1 for each sample of ``x`` (N, inputs): on which side of the line it is."""
        x = arguments.samples(x, len(self.weights))
        return (x @ self.weights + self.bias > 0).astype(np.int64)

    def fit(self, x: np.ndarray, y: np.ndarray, epochs: int = 100) -> list[int]:
        """Move the line at every mistake; stop after an epoch without one.

        Args:
            x: samples, (N, inputs).
            y: their classes, 0 or 1, (N,).
            epochs: how often all samples are looked at, at most.

        Returns:
            the mistakes of each epoch. They end at 0 exactly where a line separates the classes.
        """
        arguments.counts(epochs=epochs)
        x, y = arguments.samples(x), np.asarray(y)
        shapes.check(x=(x, "N inputs"), y=(y, "N"), weights=(self.weights, "inputs"))
        if not np.isin(y, (0, 1)).all():
            raise SightkitError("Classes are 0 and 1.", classes=np.unique(y))
        mistakes = []
        for _ in range(epochs):
            mistakes.append(0)
            for sample, target in zip(x, y, strict=True):
                error = target - self.predict(sample[None])[0]  # -1, 0 or 1
                self.weights += self.rate * error * sample
                self.bias += self.rate * error
                mistakes[-1] += int(error != 0)
            if mistakes[-1] == 0:
                break
        return mistakes
