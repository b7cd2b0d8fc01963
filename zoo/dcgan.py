"""DCGAN's two networks, as the practitioners' book builds them for MNIST."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from sightkit._errors import SightkitError
from sightkit.zoo.arguments import image_shape, positive, sizes
from sightkit.zoo.classifier_head import probabilities
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Unit


@registered
def DCGANGenerator(
    output_shape: Sequence[int] = (28, 28, 1),
    *,
    noise: int = 100,
    hidden: int = 512,
    filters: Sequence[int] = (64, 32),
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
        hidden: neurons of the first dense layer.
        filters: of the first map and of the first transposed convolution.
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
        divisible by the stride).

    Example:
        >>> DCGANGenerator((28, 28, 1)).count_params()
        1727233
    """
    height, width, channels = image_shape(
        output_shape, minimum=4, multiple=4, argument="output_shape"
    )
    positive(noise=noise, hidden=hidden)
    sizes(filters=filters)
    if len(filters) != 2:
        raise SightkitError("The generator has two numbers of filters.", filters=filters)
    unit = Unit(activation, "batch", initializer=initializer)
    inputs = keras.Input((noise,), name="noise")
    x = unit.dense(inputs, hidden, name="dense1")
    x = unit.dense(x, height // 4 * (width // 4) * filters[0], name="dense2")
    x = layers.Reshape((height // 4, width // 4, filters[0]), name="reshape")(x)
    x = unit.transposed(x, filters[1], 5, 2, name="up1")
    x = Unit(activation=None, initializer=initializer).transposed(x, channels, 5, 2, name="up2")
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(inputs, images, name=name)


@registered
def DCGANDiscriminator(
    input_shape: Sequence[int] = (28, 28, 1),
    *,
    filters: Sequence[int] = (32, 64),
    hidden: int = 512,
    activation: Activation = ("leaky_relu", 0.2),
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
        hidden: neurons of the dense layer.
        activation, initializer: see ``unit.Unit``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C) images in [-1, 1] to float32 (N, 1) probabilities.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        See ``DCGANGenerator``.

    Example:
        >>> DCGANDiscriminator((28, 28, 1)).count_params()
        1658753
    """
    shape = image_shape(input_shape)
    positive(hidden=hidden)
    sizes(filters=filters)
    unit = Unit(activation, initializer=initializer)
    images = keras.Input(shape, name="images")
    x = images
    for number, width in enumerate(filters, start=1):
        x = unit.convolution(x, width, 5, strides=2, name=f"conv{number}")
    x = layers.Flatten(name="flatten")(x)
    x = unit.dense(x, hidden, name="dense1")
    x = Unit(activation=None, initializer=initializer).dense(x, 1, name="logits")
    return keras.Model(images, probabilities(x, end="sigmoid"), name=name)
