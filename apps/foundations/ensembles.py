"""Many weak answers, one good one: bagging, boosting and gradient boosting, by scikit-learn.

Bagging averages trees that are each fitted to a sample of the data: what they have in common stays
(bias), what differs cancels (variance). Boosting adds small trees that each mend what those before
got wrong: bias falls with every one, and variance rises, more slowly.

Formula: docs/foundations.md#ensembles.
Test: tests/apps/foundations/test_ensembles.py.
Picture: docs/foundations/bias_variance.png, drawn by scripts/foundations/bias_variance.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightkit.apps.foundations import arguments, shapes

Array = np.ndarray
MODELS = ("small_tree", "tree", "bagging", "boosting", "gradient_boosting")


def regressor(name: str, *, members: int = 50, seed: int = 0) -> Any:
    """Return a model of numbers, not fitted yet.

    Args:
        name: ``"small_tree"``, two questions deep; ``"tree"``, as deep as it takes to fit every
            sample; ``"bagging"`` of such trees; ``"boosting"`` (AdaBoost.R2) or
            ``"gradient_boosting"`` of small ones.
        members: of an ensemble.
        seed: of the samples that members are fitted to.
    """
    from sklearn import ensemble
    from sklearn.tree import DecisionTreeRegressor

    arguments.counts(members=members)
    arguments.choice("name", name, MODELS)
    small, tree = DecisionTreeRegressor(max_depth=2), DecisionTreeRegressor(random_state=seed)
    options: Any = {"n_estimators": members, "random_state": seed}
    if name == "bagging":
        return ensemble.BaggingRegressor(tree, **options)
    if name == "boosting":
        return ensemble.AdaBoostRegressor(small, **options)
    if name == "gradient_boosting":
        return ensemble.GradientBoostingRegressor(max_depth=2, **options)
    return small if name == "small_tree" else tree


def average(predictions: Array, weights: Array | None = None) -> Array:
    """Return the answer of an ensemble, the mean of its members' (members, m).

    For a convex loss, as the squared error, it is never worse than its members are on average
    (Jensen's inequality); it may be worse than the best of them.
    """
    own = {} if weights is None else {"weights": (weights, "members")}
    shapes.check(predictions=(predictions, "members ..."), **own)
    return np.average(predictions, axis=0, weights=weights)
