"""A bundle as one network of pixels: what can be in it, and what has to come before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit import training, transfer
from sightkit._errors import SightkitError
from sightkit.apps.deploy.pixel_steps import split_steps
from sightkit.preprocessing import Pipeline
from sightkit.preprocessing.pipeline import flat_steps
from sightkit.transfer.heads.linear import LinearHead, class_scores

if TYPE_CHECKING:
    import keras

FLAGS = {"trees": "random_forest", "neighbours": "knn"}
"""Heads that are no formula, as train_logistic's flag names them."""
INSTEAD = "Train a linear head (train_logistic's default), or fine-tune the network."


@dataclass(frozen=True)
class Exportable:
    """What is exported.

    Attributes:
        network: float32 (N, H, W, C), what ``before`` gives, to probabilities (N, classes).
        before: the steps that stay outside: those that look at more than a pixel, such as resizing.
        inside: names of the steps that the network begins with.
    """

    network: keras.Model
    before: Pipeline
    inside: list[str]


def exportable(
    bundle: training.Bundle | transfer.FeatureClassifier, canary: np.ndarray
) -> Exportable:
    """Return a classifier as one network.

    Args:
        bundle: a network, or networks with a linear head.
        canary: uint8 (H, W, C); the image whose steps are looked at.

    Raises:
        SightkitError: a head that is no formula, several views of a photo, or networks that see a
            photo in different sizes.
    """
    import keras

    if isinstance(bundle, transfer.FeatureClassifier):
        _require_one_view(bundle)
        networks = [each.model for each in bundle.networks]
        chains = [
            (*(flat_steps(first) if first else ()), *flat_steps(each.preprocessing))
            for first, each in zip(bundle.before, bundle.networks, strict=True)
        ]
    else:
        networks, chains = [bundle.network], [flat_steps(bundle.preprocessing)]
    divided = [split_steps(chain, canary) for chain in chains]
    before = Pipeline(divided[0][0])
    if any(Pipeline(first) != before for first, _ in divided):
        raise SightkitError(
            "An export has one input, and these networks see a photo in different sizes or crops.",
            "Export a bundle of one network.",
            networks=[network.name for network in networks],
        )
    height, width = networks[0].inputs[0].shape[1:3]
    images = keras.Input((height, width, len(divided[0][1].matrix)), name="images")
    outputs = [
        network(steps(images)) for network, (_, steps) in zip(networks, divided, strict=True)
    ]
    answer = outputs[0] if len(outputs) == 1 else keras.ops.concatenate(outputs, axis=-1)
    if isinstance(bundle, transfer.FeatureClassifier):
        answer = _probabilities(bundle.head, answer)
    # A runtime's one output has a name of its own.
    answer = keras.layers.Activation("linear", name="probabilities")(answer)
    inside = [type(step).__name__ for step in chains[0][len(before.steps) :]]
    network = keras.Model(images, answer, name="exported")
    network(before(canary)[np.newaxis].astype(np.float32))  # Keras exports what was called once
    return Exportable(network, before, inside)


def require_formula(head: Mapping[str, Any]) -> None:
    """Raise unless a head, as bundle.json describes it, is a formula."""
    if head["kind"] != LinearHead.kind or head.get("multiclass") == "ovo":
        kind = "adaboost" if head.get("boosted") else FLAGS.get(head["kind"], "ovo")
        raise SightkitError(
            "A head must be a formula to be exported: one of trees, of neighbours, or of votes is "
            "none.",
            INSTEAD,
            head=kind,
        )


def _require_one_view(bundle: transfer.FeatureClassifier) -> None:
    """Raise where the features are means of several views."""
    views = [network.crops for network in bundle.networks]
    if max(views) > 1:
        raise SightkitError(
            "An export answers one view of a photo; these features are means of several.",
            "Run scripts/extract_features.py --crops 1, and train the head again.",
            crops=views,
        )


def _probabilities(head: Any, features: Any) -> Any:
    """Return the probabilities of a linear head, of features as a Keras tensor."""
    import keras

    require_formula({"kind": head.kind, **head.settings()})
    # The scores of classes are linear in the columns' scores: those of unit scores are the matrix.
    columns = class_scores(np.eye(len(head.intercepts)), head.classes, head.multiclass)
    scale = 1.0 if _has_sigmoids(head) else head.temperature
    weights: Sequence[np.ndarray] = [
        scale * head.weights @ columns,
        scale * head.intercepts @ columns,
    ]
    dense = keras.layers.Dense(head.classes, name="head")
    scores = dense(features)
    dense.set_weights([each.astype(np.float32) for each in weights])
    if not _has_sigmoids(head):
        return keras.ops.softmax(scores)
    shares = keras.ops.sigmoid(scores)
    return shares / keras.ops.sum(shares, axis=-1, keepdims=True)


def _has_sigmoids(head: LinearHead) -> bool:
    return head.sigmoids and head.classes > 2
