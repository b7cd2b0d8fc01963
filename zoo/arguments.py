"""Checks of builders' arguments, made before the first layer."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Iterable, Sequence

from sightkit._errors import SightkitError

Padding = int | str
Window = tuple[int, int, Padding]


CHANNELS = (1, 3, 4)
"""Of images: grey, RGB, RGB with alpha."""


def integer(value: object) -> int | None:
    """Return a value as an integer, NumPy's included; None where it is none (True is none)."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def at_least(minimum: int, value: object) -> bool:
    """Return True if a value is an integer, and not below a minimum."""
    found = integer(value)
    return found is not None and found >= minimum


def number(value: object) -> float | None:
    """The finite number that a value is, NumPy's included; None where it is none."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return float(value) if real and math.isfinite(value) else None  # type: ignore[arg-type]


def image_shape(
    input_shape: Sequence[int],
    minimum: int = 1,
    multiple: int = 1,
    *,
    features: bool = False,
    argument: str = "input_shape",
) -> tuple[int, int, int]:
    """Check (height, width, channels) and return it as a tuple.

    Channels first is recognized by 1, 3 or 4 followed by two larger numbers: no image is 3 pixels
    high and has 32 channels. Feature maps may be and have, so a head takes any shape; (1, 1, 512)
    and (3, 3, 2048) are taken by every network.

    Args:
        input_shape: channels-last shape of one image.
        minimum: the smallest height and width that the topology allows.
        multiple: height and width must be divisible by this.
        features: whether feature maps are meant, not images.
        argument: what messages call it.

    Raises:
        SightkitError: not three positive sizes, channels first, too small, or indivisible.
    """
    shape = _three_sizes(input_shape, argument)
    height, width, channels = shape
    if not features and height in CHANNELS and min(width, channels) > max(CHANNELS):
        raise SightkitError(
            f"You passed {shape}; sightkit is channels-last.",
            f"Give {argument}=({width}, {channels}, {height}).",
            **{argument: shape},
        )
    nearest = (_fitting(height, minimum, multiple), _fitting(width, minimum, multiple), channels)
    if nearest != shape:
        rule = f"This network needs images of at least {minimum}x{minimum} pixels"
        rule += f", both sides divisible by {multiple}." if multiple > 1 else "."
        raise SightkitError(
            rule, f"The nearest size that works is {argument}={nearest}.", **{argument: shape}
        )
    return shape


def _three_sizes(value: object, argument: str) -> tuple[int, int, int]:
    entries = tuple(value) if isinstance(value, Iterable) else ()
    found = [size for entry in entries if (size := integer(entry)) is not None and size > 0]
    if len(entries) != 3 or len(found) != 3:
        raise SightkitError(
            f"{argument} must be (height, width, channels), three positive integers.",
            f"Give, for example, {argument}=(28, 28, 1).",
            **{argument: value},
        )
    return found[0], found[1], found[2]


def _fitting(size: int, minimum: int, multiple: int) -> int:
    """The multiple of ``multiple`` that is nearest to ``size`` and not below ``minimum``."""
    below = size // multiple * multiple
    rounded = below if size - below <= below + multiple - size else below + multiple
    smallest = -(-minimum // multiple) * multiple
    return max(rounded, smallest)


def smallest_input(windows: Iterable[Window]) -> int:
    """The smallest side from which a chain of windows still leaves a pixel.

    Args:
        windows: (kernel, stride, padding) of each convolution or pooling, from the image on;
            padding is ``"same"``, ``"valid"`` or pixels a side.

    Returns:
        Side in pixels: (W - F + 2P) / S + 1 solved for W, from the last window to the first.
    """
    size = 1
    for kernel, stride, padding in reversed(list(windows)):
        if padding == "same":
            size = (size - 1) * stride + 1
        else:
            pixels = 0 if padding == "valid" else int(padding)
            size = max(1, (size - 1) * stride + kernel - 2 * pixels)
    return size


ENDS = ("softmax", "sigmoid", "sigmoids", "linear")
"""See ``classifier_head.End``."""


def class_count(classes: int, end: str = "softmax") -> int:
    """Check the number of classes of a network, or of the numbers that it regresses.

    Raises:
        SightkitError: no integer, an unknown end, or fewer or more classes than the end takes.
    """
    count = integer(classes)
    if count is None:
        raise SightkitError("classes must be an integer.", classes=classes)
    one_of(ENDS, end=end)
    if count < 2 and end != "linear":
        raise SightkitError(
            "A classifier needs at least 2 classes.",
            'Count the distinct labels of your data set; one sigmoid (end="sigmoid") tells two '
            'classes apart, end="linear" regresses one number.',
            classes=classes,
        )
    if count < 1 or (count > 2 and end == "sigmoid"):
        raise SightkitError(
            "One sigmoid tells two classes apart, and a regression has at least one number.",
            'Let it end in end="softmax", or in end="sigmoids", a sigmoid a class.',
            classes=classes,
            end=end,
        )
    return count


def drop_rates(dropout: float | Sequence[float], places: int) -> tuple[float, ...]:
    """One share to drop for each place of the network; a single number counts for all.

    Raises:
        SightkitError: another number of rates than places, or a rate outside [0, 1).
    """
    entries = tuple(dropout) if isinstance(dropout, (list, tuple)) else (dropout,) * places
    rates = [rate for entry in entries if (rate := number(entry)) is not None and 0 <= rate < 1]
    single = not isinstance(dropout, (list, tuple))
    if len(entries) != places or len(rates) != places or (single and number(dropout) is None):
        raise SightkitError(
            f"dropout must be one share in [0, 1), or {places} of them, one a place.",
            "It is the share that is dropped, not the one that remains; 0 switches it off.",
            dropout=dropout,
        )
    return tuple(rates)


def positive(**arguments: int) -> None:
    """Check that each argument is a positive integer.

    Raises:
        SightkitError: one is not; the message names it.
    """
    for name, value in arguments.items():
        if not at_least(1, value):
            raise SightkitError(f"{name} must be a positive integer.", "", **{name: value})


def positive_number(**arguments: float) -> None:
    """Check that each argument is a number above zero.

    Raises:
        SightkitError: one is not; the message names it.
    """
    for name, value in arguments.items():
        if (number(value) or 0) <= 0:
            raise SightkitError(f"{name} must be a positive number.", "", **{name: value})


def sizes(**tables: Sequence[int]) -> None:
    """Check that each argument is a list of positive integers; it may be empty.

    Raises:
        SightkitError: one is not; the message names it.
    """
    for name, table in tables.items():
        listed = isinstance(table, (list, tuple))
        if not listed or not all(at_least(1, entry) for entry in table):
            raise SightkitError(
                f"{name} must be a list of positive integers.",
                "A single one needs its comma: (256,).",
                **{name: table},
            )


def same_length(**tables: Sequence[object]) -> int:
    """Check that tables which describe the same stages are equally long; return that length.

    Raises:
        SightkitError: they are not, or they are empty.
    """
    lengths = {len(table) for table in tables.values()}
    if len(lengths) != 1 or lengths == {0}:
        counts = ", ".join(f"{name} has {len(table)}" for name, table in tables.items())
        raise SightkitError(
            f"{' and '.join(tables)} must have one entry a stage each ({counts}).",
            "Add or remove entries until they agree.",
            **tables,
        )
    return lengths.pop()


def one_of(options: Iterable[object], **argument: object) -> None:
    """Check that an argument is one of a few values.

    Raises:
        SightkitError: it is not; the values are listed.
    """
    allowed = list(options)
    for name, value in argument.items():
        if value not in allowed:
            listed = ", ".join(map(repr, allowed))
            raise SightkitError(f"{name} must be one of {listed}.", "", **{name: value})
