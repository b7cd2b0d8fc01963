"""GoogLeNet (Inception v1), with or without its auxiliary classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from sightkit._errors import SightkitError
from sightkit.zoo.arguments import drop_rates, smallest_input
from sightkit.zoo.classifier_head import End, classify, drop, image_input
from sightkit.zoo.inception import halve, inception
from sightkit.zoo.registry import build, origin, registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit

STAGES = (("3a", "3b"), ("4a", "4b", "4c", "4d", "4e"), ("5a", "5b"))
AUXILIARY = {"4a": "aux1", "4d": "aux2"}


@registered
def GoogLeNet(
    input_shape: Sequence[int],
    classes: int,
    *,
    auxiliary_heads: bool = False,
    activation: Activation = "relu",
    normalization: str | None = None,
    norm_before_activation: bool = True,
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 0.0,
    dropout: float | Sequence[float] = (0.4, 0.7),
    end: End = "softmax",
    name: str = "googlenet",
) -> keras.Model:
    """Nine Inception modules: 6,998,552 parameters for 224x224x3 → 1000.

    With the two auxiliary heads that only training needs: 13,378,280.

    ============== ================================ ====================
    layer          kind                             output for 224x224x3
    ============== ================================ ====================
    conv1          64 filters 7x7, stride 2, same   112x112x64
    pool1          maximum 3x3, stride 2, same      56x56x64
    conv2_reduce   64 filters 1x1                   56x56x64
    conv2          192 filters 3x3, same            56x56x192
    pool2          maximum 3x3, stride 2, same      28x28x192
    inception_3a   see ``inception.FILTERS``        28x28x256
    inception_3b                                    28x28x480
    pool3          maximum 3x3, stride 2, same      14x14x480
    inception_4a   (aux1 reads its output)          14x14x512
    inception_4b                                    14x14x512
    inception_4c                                    14x14x512
    inception_4d   (aux2 reads its output)          14x14x528
    inception_4e                                    14x14x832
    pool4          maximum 3x3, stride 2, same      7x7x832
    inception_5a                                    7x7x832
    inception_5b                                    7x7x1024
    pool           average over the map             1024
    dropout        0.4
    logits         classes                          classes
    ============== ================================ ====================

    An auxiliary head: average 5x5/3, 128 filters 1x1, dense 1024, dropout 0.7, logits, softmax.

    Args:
        input_shape: (height, width, channels), any size; at least 65x65 with auxiliary heads.
        classes: number of classes.
        auxiliary_heads: True gives three outputs, ``predictions``, ``aux1_predictions`` and
            ``aux2_predictions``; the paper weights their losses 1, 0.3, 0.3. Remove them for
            inference with ``without_auxiliary_heads``.
        activation, norm_before_activation, initializer, reg: see ``unit.Unit``.
        normalization: None or ``"batch"`` for every convolution; ``"local_response"`` is the
            paper's: after pool1 and conv2 alone.
        dropout: share dropped before the classifier, and in the auxiliary heads.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, classes) probabilities; a list of
        three such with auxiliary heads.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Szegedy et al., "Going deeper with convolutions", 2014. Differs on purpose: conv1 has
        padding "same", at 224 2 pixels at the top and left and 3 at the bottom and right, where
        Caffe's release has 3 on every side: its maps are one pixel aside, sizes and parameters
        are the same. ("same" poolings are Caffe's, which round up, at even sizes.) Local response
        normalization is off by default: it has no parameters, and VGG's authors found no gain in
        it.

    Example:
        >>> GoogLeNet((224, 224, 3), 1000).count_params()
        6998552
    """
    windows = [(1, 16, "same"), (5, 3, "valid")] if auxiliary_heads else []
    rates = drop_rates(dropout, 2)
    local = Unit(normalization="local_response" if normalization == "local_response" else None)
    normalization = None if normalization == "local_response" else normalization
    unit = Unit(activation, normalization, norm_before_activation, initializer, reg)

    images = image_input(input_shape, classes, minimum=smallest_input(windows), end=end)
    x = _stem(images, unit, local)
    outputs = []
    for number, stages in enumerate(STAGES, start=3):
        for stage in stages:
            x = inception(x, unit, stage)
            if auxiliary_heads and stage in AUXILIARY:
                outputs.append(_auxiliary(x, unit, classes, rates[1], AUXILIARY[stage], end))
        x = halve(x, f"pool{number}") if number < 5 else x
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = drop(x, rates[0], "dropout")
    predictions = classify(x, classes, initializer=initializer, reg=reg, end=end)
    return keras.Model(images, [predictions, *outputs] if outputs else predictions, name=name)


def without_auxiliary_heads(model: keras.Model) -> keras.Model:
    """The same GoogLeNet with the same weights and only its main output.

    Args:
        model: built by ``GoogLeNet(…, auxiliary_heads=True)``.

    Returns:
        A new model; it shares nothing with the one given.

    Raises:
        SightkitError: not a GoogLeNet of the zoo.
    """
    source = origin(model)
    if source.get("builder") != "googlenet":
        raise SightkitError("Only GoogLeNet has auxiliary heads.", network=model.name)
    bare = build("googlenet", **{**source["arguments"], "auxiliary_heads": False})
    for layer in bare.layers:
        layer.set_weights(model.get_layer(layer.name).get_weights())
    return bare


def _stem(x: Any, unit: Unit, local: Unit) -> Any:
    x = unit.convolution(x, 64, 7, strides=2, name="conv1")
    x = local.normalize(halve(x, "pool1"), "pool1_norm")
    x = unit.convolution(x, 64, 1, name="conv2_reduce")
    x = unit.convolution(x, 192, 3, name="conv2")
    return halve(local.normalize(x, "conv2_local_norm"), "pool2")


def _auxiliary(x: Any, unit: Unit, classes: int, rate: float, name: str, end: End) -> Any:
    x = layers.AveragePooling2D(5, strides=3, name=f"{name}_pool")(x)
    x = unit.convolution(x, 128, 1, name=f"{name}_conv")
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = unit.dense(x, 1024, name=f"{name}_dense")
    x = drop(x, rate, f"{name}_dropout")
    return classify(
        x, classes, initializer=unit.initializer, reg=unit.reg, end=end, prefix=f"{name}_"
    )
