"""Networks that read a whole captcha, without cutting it: a head a character, or CTC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from sightkit.apps.captcha import text_entries as text_entries  # what builders are named by
from sightkit.zoo.arguments import class_count, sizes
from sightkit.zoo.classifier_head import drop, image_input, probabilities
from sightkit.zoo.registry import registered
from sightkit.zoo.unit import Unit

FILTERS = (32, 64, 128, 128)
WINDOWS = ((2, 2), (2, 2), (2, 1), None)
"""Poolings of the blocks; the last one sees what is beside a column."""
SMALLEST = 8
"""Pixels that the poolings leave one of."""


@registered
def CaptchaHeads(
    input_shape: Sequence[int],
    classes: int,
    length: int,
    *,
    filters: Sequence[int] = FILTERS,
    dropout: float = 0.3,
    name: str = "captcha_heads",
) -> keras.Model:
    """Texts of one length by a head a place: 1,126,176 parameters for 24x72x1, 4 of 32 characters.

    =============== ========================================== =================
    layer           kind                                       output for 24x72x1
    =============== ========================================== =================
    block1          32 filters 3x3, same; maximum 2x2          12x36x32
    block2          64 filters 3x3, same; maximum 2x2          6x18x64
    block3          128 filters 3x3, same; maximum 2x1         3x18x128
    block4          128 filters 3x3, same                      3x18x128
    logits          ``length`` heads, a Dense on all of it     4x32
    =============== ========================================== =================

    Each convolution is followed by batch normalization and ReLU; only the first two poolings halve
    the width.

    Args:
        input_shape: (height, width, channels), at least 8 pixels a side.
        classes: characters of the alphabet.
        length: characters of a text.
        filters: of each block.
        dropout: share of the body's outputs dropped.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C), scaled to [0, 1], to float32 (N, length, classes):
        probabilities of each place's character.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Goodfellow et al., "Multi-digit number recognition from street view imagery using deep
        convolutional neural networks", 2014 (without its head for the length).
    """
    sizes(filters=filters, length=[length])
    images = image_input(input_shape, classes, minimum=SMALLEST)
    x = layers.Flatten(name="flatten")(_body(images, filters))
    x = drop(x, dropout, "dropout")
    x = Unit(activation=None).dense(x, length * classes, name="logits")
    x = layers.Reshape((length, classes), name="heads")(x)
    return keras.Model(images, probabilities(x), name=name)


@registered
def CaptchaCTC(
    input_shape: Sequence[int],
    classes: int,
    *,
    filters: Sequence[int] = FILTERS,
    dropout: float = 0.3,
    name: str = "captcha_ctc",
) -> keras.Model:
    """One classifier for each column of the body: texts of any length, by CTC.

    The body is that of ``CaptchaHeads``: a column for every four pixels of the width, 254,017
    parameters in all for 24x72x1 and 32 characters. Class 0 is CTC's blank, class k + 1 is
    character k.

    Args:
        input_shape: (height, width, channels), at least 8 pixels a side; a text of n characters
            needs 2 n - 1 columns at worst.
        classes: characters of the alphabet, without the blank.
        filters: of each block.
        dropout: share of the body's outputs dropped.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, C), scaled to [0, 1], to float32 (N, W / 4,
        classes + 1), probabilities of each column's character or blank.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Graves et al., "Connectionist temporal classification", 2006; without recurrence.
    """
    sizes(filters=filters)
    images = image_input(input_shape, classes, minimum=SMALLEST)
    x = layers.Permute((2, 1, 3), name="columns")(_body(images, filters))
    x = layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]), name="column_features")(x)
    x = drop(x, dropout, "dropout")
    x = Unit(activation=None).dense(x, class_count(classes) + 1, name="logits")
    return keras.Model(images, probabilities(x), name=name)


def _body(images: Any, filters: Sequence[int]) -> Any:
    """Feature maps (N, H / 8, W / 4, filters) of images."""
    unit = Unit(normalization="batch", norm_before_activation=True, use_bias=False, momentum=0.9)
    x = images
    for number, (width, window) in enumerate(zip(filters, WINDOWS, strict=False), start=1):
        x = unit.convolution(x, width, 3, name=f"block{number}_conv")
        if window:
            x = layers.MaxPooling2D(window, name=f"block{number}_pool")(x)
    return x
