"""Random forest and AdaBoost as arrays: predict without scikit-learn, stored without pickle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sightkit.transfer.heads.classifier import Head, fitted, softmax

NO_CHILD = -1


@dataclass(frozen=True)
class TreesHead(Head):
    """Decision trees, one after the other in flat arrays.

    Attributes:
        feature: int64 (nodes,), the feature that a node compares.
        threshold: float64 (nodes,): to the left if the feature is at most that.
        left, right: int64 (nodes,), children, counted over all trees; −1 in leaves.
        values: float64 (nodes, classes), shares of the classes at a node.
        roots: int64 (trees,).
        votes: float64 (trees,), what a tree counts; sums up to 1.
        dimensions: of the features.
        boosted: AdaBoost's way to probabilities, not the forest's mean.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    values: np.ndarray
    roots: np.ndarray
    votes: np.ndarray
    dimensions: int
    boosted: bool = False

    kind = "trees"
    stored: ClassVar = {
        **dict.fromkeys(("feature", "left", "right"), ("int64", ("nodes",))),
        "threshold": ("float64", ("nodes",)),
        "values": ("float64", ("nodes", "classes")),
        "roots": ("int64", ("trees",)),
        "votes": ("float64", ("trees",)),
    }

    @classmethod
    def of(cls, estimator: Any) -> TreesHead:
        """Read a fitted ``RandomForestClassifier`` or ``AdaBoostClassifier``."""
        trees = [each.tree_ for each in estimator.estimators_]
        counts = [tree.node_count for tree in trees]
        roots = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
        boosted = hasattr(estimator, "estimator_weights_")
        votes = estimator.estimator_weights_[: len(trees)] if boosted else np.ones(len(trees))

        def children(name: str) -> np.ndarray:
            parts = [
                np.where(getattr(tree, name) < 0, NO_CHILD, getattr(tree, name) + root)
                for tree, root in zip(trees, roots, strict=True)
            ]
            return np.concatenate(parts).astype(np.int64)

        values = np.concatenate([tree.value[:, 0] for tree in trees]).astype(np.float64)
        return cls(
            feature=np.concatenate([tree.feature for tree in trees]).astype(np.int64),
            threshold=np.concatenate([tree.threshold for tree in trees]).astype(np.float64),
            left=children("children_left"),
            right=children("children_right"),
            values=values / values.sum(axis=1, keepdims=True),
            roots=roots,
            votes=np.asarray(votes, np.float64) / np.sum(votes),
            dimensions=int(estimator.n_features_in_),
            boosted=boosted,
        )

    @property
    def classes(self) -> int:  # type: ignore[override]
        """Number of classes."""
        return self.values.shape[1]

    def check(self) -> None:
        """Compare nodes with features and with each other: a child comes after its parent."""
        inner, nodes = self.left != NO_CHILD, np.arange(len(self.left))
        for children in (self.left, self.right):
            if ((children <= nodes) | (children >= len(nodes)))[inner].any():
                raise ValueError("a node that is no child of its parent")
        if ((self.feature < 0) | (self.feature >= self.dimensions))[inner].any():
            raise ValueError("a node that compares no feature")
        if (self.roots != np.sort(self.roots)).any() or not set(self.roots) <= set(nodes):
            raise ValueError("a tree without a root")

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Return probabilities, float32 (n, classes), of features (n, d)."""
        features = np.asarray(features, np.float32)
        total = np.zeros((len(features), self.classes))
        for root, vote in zip(self.roots, self.votes, strict=True):
            shares = self.values[self._leaves(features, root)]
            if self.boosted:
                best = self.classes_ == shares.argmax(axis=1)[:, np.newaxis]
                shares = np.where(best, 1.0, -1 / (self.classes - 1))
            total += vote * shares
        if self.boosted:
            # Zhu et al. 2009 (SAMME); scikit-learn gives a pair half of the margin each.
            total = softmax(total / (self.classes - 1))
        return total.astype(np.float32)

    def estimator(self) -> Any:
        """Return scikit-learn's ``RandomForestClassifier`` or ``AdaBoostClassifier`` of them."""
        from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier

        count = len(self.roots)
        trees = [self._tree(part) for part in np.split(np.arange(len(self.left)), self.roots[1:])]
        facts: dict[str, Any] = {"n_classes_": self.classes, "estimators_": trees}
        if self.boosted:
            facts["estimator_weights_"] = self.votes
            several: Any = AdaBoostClassifier(n_estimators=count)
        else:
            several, facts["n_outputs_"] = RandomForestClassifier(count), 1
        return fitted(several, self.classes_, self.dimensions, **facts)

    def _tree(self, part: np.ndarray) -> Any:
        from sklearn.tree import DecisionTreeClassifier

        single = DecisionTreeClassifier().fit(np.zeros((2, self.dimensions)), [0, 1])
        kind, state = type(single.tree_), single.tree_.__getstate__()  # how it is unpickled
        nodes: Any = np.zeros(len(part), state["nodes"].dtype)
        nodes["feature"], nodes["threshold"] = self.feature[part], self.threshold[part]
        for name, own in (("left_child", self.left), ("right_child", self.right)):
            nodes[name] = np.where(own[part] == NO_CHILD, NO_CHILD, own[part] - part[0])
        values = np.ascontiguousarray(self.values[part, np.newaxis])
        tree = kind(self.dimensions, np.array([self.classes], np.intp), 1)
        tree.__setstate__({**state, "node_count": len(part), "nodes": nodes, "values": values})
        facts = {"tree_": tree, "n_classes_": self.classes, "n_outputs_": 1}
        return fitted(single, self.classes_, self.dimensions, **facts)

    def _leaves(self, features: np.ndarray, root: int) -> np.ndarray:
        nodes = np.full(len(features), root)
        rows = np.arange(len(features))
        while len(rows):
            inner = self.left[nodes[rows]] != NO_CHILD
            rows = rows[inner]
            at = nodes[rows]
            left = features[rows, self.feature[at]] <= self.threshold[at]
            nodes[rows] = np.where(left, self.left[at], self.right[at])
        return nodes
