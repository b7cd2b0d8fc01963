"""The network of a single-shot detector: a pretrained body, a feature pyramid, shared heads."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import keras
from keras import layers

from sightkit import zoo
from sightkit._errors import SightkitError
from sightkit.apps.detection import detector_entry  # noqa: F401 - what is registered needs it
from sightkit.apps.detection.anchors import PER_LEVEL, STRIDES, require_strides
from sightkit.apps.detection.box_coding import PRIOR
from sightkit.zoo.arguments import class_count, image_shape
from sightkit.zoo.budget import only_used
from sightkit.zoo.registry import builder_of, registered

Head = Literal["anchors", "grid"]
GRID_STRIDE, GRID_BOXES = 32, 2
OWN = (
    *("lateral", "level", "merged", "enlarged", "stride"),
    *("box_", "class_", "grid_", "predictions"),
)
"""How the names of the layers begin that are not the backbone's."""
FIRST_DEVIATION = 0.01
"""Of the weights that boxes and classes come from: the first answers are nearly the prior's."""


@registered
def Detector(
    input_shape: Sequence[int],
    classes: int,
    *,
    backbone: str = "mobilenetv2_0.35",
    backbone_arguments: Mapping[str, Any] | None = None,
    head: Head = "anchors",
    strides: Sequence[int] = STRIDES,
    per_place: int = PER_LEVEL,
    channels: int = 64,
    depth: int = 2,
    prior: float = PRIOR,
    name: str = "detector",
) -> keras.Model:
    """A single-shot detector: boxes and classes at every place of a feature pyramid, in one pass.

    ============== ================================================= ===========================
    part           layers                                            output
    ============== ================================================= ===========================
    body           the backbone, cut at the last maps of each stride  stride 8, 16, 32
    pyramid        1x1 to ``channels``, plus the coarser level's      the same, ``channels`` each
                   enlarged, then 3x3
    heads          ``depth`` 3x3 with ReLU, twice, shared by levels   4 and ``classes`` an anchor
    predictions    all levels, one after the other                    (anchors, 4 + classes)
    ============== ================================================= ===========================

    With ``head="grid"`` a 3x3 and a 1x1 convolution follow the body's last maps alone: 7x7 cells of
    a picture of 224x224, two boxes a cell, (7, 7, 5·2 + classes), all through a sigmoid.

    Args:
        input_shape: (height, width, 3), at least 32x32, scaled as the backbone takes it.
        classes: number of classes, at least 1.
        backbone: name of a classifier of the zoo, or any row of ``transfer.names()``.
        backbone_arguments: further arguments of the backbone.
        head: what follows the body.
        strides: of the pyramid's levels, powers of two from 8 on; those that the body does not
            reach are made by 3x3 convolutions of stride 2.
        per_place: anchors at a place.
        channels: of pyramid and heads.
        depth: 3x3 convolutions of each head.
        prior: probability of every class that the network begins with.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, 3) to float32 (N, anchors, 4 + classes), codes of boxes
        and logits, or to (N, rows, columns, 5·2 + classes).

    Raises:
        SightkitError: no such backbone, strides that are none, or an argument out of range.

    Reference:
        Lin et al., "Feature pyramid networks for object detection", 2017, and "Focal loss for dense
        object detection", 2017; of the grid Redmon et al., "You only look once", 2015.
    """
    shape = image_shape(input_shape, 32)
    class_count(classes, "linear")
    _check(strides, prior, head)
    levels = tuple(strides) if head == "anchors" else (GRID_STRIDE,)
    reached: list[int] = []

    def features() -> keras.Model:
        arguments = dict(backbone_arguments or {})
        if "include_top" in inspect.signature(builder_of(backbone)).parameters:
            arguments = {"include_top": False, **arguments}
        body = zoo.build(backbone, input_shape=shape, classes=2, **arguments)
        maps = _last_maps(body, shape)
        reached.extend(stride for stride in maps if stride in levels or stride == max(maps))
        return keras.Model(body.inputs[0], [maps[stride] for stride in reached])

    body = only_used(features)
    maps = dict(zip(reached, body.outputs, strict=True))
    if head == "grid":
        top = _level(maps, GRID_STRIDE, shape, channels)
        output = _grid_head(top, classes, channels)
    else:
        pyramid = _pyramid(maps, shape, levels, channels)
        output = _anchor_heads(pyramid, classes, per_place, channels, depth, prior)
    return keras.Model(body.inputs[0], output, name=name)


def _check(strides: Sequence[int], prior: float, head: str) -> None:
    require_strides(strides)
    if not 0 < prior < 1:
        raise SightkitError("prior must be between 0 and 1.", "Give 0.01.", prior=prior)
    if head not in ("anchors", "grid"):
        raise SightkitError('head must be "anchors" or "grid".', head=head)


