"""A segmenter on the maps of a pretrained classifier: FCN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from sightkit._errors import SightkitError
from sightkit.apps.generative import segmenter_entry  # noqa: F401 - registered needs it
from sightkit.transfer.imagenet import trained_network, weights_available
from sightkit.zoo.fcn_head import FCNHead
from sightkit.zoo.registry import registered
from sightkit.zoo.surgery import body_of


@registered
def FCN(
    input_shape: Sequence[int],
    classes: int,
    *,
    base: str = "mobilenetv2_0.35",
    base_arguments: Mapping[str, Any] | None = None,
    cut: str | None = "block_13_expand_relu",
    hidden: Sequence[int] = (128,),
    kernel: int = 3,
    dropout: float = 0.2,
    name: str = "fcn",
) -> keras.Model:
    """A base, cut, with ``FCNHead``: classes of pixels, upsampled from a coarse map.

    ============== ======================================= ====================
    layer          kind                                    output for 224x224x3
    ============== ======================================= ====================
    (base's)       MobileNetV2-0.35 up to stride 16        14x14x192
    fcn_head       see ``zoo.FCNHead``                     224x224xclasses
    ============== ======================================= ====================

    Args:
        input_shape: (height, width, channels), sides that the base's stride divides.
        classes: number of classes, at least 2.
        base: name of a classifier of the zoo.
        base_arguments, cut: see ``zoo.Surgery``.
        hidden, kernel, dropout: of the head, see ``zoo.FCNHead``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, H, W, classes) probabilities.

    Raises:
        SightkitError: no such base or layer, or sides that its stride does not divide.

    Reference:
        Long, Shelhamer, Darrell, "Fully convolutional networks for semantic segmentation", 2015.
        Differs on purpose: a small base, cut at stride 16, and one step up (FCN-16s adds the scores
        of two maps).
    """
    body = body_of(base, input_shape, base_arguments, cut)
    maps = tuple(body.output.shape[1:])
    stride = input_shape[0] // maps[0]
    if (maps[0] * stride, maps[1] * stride) != tuple(input_shape[:2]):
        raise SightkitError(
            "The sides of a picture must be multiples of the stride of the network's maps.",
            f"Give multiples of {stride}.",
            size=tuple(input_shape[:2]),
        )
    head = FCNHead(maps, classes, stride=stride, hidden=hidden, kernel=kernel, dropout=dropout)
    return keras.Model(body.inputs[0], head(body.output), name=name)


def load_base(network: keras.Model, base: str) -> None:
    """Give an ``FCN`` the weights of ImageNet, and freeze its batch normalization.

    Raises:
        SightkitError: weights that are not available; the file and its place are named.
    """
    # The file with the classifier holds the same body, and may be the one that is there.
    top = not weights_available(base, include_top=False) and weights_available(base)
    trained = {layer.name: layer for layer in trained_network(base, include_top=top).layers}
    for layer in network.layers:
        if layer.weights and layer.name in trained:
            layer.set_weights(trained[layer.name].get_weights())
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False  # averages over a few pictures would ruin it
