"""The course notes' pattern of a convolutional network, its numbers given as arguments."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from sightkit._errors import SightkitError
from sightkit.zoo.arguments import at_least, drop_rates, one_of, same_length, sizes, smallest_input
from sightkit.zoo.classifier_head import End, classify, drop, image_input
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Activation, Initializer, Regularization, Unit

POOLINGS = {
    "max": layers.MaxPooling2D,
    "average": layers.AveragePooling2D,
    "strided": None,
    None: None,
}


@registered
def ConvNet(
    input_shape: Sequence[int],
    classes: int,
    *,
    filters: Sequence[int] = (32, 64),
    convolutions: int | Sequence[int] = 2,
    kernel: int | Sequence[int] = 3,
    pooling: str | None = "max",
    hidden: Sequence[int] = (512,),
    activation: Activation = "relu",
    normalization: str | None = None,
    norm_before_activation: bool = False,
    initializer: Initializer = "he_normal",
    reg: Regularization = 0.0,
    dropout: float | Sequence[float] = 0.0,
    end: End = "softmax",
    name: str = "convnet",
) -> keras.Model:
    """INPUT → [(CONV → RELU)·N → POOL?]·M → [FC → RELU]·K → FC.

    M is ``len(filters)``, N is ``convolutions``, K is ``len(hidden)``. The defaults are
    MiniVGGNet's numbers without its normalization and dropout: 2,168,362 parameters for
    32x32x3 → 10.

    =============== ================================== ==================
    layer           kind                               output for 32x32x3
    =============== ================================== ==================
    block1_conv1, … N times filters[0], kernel, same   32x32x32
    block1_pool     2x2, stride 2 (or none)            16x16x32
    block2_…        the same with filters[1], …        8x8x64
    dense1, …       one a number in ``hidden``         512
    logits          classes                            classes
    =============== ================================== ==================

    Args:
        input_shape: (height, width, channels); each pooling halves it.
        classes: number of classes.
        filters: of each block; none for INPUT → FC.
        convolutions: N of every block, or one number a block (0 ≤ N; the notes advise N ≤ 3).
        kernel: side of every block's kernels, or one number a block.
        pooling: ``"max"``, ``"average"``, ``"strided"`` (the block's last convolution takes
            stride 2 in place of a pooling) or None.
        hidden: neurons of each hidden dense layer (the notes advise at most two).
        activation, normalization, norm_before_activation, initializer, reg: see ``unit.Unit``.
        dropout: share dropped after each block and each hidden layer: one number, or M + K.
        end: what it ends in, see ``classifier_head.End``.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C), scaled to [0, 1], to float32 (N, classes)
        probabilities.

    Raises:
        SightkitError: an argument out of range, or tables of unequal length.

    Reference:
        CS231n notes, "ConvNet architectures: layer patterns"; strided convolutions instead of
        pooling: Springenberg et al., "Striving for simplicity", 2014.

    Example:
        >>> ConvNet((32, 32, 3), 10).count_params()
        2168362
    """
    sizes(filters=filters, hidden=hidden)
    counts = _one_a_block(convolutions, len(filters))
    kernels = _one_a_block(kernel, len(filters))
    if not isinstance(counts, (list, tuple)) or not all(at_least(0, n) for n in counts):
        raise SightkitError(
            "convolutions must be integers that are not negative.", convolutions=convolutions
        )
    sizes(kernel=kernels)
    if filters or counts or kernels:
        same_length(filters=filters, convolutions=counts, kernel=kernels)
    one_of(POOLINGS, pooling=pooling)
    pool = POOLINGS[pooling]
    halvings = len(filters) if pool else 0
    rates = iter(drop_rates(dropout, len(filters) + len(hidden)))
    unit = Unit(activation, normalization, norm_before_activation, initializer, reg)

    images = image_input(
        input_shape, classes, minimum=smallest_input([(2, 2, "valid")] * halvings), end=end
    )
    x = images
    for block, (width, count, side) in enumerate(zip(filters, counts, kernels, strict=True), 1):
        for number in range(1, count + 1):
            strides = 2 if pooling == "strided" and number == count else 1
            label = f"block{block}_conv{number}"
            x = unit.convolution(x, width, side, strides=strides, name=label)
        x = pool(2, strides=2, name=f"block{block}_pool")(x) if pool else x
        x = drop(x, next(rates), f"block{block}_dropout")
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate(hidden, start=1):
        x = unit.dense(x, units, name=f"dense{number}")
        x = drop(x, next(rates), f"dense{number}_dropout")
    return keras.Model(
        images, classify(x, classes, initializer=initializer, reg=reg, end=end), name=name
    )


def _one_a_block(value: int | Sequence[int], blocks: int) -> Sequence[int]:
    return [value] * blocks if isinstance(value, int) else value
