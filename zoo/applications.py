"""Networks whose topology is taken from keras.applications: entries of one table.

They are built without weights, through Keras' own functions, and end as all classifiers here do,
in ``logits`` and ``predictions``. ``model.get_weights()`` has the order of
``keras.applications``' own network with its top, and the same shapes (MobileNet's classifier is a
1x1 convolution there: reshape it).
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Sequence

import keras
from keras import layers

from sightkit.zoo.arguments import drop_rates, positive_number
from sightkit.zoo.batch_normalization import BatchNormalization
from sightkit.zoo.budget import shapes_alone
from sightkit.zoo.classifier_head import End, classify, drop, image_input
from sightkit.zoo.registry import registered


@registered
def InceptionV3(
    input_shape: Sequence[int],
    classes: int,
    *,
    include_top: bool = True,
    dropout: float = 0.0,
    end: End = "softmax",
    name: str = "inception_v3",
) -> keras.Model:
    """Inception v3: 23,851,784 parameters for 299x299x3 → 1000; images scaled to [-1, 1].

    Args:
        input_shape: (height, width, channels), at least 75x75.
        classes: number of classes.
        include_top: False ends with the last feature maps.
        dropout: share dropped before the classifier.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, classes) probabilities.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Szegedy et al., "Rethinking the Inception architecture for computer vision", 2015.
    """
    builder = keras.applications.InceptionV3
    return _build(builder, 75, input_shape, classes, include_top, dropout, name, end)


@registered
def Xception(
    input_shape: Sequence[int],
    classes: int,
    *,
    include_top: bool = True,
    dropout: float = 0.0,
    end: End = "softmax",
    name: str = "xception",
) -> keras.Model:
    """Xception: 22,910,480 parameters for 299x299x3 → 1000; images scaled to [-1, 1].

    Args:
        input_shape: (height, width, channels), at least 71x71.
        classes: number of classes.
        include_top: False ends with the last feature maps.
        dropout: share dropped before the classifier.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, classes) probabilities.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Chollet, "Xception: deep learning with depthwise separable convolutions", 2016.
    """
    builder = keras.applications.Xception
    return _build(builder, 71, input_shape, classes, include_top, dropout, name, end)


@registered
def MobileNet(
    input_shape: Sequence[int],
    classes: int,
    *,
    alpha: float = 1.0,
    include_top: bool = True,
    dropout: float = 1e-3,
    end: End = "softmax",
    name: str = "mobilenet",
) -> keras.Model:
    """MobileNet of width alpha: 4,253,864 parameters for 224x224x3 → 1000 at 1.0.

    Args:
        input_shape: (height, width, channels), at least 32x32; scaled to [-1, 1].
        classes: number of classes.
        alpha: width of every layer: 0.25, 0.5, 0.75 and 1.0 have published weights.
        include_top: False ends with the last feature maps.
        dropout: share dropped before the classifier.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, classes) probabilities.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision
        applications", 2017.
    """
    positive_number(alpha=alpha)
    builder = functools.partial(keras.applications.MobileNet, alpha=alpha)
    return _build(builder, 32, input_shape, classes, include_top, dropout, name, end)


@registered
def MobileNetV2(
    input_shape: Sequence[int],
    classes: int,
    *,
    alpha: float = 1.0,
    include_top: bool = True,
    dropout: float = 0.0,
    end: End = "softmax",
    name: str = "mobilenetv2",
) -> keras.Model:
    """MobileNet v2 of width alpha: 3,538,984 parameters for 224x224x3 → 1000 at 1.0.

    Args:
        input_shape: (height, width, channels), at least 32x32; scaled to [-1, 1].
        classes: number of classes.
        alpha: width: 0.35, 0.5, 0.75, 1.0, 1.3 and 1.4 have published weights.
        include_top: False ends with the last feature maps.
        dropout: share dropped before the classifier.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) to float32 (N, classes) probabilities.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", 2018.
    """
    positive_number(alpha=alpha)
    builder = functools.partial(keras.applications.MobileNetV2, alpha=alpha)
    return _build(builder, 32, input_shape, classes, include_top, dropout, name, end)


def _build(
    builder: Callable[..., keras.Model],
    minimum: int,
    input_shape: Sequence[int],
    classes: int,
    include_top: bool,
    dropout: float,
    name: str,
    end: End,
) -> keras.Model:
    images = image_input(input_shape, classes, minimum=minimum, end=end)
    (rate,) = drop_rates(dropout, 1)
    pooling = "avg" if include_top else None
    with shapes_alone():  # of what is cloned
        body = builder(weights=None, include_top=False, input_tensor=images, pooling=pooling)
    body = keras.models.clone_model(body, clone_function=_cloning())
    x = body.output
    if include_top:
        x = classify(drop(x, rate, "dropout"), classes, end=end)
    return keras.Model(body.inputs[0], x, name=name)


def _cloning() -> Callable[[layers.Layer], layers.Layer]:
    """Return what copies layers: batch normalization becomes ours, and names become stable.

    Where Keras left the name to a counter of the process (``conv2d_94``), the number is
    counted anew here, so that two builds have the same names.
    """
    counts: Counter[str] = Counter()

    def cloned(layer: layers.Layer) -> layers.Layer:
        ours = BatchNormalization if type(layer) is layers.BatchNormalization else type(layer)
        config = layer.get_config()
        kind = re.sub(r"_\d+$", "", layer.name)
        if kind.replace("_", "") == type(layer).__name__.lower():
            config["name"] = f"{kind}_{counts[kind]}" if counts[kind] else kind
            counts[kind] += 1
        return ours.from_config(config)

    return cloned
