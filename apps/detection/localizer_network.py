"""Localization: one network says what a picture shows, and in which box."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers, ops

from sightkit._errors import SightkitError
from sightkit.apps.detection import detector_entry  # noqa: F401 - what is registered needs it
from sightkit.zoo.arguments import class_count, drop_rates, sizes
from sightkit.zoo.registry import registered
from sightkit.zoo.surgery import body_of

FIRST_DEVIATION = 0.01
"""Of the weights that boxes come from: the first answers are the whole picture."""
LARGEST = 1.0
"""Logarithm of a box's side by the picture's, at most."""
MOMENTUM = 0.9
"""Of batch normalization in the head, whose training has few steps."""


@registered
def Localizer(
    input_shape: Sequence[int],
    classes: int,
    *,
    base: str = "mobilenetv2_0.35",
    base_arguments: Mapping[str, Any] | None = None,
    cut: str | None = None,
    reduced: int = 64,
    hidden: int = 128,
    dropout: float = 0.25,
    class_boxes: bool = False,
    name: str = "localizer",
) -> keras.Model:
    """A base, cut, with one head for class and box: what is learned of one helps the other.

    ============== ================================================ =====================
    layer          kind                                             output for 224x224x3
    ============== ================================================ =====================
    (base's)       MobileNetV2-0.35 up to ``out_relu``              7x7x1280
    head_reduced   1x1 convolution, batch normalization, ReLU       7x7x64
    head_pool      mean of each map; dropout                        64
    logits         classes                                          classes
    head_hidden    all places; dropout, dense, normalization, ReLU  128
    head_box       4, or 4 a class: centre, logarithm of size       4
    predictions    logits, then corners                             classes + 4
    ============== ================================================ =====================

    Args:
        input_shape: (height, width, channels) of pictures, as the base takes them.
        classes: number of classes, at least 2.
        base: name of a classifier of the zoo, those of ``transfer.names()`` among them.
        base_arguments, cut: see ``zoo.Surgery``.
        reduced: channels that the base's maps are reduced to.
        hidden: neurons of the layer that boxes come from.
        dropout: share dropped before ``logits`` and before and after ``head_hidden``.
        class_boxes: a box for each class, in place of one for all.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, classes + 4), or with ``class_boxes``
        (N, classes + 4·classes): logits, then ``[x0, y0, x1, y1]`` as shares of width and height,
        which may be outside of 0 to 1.

    Raises:
        SightkitError: no such base or layer, or an argument out of range.

    Reference:
        Sermanet et al., "OverFeat: integrated recognition, localization and detection using
        convolutional networks", 2014.
    """
    body = body_of(base, input_shape, base_arguments, cut)
    output = attach_head(body.output, classes, reduced, hidden, dropout, class_boxes)
    return keras.Model(body.inputs[0], output, name=name)


def attach_head(
    features: Any, classes: int, reduced: int, hidden: int, dropout: float, class_boxes: bool
) -> Any:
    """Return the output of the head's layers on any feature maps, see ``Localizer``."""
    class_count(classes)
    sizes(reduced=(reduced,), hidden=(hidden,))
    (rate,) = drop_rates(dropout, 1)
    if len(features.shape) != 4:
        raise SightkitError(
            "A localizer needs feature maps with height and width.",
            "Name a layer that has them: cut=…", shape=features.shape,
        )  # fmt: skip
    x = layers.Conv2D(reduced, 1, use_bias=False, name="head_reduced")(features)
    x = _normalized(x, "head_reduced")
    pooled = layers.GlobalAveragePooling2D(name="head_pool")(x)
    pooled = layers.Dropout(rate, name="head_pool_dropout")(pooled)
    logits = layers.Dense(classes, name="logits", dtype="float32")(pooled)
    places = layers.Dropout(rate, name="head_places_dropout")(layers.Flatten()(x))
    places = layers.Dense(hidden, use_bias=False, name="head_hidden")(places)
    places = _normalized(places, "head_hidden")
    places = layers.Dropout(rate, name="head_hidden_dropout")(places)
    boxes = classes if class_boxes else 1
    first = keras.initializers.RandomNormal(stddev=FIRST_DEVIATION)
    code = layers.Dense(4 * boxes, kernel_initializer=first, name="head_box", dtype="float32")(
        places
    )
    code = layers.Reshape((boxes, 4), name="head_boxes")(code)
    # Of the whole picture as in R-CNN: a sigmoid would not learn from boxes of the full width.
    centre, size = 0.5 + code[..., :2], ops.exp(ops.minimum(code[..., 2:], LARGEST))
    corners = ops.concatenate([centre - size / 2, centre + size / 2], axis=-1)
    corners = layers.Flatten(name="head_corners")(corners)
    return layers.Concatenate(name="predictions", dtype="float32")([logits, corners])


def _normalized(x: Any, name: str) -> Any:
    x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(x)
    return layers.Activation("relu", name=f"{name}_activation")(x)


def split_network(
    network: keras.Model, first: str = "head_reduced"
) -> tuple[keras.Model, keras.Model]:
    """Return the part of a localizer that stays as it is, and the part that learns.

    They share its layers: what the second learns, the localizer has learned. Batch normalization of
    the base stays frozen in both: its averages over a few pictures would ruin it.

    Args:
        network: made by ``Localizer``.
        first: layer that the second part begins with; all paths go through its input.

    Returns:
        Picture to features, and features to output.

    Raises:
        SightkitError: no such layer, or one that others pass by.
    """
    names = [layer.name for layer in network.layers]
    if first not in names:
        near = ", ".join(difflib.get_close_matches(first, names, 3, cutoff=0))
        raise SightkitError(
            "A localizer learns from a layer of its network on.",
            f"The nearest of {len(names)} are {near}.", unfreeze_from=first,
        )  # fmt: skip
    features = network.get_layer(first).input
    try:
        learning = keras.Model(features, network.output, name="learning")
    except ValueError as error:
        raise SightkitError(
            "Other layers pass by this one: the network cannot be cut there.",
            "Name the first layer of a block.", unfreeze_from=first,
        ) from error  # fmt: skip
    for layer in learning.layers:
        if isinstance(layer, layers.BatchNormalization) and not layer.name.startswith("head_"):
            layer.trainable = False
    return keras.Model(network.inputs[0], features, name="body"), learning
