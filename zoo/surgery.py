"""Network surgery: the body of one network under a new dense head, as one row of data."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any

import keras

from sightkit._errors import SightkitError
from sightkit.zoo.arguments import class_count, sizes
from sightkit.zoo.budget import only_used
from sightkit.zoo.classifier_head import End
from sightkit.zoo.fc_head import attach
from sightkit.zoo.registry import build, builder_of, registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit


@registered
def Surgery(
    input_shape: Sequence[int],
    classes: int,
    *,
    base: str = "vgg16",
    base_arguments: Mapping[str, Any] | None = None,
    cut: str | None = None,
    hidden: Sequence[int] = (256,),
    activation: Activation = "relu",
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 0.0,
    dropout: float | Sequence[float] = 0.5,
    pool: str = "flatten",
    end: End = "softmax",
    name: str = "surgery",
) -> keras.Model:
    """A base, cut, with an ``FCHead``: 21,141,841 parameters for VGG16 and 256 → 17 classes.

    ============== ====================================== ====================
    layer          kind                                   output for 224x224x3
    ============== ====================================== ====================
    (base's)       VGG16 up to ``block5_pool``            7x7x512
    head_flatten                                          25088
    head_dense1    256                                    256
    head_dropout1  0.5
    logits         classes                                classes
    ============== ====================================== ====================

    Args:
        input_shape: (height, width, channels) of images, as the base takes them.
        classes: number of classes.
        base: name of a classifier of the zoo.
        base_arguments: further arguments of the base.
        cut: the base's layer whose output the head reads; by default the last one before its own
            dense layers (where it has ``include_top``), else the one before ``logits``.
        hidden, activation, initializer, reg, dropout, pool: of the head, see ``FCHead``; the base
            takes its own from ``base_arguments``.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, classes) probabilities. Layers keep
        the base's names, so that they can be frozen by name.

    Raises:
        SightkitError: no such base or layer, or an argument out of range.

    Reference:
        Rosebrock, "Deep Learning for Computer Vision with Python", practitioner bundle, chapter 5.

    Example:
        >>> Surgery((224, 224, 3), 17).count_params()
        21141841
    """
    class_count(classes, end)
    sizes(hidden=hidden)
    body = body_of(base, input_shape, base_arguments, cut)
    unit = Unit(activation, initializer=initializer, reg=reg)
    outputs = attach(body.output, classes, unit, hidden, dropout, pool, end)
    return keras.Model(body.inputs[0], outputs, name=name)


def body_of(
    base: str,
    input_shape: Sequence[int],
    base_arguments: Mapping[str, Any] | None = None,
    cut: str | None = None,
) -> keras.Model:
    """Build a classifier without its end; see ``Surgery`` for the arguments.

    Raises:
        SightkitError: no such base or layer, or arguments that are no mapping.
    """
    if not isinstance(base_arguments, (Mapping, NoneType)):
        raise SightkitError("base_arguments must be a mapping.", base_arguments=base_arguments)
    arguments = dict(base_arguments or {})
    topless = "include_top" in inspect.signature(builder_of(base)).parameters and cut is None
    if topless:
        arguments["include_top"] = False

    def features() -> keras.Model:
        body = build(base, input_shape=input_shape, classes=2, **arguments)
        names = [layer.name for layer in body.layers]
        if cut is not None and cut not in names:
            raise SightkitError(
                "cut must name a layer of the base.", f"It has {', '.join(names)}.", cut=cut
            )
        if topless:
            return body
        end = body.get_layer("logits").input if cut is None else body.get_layer(cut).output
        return keras.Model(body.inputs[0], end)

    return only_used(features)
