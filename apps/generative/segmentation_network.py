"""A segmenter on the maps of a pretrained classifier: FCN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from sightkit._errors import SightkitError
from sightkit.apps.generative import segmenter_entry  # noqa: F401 - registered needs it
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


def freeze_normalization(network: keras.Model) -> None:
    """Leave the batch normalization of a pretrained base as it is: few pictures would ruin it."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
