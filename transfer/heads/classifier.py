"""The base of all heads: a classifier on features, stored as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np


class Head:
    """A classifier on features that answers with NumPy alone.

    Attributes:
        kind: name in bundle.json.
        stored: arrays by name, with their dtype and dimensions; all other fields are settings,
            JSON.
        dimensions: of the features.
        classes: number of classes.
    """

    kind: str
    stored: ClassVar[Mapping[str, tuple[str, Sequence[str]]]]
    dimensions: int
    classes: int

    @property
    def classes_(self) -> np.ndarray:
        """The labels, int64 (classes,), in the order of the probabilities."""
        return np.arange(self.classes)

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Return probabilities, float32 (n, classes), of features (n, d)."""
        raise NotImplementedError

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Return the most probable label of each row of features (n, d), int64 (n,)."""
        return self.classes_[self.predict_proba(features).argmax(axis=1)]

    def estimator(self) -> Any:
        """Return the fitted scikit-learn estimator with these arrays, for features as they come."""
        raise NotImplementedError

    def check(self) -> None:
        """Compare what the arrays hold with each other; raises ``ValueError``."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the stored arrays."""
        return {name: getattr(self, name) for name in self.stored}

    def settings(self) -> dict[str, Any]:
        """Return all that is stored beside the arrays, JSON."""
        return {name: value for name, value in vars(self).items() if name not in self.stored}


def fitted(estimator: Any, classes: np.ndarray, dimensions: int, **attributes: Any) -> Any:
    """Return a scikit-learn estimator with the attributes that ``fit`` would have set."""
    vars(estimator).update(classes_=classes, n_features_in_=dimensions, **attributes)
    return estimator


def softmax(scores: np.ndarray) -> np.ndarray:
    """Return e to the scores over their sum, along the last axis."""
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)
