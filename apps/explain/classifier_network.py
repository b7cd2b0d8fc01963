"""A classifier as one Keras model: a bundle's network, or networks with their linear head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing import Pipeline
from sightkit.training import Bundle
from sightkit.training.classifier import Classifier
from sightkit.transfer import FeatureClassifier
from sightkit.transfer.heads.linear import LinearHead

Preparation = Callable[[list[np.ndarray]], Any]
"""Decoded images, uint8 (H, W, C), to what the model takes: (N, H, W, C), or a list of those."""


def network_of(classifier: keras.Model | Classifier) -> tuple[keras.Model, Preparation | None]:
    """Return a Keras model that answers as a classifier does, and how its photos are prepared.

    Of a network with a head it is the network, cut, and a Dense layer; of several networks one
    model of as many inputs. Of photos seen in several crops the middle one is taken.

    Raises:
        SightkitError: no Keras model and no classifier, several outputs, a head that is not linear.
    """
    if isinstance(classifier, Bundle):
        return classifier.network, classifier.preprocessing.batch
    if isinstance(classifier, FeatureClassifier):
        return _with_head(classifier)
    if not isinstance(classifier, keras.Model):
        raise SightkitError(
            "A Keras model or a classifier is explained.",
            "Load it by training.load_bundle or transfer.load.",
            network=type(classifier).__name__,
        )
    outputs = getattr(classifier, "outputs", None) or [None]
    if len(outputs) > 1:
        raise SightkitError(
            "A network of one output is explained.",
            "Take keras.Model(network.inputs, network.outputs[0]).",
            outputs=len(outputs),
        )
    return classifier, None


def _with_head(classifier: FeatureClassifier) -> tuple[keras.Model, Preparation]:
    head, networks = classifier.head, classifier.networks
    if not isinstance(head, LinearHead) or head.multiclass == "ovo":
        raise SightkitError(
            "A head must be linear, a column of weights a class: others have no gradient.",
            "Train one by scripts/train_logistic.py --head logistic.",
            head=type(head).__name__,
        )
    models = [
        keras.Model(each.model.inputs[0], each.model.outputs[0], name=f"network{number}")
        for number, each in enumerate(networks, start=1)
    ]
    inputs = [keras.Input(model.input_shape[1:]) for model in models]
    features = [model(each) for model, each in zip(models, inputs, strict=True)]
    joined = keras.layers.Concatenate(name="joined")(features) if models[1:] else features[0]
    logits = keras.layers.Dense(len(head.intercepts), name="logits")
    end = "sigmoid" if head.sigmoids or len(head.intercepts) == 1 else "softmax"
    outputs = keras.layers.Activation(end, name="predictions")(logits(joined))
    logits.set_weights([head.temperature * head.weights, head.temperature * head.intercepts])
    chains = [
        network.preprocessing if before is None else Pipeline((before, network.preprocessing))
        for network, before in zip(networks, classifier.before, strict=True)
    ]

    def prepare(images: list[np.ndarray]) -> Any:
        prepared = [chain.batch(images) for chain in chains]
        return prepared if prepared[1:] else prepared[0]

    return keras.Model(inputs if models[1:] else inputs[0], outputs), prepare