def _last_maps(body: keras.Model, shape: Sequence[int]) -> dict[int, Any]:
    """Return the last feature maps of each stride from 8 on; sides are rounded to powers of two."""
    maps = {}
    for layer in body.layers:
        output = layer.output
        if len(output.shape) == 4 and "pad" not in layer.name and output.shape[1] > 1:
            maps[2 ** round(math.log2(shape[0] / output.shape[1]))] = output
    found = {stride: each for stride, each in maps.items() if stride >= STRIDES[0]}
    if not found:
        raise SightkitError(
            "The backbone of a detector has feature maps of stride 8 or more.",
            "Take another, mobilenetv2_0.35 for example.",
            backbone=body.name,
        )
    return found


def _level(maps: dict[int, Any], stride: int, shape: Sequence[int], channels: int) -> Any:
    """Return the maps of a stride, ceil(side / stride) large; made of the coarsest if need be."""
    coarsest = max(maps)
    x = maps[min(stride, coarsest)]
    while coarsest < stride:
        coarsest *= 2
        name = f"stride{coarsest}"
        x = layers.Conv2D(channels, 3, 2, "same", activation="relu", name=name)(x)
        maps[coarsest] = x
    rows, columns = (math.ceil(side / stride) for side in shape[:2])
    if tuple(x.shape[1:3]) != (rows, columns):  # of convolutions without padding
        x = layers.Resizing(rows, columns, name=f"stride{stride}_resized")(x)
    return x


def _pyramid(
    maps: dict[int, Any], shape: Sequence[int], strides: Sequence[int], channels: int
) -> list[Any]:
    """Return a level a stride, finest first: each with what the coarser ones have seen."""
    lateral = [_level(maps, stride, shape, channels) for stride in strides]
    levels: list[Any] = []
    above = None
    for stride, x in reversed(list(zip(strides, lateral, strict=True))):
        x = layers.Conv2D(channels, 1, name=f"lateral{stride}")(x)
        if above is not None:
            resize = layers.Resizing(
                *x.shape[1:3], interpolation="nearest", name=f"enlarged{stride}"
            )
            x = layers.Add(name=f"merged{stride}")([x, resize(above)])
        above = x
        levels.insert(0, layers.Conv2D(channels, 3, padding="same", name=f"level{stride}")(x))
    return levels


def _anchor_heads(
    pyramid: Sequence[Any], classes: int, per_place: int, channels: int, depth: int, prior: float
) -> Any:
    """Return (N, anchors, 4 + classes) of the levels, by two heads that all of them share."""
    parts = []
    for kind, numbers, bias in (("box", 4, 0.0), ("class", classes, math.log(prior / (1 - prior)))):
        tower = [
            layers.Conv2D(
                channels, 3, padding="same", activation="relu",
                kernel_initializer="he_normal", name=f"{kind}_{k + 1}",
            )
            for k in range(depth)
        ]  # fmt: skip
        last = layers.Conv2D(
            per_place * numbers, 3, padding="same", dtype="float32", name=f"{kind}_output",
            kernel_initializer=keras.initializers.RandomNormal(stddev=FIRST_DEVIATION),
            bias_initializer=keras.initializers.Constant(bias),
        )  # fmt: skip
        rows = []
        for index, x in enumerate(pyramid):
            for layer in (*tower, last):
                x = layer(x)
            rows.append(layers.Reshape((-1, numbers), name=f"{kind}_rows{index + 1}")(x))
        parts.append(layers.Concatenate(axis=1, name=f"{kind}_all")(rows) if rows[1:] else rows[0])
    return layers.Concatenate(axis=2, dtype="float32", name="predictions")(parts)


def _grid_head(x: Any, classes: int, channels: int) -> Any:
    """Return (N, rows, columns, 5·2 + classes), from 0 to 1."""
    x = layers.Conv2D(
        4 * channels, 3, padding="same", activation="relu",
        kernel_initializer="he_normal", name="grid_1",
    )(x)  # fmt: skip
    start = keras.initializers.RandomNormal(stddev=FIRST_DEVIATION)
    x = layers.Conv2D(
        5 * GRID_BOXES + classes, 1, dtype="float32", kernel_initializer=start, name="grid_output"
    )(x)
    return layers.Activation("sigmoid", dtype="float32", name="predictions")(x)


def freeze_normalization(network: keras.Model, before: int = 0) -> None:
    """Let all learn but batch normalization, whose averages a few pictures would ruin.

    Args:
        network: made by ``Detector``; compile it afterwards.
        before: stride whose maps, and all that come before them, stay as they are too; 0 for none.
    """
    side = network.input_shape[1]
    for layer in network.layers:
        body, shape = not layer.name.startswith(OWN), layer.output.shape
        fine = bool(before) and body and len(shape) == 4 and shape[1] > side / before
        layer.trainable = not (isinstance(layer, keras.layers.BatchNormalization) or fine)
