"""The Inception module of GoogLeNet and its table, shared by GoogLeNet and DeeperGoogLeNet."""

from __future__ import annotations

from typing import Any

from keras import layers

from sightkit.zoo.unit import Unit

# 1x1; 1x1 before 3x3, 3x3; 1x1 before 5x5, 5x5; 1x1 after the pooling (Szegedy et al., table 1).
FILTERS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def inception(x: Any, unit: Unit, stage: str) -> Any:
    """Four branches side by side, concatenated along the channels.

    Args:
        x: (N, H, W, C).
        unit: how convolutions are made.
        stage: key of ``FILTERS``.

    Returns:
        (N, H, W, sum of the branches); layers are named ``inception_3a_…``.
    """
    ones, before_threes, threes, before_fives, fives, after_pool = FILTERS[stage]
    name = f"inception_{stage}"
    first = unit.convolution(x, ones, 1, name=f"{name}_1x1")
    second = unit.convolution(x, before_threes, 1, name=f"{name}_3x3_reduce")
    second = unit.convolution(second, threes, 3, name=f"{name}_3x3")
    third = unit.convolution(x, before_fives, 1, name=f"{name}_5x5_reduce")
    third = unit.convolution(third, fives, 5, name=f"{name}_5x5")
    fourth = layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}_pool")(x)
    fourth = unit.convolution(fourth, after_pool, 1, name=f"{name}_pool_proj")
    return layers.Concatenate(name=name)([first, second, third, fourth])


def halve(x: Any, name: str) -> Any:
    """Maximum 3x3 with stride 2; "same" reads every pixel, as Caffe's rounding up did."""
    return layers.MaxPooling2D(3, strides=2, padding="same", name=name)(x)
