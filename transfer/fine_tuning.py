"""Fine-tuning: a pretrained body under a new head, frozen at first, then let go in part."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from sightkit import zoo
from sightkit._errors import SightkitError
from sightkit._scripts import warn
from sightkit.training.bundle import load_bundle
from sightkit.transfer.feature_network import default_layer, require_layer
from sightkit.transfer.imagenet import pretrained
from sightkit.transfer.sources import is_bundle, source_of
from sightkit.zoo.fc_head import attach
from sightkit.zoo.unit import Unit

HEAD = ("head_", "logits", "predictions")
"""How the names of a head's layers begin, in every network that ``zoo.Surgery`` makes."""


def with_new_head(
    name: str,
    classes: int,
    *,
    size: Sequence[int] = (),
    hidden: Sequence[int] = (256,),
    dropout: float = 0.5,
    pool: str = "avg",
    trained: bool = True,
) -> keras.Model:
    """A trained network whose classifier is cut off, with an ``FCHead`` in its place.

    Args:
        name: one of ``names()``: ``"vgg16"``, ``"mobilenetv2_0.35"``, …; or the folder of a bundle,
            whose network is cut at the last layer with height and width.
        classes: number of classes, at least 2.
        size: (height, width) of images, where it is not the one that a network of ``names()`` was
            trained on.
        hidden: neurons of each hidden dense layer of the head; none for logits alone.
        dropout: share dropped after each hidden layer.
        pool: ``"avg"``: the mean of each feature map; ``"flatten"``: every place of the maps has
            weights of its own, as in the books.
        trained: False leaves the body at random values: to try things out without weights.

    Returns:
        Uncompiled network, which a bundle can hold: float32 (N, H, W, C), as
        ``preprocessing_of(name, size)`` gives them, to float32 (N, classes) probabilities.

    Raises:
        SightkitError: an unknown name, weights that cannot be had, an argument out of range.

    Reference:
        Rosebrock, "Deep Learning for Computer Vision with Python", practitioner bundle, chapter 5.
    """
    if is_bundle(name):
        return _on_bundle(name, classes, hidden, dropout, pool)
    side = source_of(name).side
    shape = (*(size or (side, side)), 3)
    network = zoo.Surgery(
        shape, classes, base=name, hidden=tuple(hidden), dropout=dropout, pool=pool
    )
    if trained:
        for layer in pretrained(name, include_top=False).network.layers:
            if layer.weights:
                network.get_layer(layer.name).set_weights(layer.get_weights())
    else:
        warn(f"The body of {name} begins at random values.")
    return network


def _on_bundle(
    name: str, classes: int, hidden: Sequence[int], dropout: float, pool: str
) -> keras.Model:
    body = load_bundle(name).network
    features = body.get_layer(default_layer(body)).output
    outputs = attach(features, classes, Unit(), tuple(hidden), dropout, pool, "softmax")
    return keras.Model(body.inputs[0], outputs, name="finetuned")


def last_block(name: str, network: keras.Model) -> str:
    """Return the layer with which the last block of a network with a new head begins.

    Of a network that is not trained on ImageNet it is the last convolution of the body.
    """
    if not is_bundle(name):
        return source_of(name).last_block
    body = [layer for layer in network.layers if not layer.name.startswith(HEAD)]
    kernels = [layer for layer in body if hasattr(layer, "kernel_size") and layer.weights]
    return (kernels or [layer for layer in body if layer.weights] or body)[-1].name


def freeze_body(network: keras.Model) -> None:
    """Let the head alone learn; compile the network afterwards.

    Frozen batch normalization works as in inference: its averages do not change.
    """
    for layer in network.layers:
        layer.trainable = layer.name.startswith(HEAD)


def unfreeze_from(network: keras.Model, name: str) -> list[str]:
    """Let the head and the body's layers from a named one on learn; compile the network afterwards.

    Batch normalization stays frozen, and so in inference mode: its averages over a few photos, a
    batch at a time, would ruin what the other layers have learned (keras#9214).

    Args:
        network: made by ``with_new_head``.
        name: layer of the body; it and all that come after it in ``network.layers``.

    Returns:
        Names of the layers of the body that will learn.

    Raises:
        SightkitError: no such layer in the body, or none from it on that could learn; nothing has
            been changed then.
    """
    body = [layer for layer in network.layers if not layer.name.startswith(HEAD)]
    names = [layer.name for layer in body]
    rule = "A network is unfrozen from a layer of its body on."
    require_layer(name, names, rule, "unfreeze_from")
    free = [
        layer
        for layer in body[names.index(name) :]
        if layer.weights and not isinstance(layer, keras.layers.BatchNormalization)
    ]
    if not free:
        raise SightkitError(
            "From that layer on the body has nothing that can be trained.",
            "Name an earlier one.",
            unfreeze_from=name,
        )
    for layer in network.layers:
        layer.trainable = layer.name.startswith(HEAD) or layer in free
    return [layer.name for layer in free]
