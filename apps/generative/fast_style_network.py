"""A network that paints a photo in one pass, in the style that it was trained for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from sightkit._errors import SightkitError
from sightkit.apps.generative import fast_style_entry  # noqa: F401 - registered needs it
from sightkit.zoo.arguments import positive, sizes
from sightkit.zoo.registry import registered

STRIDE = 4
"""Both sides of a photo are multiples of it."""
FURTHEST = 150.0
"""Grey levels by which a pixel can change."""


@registered
def FastStyle(
    input_shape: Sequence[int | None],
    *,
    filters: Sequence[int] = (16, 32, 64),
    blocks: int = 3,
    name: str = "fast_style",
) -> keras.Model:
    """Down twice, residual blocks, up twice; the photo is added to what comes out.

    ============== ============================================== ===================
    layer          kind                                           output for 32x32x3
    ============== ============================================== ===================
    first          16 filters 9x9                                 32x32x16
    down1, down2   32, 64 filters 3x3, stride 2                   8x8x64
    block1-block3  two convolutions 3x3 of 64 filters, added      8x8x64
    up1, up2       nearest neighbours twice, 32, 16 filters 3x3   32x32x16
    change         3 filters 9x9, tanh, times 150                 32x32x3
    picture        photo and change, added                        32x32x3
    ============== ============================================== ===================

    Each convolution but the last is normalized over its own picture (instance normalization). The
    last one begins as zeros: an untrained network gives the photo back.

    Args:
        input_shape: (height, width, 3); both sides multiples of 4, or None for any.
        filters: of the three sizes.
        blocks: residual blocks.
        name: name of the model.

    Returns:
        Uncompiled model: float32 (N, H, W, 3), 0 to 255, to the same, not clipped.

    Raises:
        SightkitError: an argument out of range.

    Reference:
        Johnson, Alahi, Fei-Fei, "Perceptual losses for real-time style transfer and
        super-resolution", 2016, with Ulyanov et al., "Instance normalization", 2016, and Odena et
        al., "Deconvolution and checkerboard artifacts", 2016. Differs on purpose: half the filters,
        three blocks of five, and the photo added.
    """
    shape = tuple(input_shape)
    fits = all(side is None or (side > 0 and side % STRIDE == 0) for side in shape[:2])
    if len(shape) != 3 or shape[2] != 3 or not fits:
        raise SightkitError(
            f"A picture is (height, width, 3), its sides multiples of {STRIDE}, or None for any.",
            "Give input_shape=(256, 256, 3), for example.",
            input_shape=shape,
        )
    sizes(filters=filters)
    positive(blocks=blocks)
    if len(filters) != 3:
        raise SightkitError("There are filters for three sizes.", filters=filters)

    def convolution(x: Any, width: int, kernel: int, stride: int, label: str) -> Any:
        x = layers.Conv2D(width, kernel, stride, padding="same", use_bias=False, name=label)(x)
        return layers.GroupNormalization(-1, epsilon=1e-5, name=f"{label}_norm")(x)

    def active(x: Any, width: int, kernel: int, stride: int, label: str) -> Any:
        x = convolution(x, width, kernel, stride, label)
        return layers.ReLU(name=f"{label}_relu")(x)

    wide, middle, deep = filters
    photo = keras.Input(shape, name="photo")
    x = layers.Rescaling(1 / 127.5, -1, name="centred")(photo)
    x = active(x, wide, 9, 1, "first")
    x = active(x, middle, 3, 2, "down1")
    x = active(x, deep, 3, 2, "down2")
    for number in range(1, blocks + 1):
        inner = active(x, deep, 3, 1, f"block{number}_conv1")
        inner = convolution(inner, deep, 3, 1, f"block{number}_conv2")
        x = layers.Add(name=f"block{number}")([x, inner])
    for number, width in enumerate((middle, wide), start=1):
        x = layers.UpSampling2D(2, name=f"larger{number}")(x)
        x = active(x, width, 3, 1, f"up{number}")
    x = layers.Conv2D(
        3, 9, padding="same", kernel_initializer="zeros", activation="tanh", name="change"
    )(x)
    x = layers.Rescaling(FURTHEST, name="levels", dtype="float32")(x)
    return keras.Model(photo, layers.Add(name="picture", dtype="float32")([photo, x]), name=name)
