"""DCGAN's two networks, as the practitioners' book builds them for MNIST."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
from keras import layers

from sightkit._errors import SightkitError
from sightkit.zoo.arguments import drop_rates, image_shape, positive, sizes
from sightkit.zoo.classifier_head import drop, probabilities
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Unit


@registered
def DCGANGenerator(
    output_shape: Sequence[int] = (28, 28, 1),
    *,
    noise: int = 100,
    hidden: int | None = 512,
    filters: Sequence[int] = (64, 32),
    kernel: int = 5,
    activation: Activation = "relu",
    initializer: Initializer = "glorot_uniform",
    name: str = "dcgan_generator",
) -> keras.Model:
    """Noise to image: 1,727,233 parameters for 100 → 28x28x1, of which 7,360 are not trained.

    ============ =========================================== ===================
    layer        kind                                        output for 28x28x1
    ============ =========================================== ===================
    dense1       512, ReLU, BN                               512
    dense2       7·7·64, ReLU, BN                            3136
    reshape                                                  7x7x64
    up1          32 filters 5x5 transposed, stride 2         14x14x32
    images       channels 5x5 transposed, stride 2, tanh     28x28x1
    ============ =========================================== ===================

    Args:
        output_shape: (height, width, channels) of the images; sides divisible by 4.
        noise: length of a noise vector.
        hidden: neurons of the first dense layer; None for no dense layer: the first map is a
            transposed convolution of the noise.
        filters: of the first map and of the first transposed convolution.
        kernel: side of the transposed convolutions' kernels; 4, which their stride divides, draws
            no chequerboard.
        activation, initializer: see ``unit.Unit``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, noise), standard normal or uniform, to float32 (N, H, W, C)
        images in [-1, 1].

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Radford, Metz, Chintala, 2015, in the form of Rosebrock's practitioner bundle: with dense
        layers, and kernels of 5 with stride 2, which draw a faint chequerboard (the kernel is not
        divisible by the stride). ``hidden=None, kernel=4`` follows the paper's guidelines.

    Example:
        >>> DCGANGenerator((28, 28, 1)).count_params()
        1727233
    """
    height, width, channels = image_shape(
        output_shape, minimum=4, multiple=4, argument="output_shape"
    )
    positive(noise=noise, kernel=kernel, **({} if hidden is None else {"hidden": hidden}))
    sizes(filters=filters)
    if len(filters) != 2:
        raise SightkitError("The generator has two numbers of filters.", filters=filters)
    unit = Unit(activation, "batch", initializer=initializer)
    inputs = keras.Input((noise,), name="noise")
    map_size = height // 4, width // 4
    if hidden is None:
        x = layers.Reshape((1, 1, noise), name="reshape")(inputs)
        x = unit.transposed(x, filters[0], map_size, 1, name="project", padding="valid")
    else:
        x = unit.dense(inputs, hidden, name="dense1")
        x = unit.dense(x, map_size[0] * map_size[1] * filters[0], name="dense2")
        x = layers.Reshape((*map_size, filters[0]), name="reshape")(x)
    x = unit.transposed(x, filters[1], kernel, 2, name="up1")
    bare = Unit(activation=None, initializer=initializer)
    x = bare.transposed(x, channels, kernel, 2, name="up2")
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(inputs, images, name=name)


@registered
def DCGANDiscriminator(
    input_shape: Sequence[int] = (28, 28, 1),
    *,
    filters: Sequence[int] = (32, 64),
    hidden: int | None = 512,
    kernel: int = 5,
    activation: Activation = ("leaky_relu", 0.2),
    normalization: str | None = None,
    dropout: float = 0.0,
    initializer: Initializer = "glorot_uniform",
    name: str = "dcgan_discriminator",
) -> keras.Model:
    """Image to the probability that it is real: 1,658,753 parameters for 28x28x1.

    ============ ======================================== ==================
    layer        kind                                     output for 28x28x1
    ============ ======================================== ==================
    conv1        32 filters 5x5, stride 2, leaky ReLU     14x14x32
    conv2        64 filters 5x5, stride 2, leaky ReLU     7x7x64
    dense1       512, leaky ReLU                          512
    logits       1                                        1
    predictions  sigmoid                                  1
    ============ ======================================== ==================

    Args:
        input_shape: (height, width, channels), any size.
        filters: of the two convolutions.
        hidden: neurons of the dense layer; None for no dense layer: the logit is a convolution of
            the last map.
        kernel: side of the convolutions' kernels.
        activation, initializer: see ``unit.Unit``.
        normalization: of all layers but the first, see ``unit.Unit``; the paper's is ``"batch"``.
        dropout: share dropped after each convolution.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) images in [-1, 1] to float32 (N, 1) probabilities.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        See ``DCGANGenerator``. ``hidden=None, kernel=4, normalization="batch"`` follows the
        paper's guidelines.

    Example:
        >>> DCGANDiscriminator((28, 28, 1)).count_params()
        1658753
    """
    shape = image_shape(input_shape)
    positive(kernel=kernel, **({} if hidden is None else {"hidden": hidden}))
    sizes(filters=filters)
    (rate,) = drop_rates(dropout, 1)
    bare, first = Unit(None, initializer=initializer), Unit(activation, initializer=initializer)
    unit = replace(first, normalization=normalization)
    images = keras.Input(shape, name="images")
    x: Any = images
    for number, width in enumerate(filters, start=1):
        layer = first if number == 1 else unit
        x = layer.convolution(x, width, kernel, strides=2, name=f"conv{number}")
        x = drop(x, rate, f"conv{number}_dropout")
    if hidden is None:
        x = bare.convolution(x, 1, tuple(x.shape[1:3]), padding="valid", name="logits_map")
        x = layers.Flatten(name="logits")(x)
    else:
        x = layers.Flatten(name="flatten")(x)
        x = unit.dense(x, hidden, name="dense1")
        x = bare.dense(x, 1, name="logits")
    return keras.Model(images, probabilities(x, end="sigmoid"), name=name)
