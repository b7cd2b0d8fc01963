"""A generative classifier: learn what each class looks like, then ask which one would make x.

P(class given x) ∝ P(x given class) · P(class), with a Gaussian for each class. A discriminative one
(logistic regression) learns the border alone.

Formula: docs/foundations.md#generative-and-discriminative.
Test: tests/apps/foundations/test_gaussian_classifier.py.
Picture: docs/foundations/generative.png, drawn by scripts/foundations/generative.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightkit.apps.foundations import arguments
from sightkit.apps.foundations.activations import softmax
from sightkit.apps.foundations.learner import Learner

Array = np.ndarray
COVARIANCES = ("own", "shared", "diagonal", "shared_diagonal")


class GaussianClassifier(Learner):
    """Fit a Gaussian density to each class.

    Args:
        covariance: ``"own"`` of each class (curved borders, QDA); ``"shared"`` by all (straight
            borders, LDA); ``"diagonal"``, own, as if features were independent (naive Bayes);
            ``"shared_diagonal"``, which learns least and has straight borders too.
        smoothing: added to the variance of every feature.

    Attributes:
        priors: (K,), shares of the classes.
        means: (K, d).
        covariances: (K, d, d).
    """

    def __init__(self, covariance: str = "own", smoothing: float = 0.0) -> None:
        arguments.not_negative(smoothing=smoothing)
        self.covariance = arguments.choice("covariance", covariance, COVARIANCES)
        self.smoothing = smoothing

    def fit(self, x: Any, y: Any) -> GaussianClassifier:
        """Find priors, means and covariances of samples (n, d) with labels (n,), 0 … K−1.

        Raises:
            SightkitError: a covariance is singular, as with fewer samples of a class than features.
        """
        x = arguments.samples(x)
        y = arguments.labels(y, len(x))
        classes = range(y.max() + 1)
        self.priors = np.bincount(y) / len(y)
        self.means = np.array([x[y == k].mean(axis=0) for k in classes])
        centred = x - self.means[y]
        # By the maximum of the likelihood: divided by n, not by n − 1.
        own = np.array([centred[y == k].T @ centred[y == k] / (y == k).sum() for k in classes])
        if self.covariance.startswith("shared"):
            own[:] = np.einsum("k,kij->ij", self.priors, own)
        if self.covariance.endswith("diagonal"):
            own *= np.eye(x.shape[1])
        self.covariances = own + self.smoothing * np.eye(x.shape[1])
        self.precisions = np.array([self.inverse(each) for each in self.covariances])
        return self

    def inverse(self, matrix: Array) -> Array:
        """Return the inverse of a covariance."""
        scale = np.sqrt(np.diag(matrix))  # so that units do not matter
        scale[scale == 0] = 1
        advice = (
            "Give covariance='diagonal', smoothing=0.01, more samples of each class than features,"
            " or leave out features that never vary or that others add up to."
        )
        unit = matrix / np.outer(scale, scale)
        return arguments.solve(unit, np.eye(len(unit)), advice) / np.outer(scale, scale)

    def log_density(self, x: Any) -> Array:
        """Return log P(x given class): −½ [(x − μ)ᵀΣ⁻¹(x − μ) + log|Σ| + d·log 2π], (m, K)."""
        x = arguments.samples(x, self.means.shape[1])
        columns = []
        gaussians = zip(self.means, self.covariances, self.precisions, strict=True)
        for mean, covariance, precision in gaussians:
            away = x - mean
            distance = np.einsum("ni,ij,nj->n", away, precision, away)
            _, volume = np.linalg.slogdet(covariance)
            columns.append(-0.5 * (distance + volume + x.shape[1] * np.log(2 * np.pi)))
        return np.column_stack(columns)

    def predict_proba(self, x: Any) -> Array:
        """Return P(class given x) by Bayes' rule: float64 (m, K)."""
        return softmax(self.log_density(x) + np.log(self.priors))

    def predict(self, x: Any) -> Array:
        """Return the likeliest class: int64 (m,)."""
        return self.predict_proba(x).argmax(axis=1)
