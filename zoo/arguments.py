"""Checks of builders' arguments, made before the first layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sightkit._errors import SightkitError

Padding = int | str
Window = tuple[int, int, Padding]


def image_shape(
    input_shape: Sequence[int], minimum: int = 1, multiple: int = 1
) -> tuple[int, int, int]:
    """Check (height, width, channels) and return it as a tuple.

    Args:
        input_shape: channels-last shape of one image.
        minimum: the smallest height and width that the topology allows.
        multiple: height and width must be divisible by this.

    Raises:
        SightkitError: not three positive sizes, channels first, too small, or indivisible.
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
    nearest = (_fitting(height, minimum, multiple), _fitting(width, minimum, multiple), channels)
    if nearest != shape:
        rule = f"This network needs images of at least {minimum}x{minimum} pixels"
        rule += f", both sides divisible by {multiple}." if multiple > 1 else "."
        raise SightkitError(
            rule, f"The nearest size that works is input_shape={nearest}.", input_shape=shape
        )
    return height, width, channels


def _fitting(size: int, minimum: int, multiple: int) -> int:
    """The multiple of ``multiple`` that is nearest to ``size`` and not below ``minimum``."""
    below = size // multiple * multiple
    rounded = below if size - below <= below + multiple - size else below + multiple
    smallest = -(-minimum // multiple) * multiple
    return max(rounded, smallest)


def smallest_input(windows: Iterable[Window], output: int = 1) -> int:
    """The smallest side from which a chain of windows still leaves ``output`` pixels.

    Args:
        windows: (kernel, stride, padding) of each convolution or pooling, from the image on;
            padding is ``"same"``, ``"valid"`` or pixels a side.
        output: side of the map that the last window must leave.

    Returns:
        Side in pixels: (W - F + 2P) / S + 1 solved for W, from the last window to the first.
    """
    size = output
    for kernel, stride, padding in reversed(list(windows)):
        if padding == "same":
            size = (size - 1) * stride + 1
        else:
            pixels = 0 if padding == "valid" else int(padding)
            size = max(1, (size - 1) * stride + kernel - 2 * pixels)
    return size


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


def drop_rates(dropout: float | Sequence[float], places: int) -> tuple[float, ...]:
    """One share to drop for each place of the network; a single number counts for all.

    Raises:
        SightkitError: another number of rates than places, or a rate outside [0, 1).
    """
    rates = (
        (float(dropout),) * places
        if isinstance(dropout, (int, float))
        else tuple(map(float, dropout))
    )
    if len(rates) != places or not all(0 <= rate < 1 for rate in rates):
        raise SightkitError(
            f"dropout must be one share in [0, 1), or {places} of them, one a place.",
            "It is the share that is dropped, not the one that is kept; 0 switches it off.",
            dropout=dropout,
        )
    return rates


def positive(**sizes: int | Sequence[int]) -> None:
    """Check that each number, or each number of a table, is a positive integer.

    Raises:
        SightkitError: one is not; the message names it.
    """
    for name, value in sizes.items():
        entries = value if isinstance(value, (list, tuple)) else (value,)
        if not all(isinstance(entry, int) and entry > 0 for entry in entries):
            raise SightkitError(f"{name} must hold positive integers.", "", **{name: value})


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
