"""Multilayer perceptron."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from sightkit._errors import SightkitError
from sightkit.zoo.arguments import at_least, class_count, drop_rates, image_shape, sizes
from sightkit.zoo.classifier_head import End, classify, drop
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit


@registered
def MLP(
    input_shape: Sequence[int],
    classes: int,
    *,
    hidden: Sequence[int] = (512, 512),
    activation: Activation = "relu",
    normalization: str | None = None,
    norm_before_activation: bool = False,
    initializer: Initializer = "glorot_uniform",
    reg: Regularization = 0.0,
    dropout: float | Sequence[float] = 0.0,
    end: End = "softmax",
    name: str = "mlp",
) -> keras.Model:
    """Dense layers alone: 784-512-512-10 has 401,920 + 262,656 + 5,130 = 669,706 parameters.

    ============== ================== =============
    layer          kind               output
    ============== ================== =============
    flatten        (images only)      H·W·C
    dense1, …      one a hidden size  512, 512
    logits         classes            classes
    ============== ================== =============

    Args:
        input_shape: (height, width, channels), or (features,).
        classes: number of classes.
        hidden: neurons of each hidden layer; may be empty (softmax regression).
        activation, normalization, norm_before_activation, initializer, reg: see ``unit.Unit``.
        dropout: share dropped after each hidden layer: one number, or one a layer.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, …), scaled to [0, 1], to float32 (N, classes) probabilities.

    Raises:
        SightkitError: shape, number of classes or another argument out of range.

    Reference:
        Elgendy, "Deep Learning for Vision Systems", chapter 3 (512, 512, ReLU); the starter notes'
        784-256-128-10 and 3072-1024-512-10 are ``hidden=(256, 128)`` and ``(1024, 512)`` with
        ``activation="sigmoid"``.

    Example:
        >>> MLP((28, 28, 1), 10).count_params()
        669706
    """
    shape = _features_or_image(input_shape)
    class_count(classes, end)
    sizes(hidden=hidden)
    rates = drop_rates(dropout, len(hidden))
    unit = Unit(activation, normalization, norm_before_activation, initializer, reg)
    images = keras.Input(shape, name="images")
    x = layers.Flatten(name="flatten")(images) if len(shape) > 1 else images
    for number, (units, rate) in enumerate(zip(hidden, rates, strict=True), start=1):
        x = unit.dense(x, units, name=f"dense{number}")
        x = drop(x, rate, f"dropout{number}")
    return keras.Model(
        images, classify(x, classes, initializer=initializer, reg=reg, end=end), name=name
    )


def _features_or_image(input_shape: Sequence[int]) -> tuple[int, ...]:
    if not isinstance(input_shape, (list, tuple)) or len(input_shape) != 1:
        return image_shape(input_shape)
    if not at_least(1, input_shape[0]):
        raise SightkitError("A row of features needs at least one.", input_shape=input_shape)
    return tuple(input_shape)
