"""Checks of builders' arguments, made before the first layer."""

from __future__ import annotations

from collections.abc import Sequence

from sightkit._errors import SightkitError


def image_shape(input_shape: Sequence[int], minimum: int = 1) -> tuple[int, int, int]:
    """Check (height, width, channels) and return it as a tuple.

    Args:
        input_shape: channels-last shape of one image.
        minimum: the smallest height and width that the topology allows.

    Raises:
        SightkitError: not three positive sizes, channels first, or too small.
    """
    shape = tuple(input_shape)
    if len(shape) != 3 or not all(isinstance(size, int) and size > 0 for size in shape):
        raise SightkitError(
            "input_shape must be (height, width, channels), three positive integers.",
            "Give, for example, input_shape=(28, 28, 1).",
            input_shape=shape,
        )
    height, width, channels = shape
    if height in (1, 3) and channels > 4:
        raise SightkitError(
            f"You passed {shape}; sightkit is channels-last.",
            f"Give input_shape=({width}, {channels}, {height}).",
            input_shape=shape,
        )
    if min(height, width) < minimum:
        nearest = (max(height, minimum), max(width, minimum), channels)
        raise SightkitError(
            f"This network needs images of at least {minimum}x{minimum} pixels.",
            f"The nearest size that works is input_shape={nearest}.",
            input_shape=shape,
        )
    return height, width, channels


def class_count(classes: int) -> int:
    """Check the number of classes of a softmax classifier.

    Raises:
        SightkitError: fewer than two.
    """
    if not isinstance(classes, int) or classes < 2:
        raise SightkitError(
            "A softmax classifier needs at least 2 classes.",
            "Count the distinct labels of your data set.",
            classes=classes,
        )
    return classes
