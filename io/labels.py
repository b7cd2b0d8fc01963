"""Labels: names to indices and back, one-hot rows, weights of unequal classes.

Formats of this house: a label is an int64 index into a sorted tuple of class names; one-hot rows
exist for those who ask for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from sightkit._errors import SightkitError, few, visible

FEW = 500
"""Images of a class, far under the 1,000 to 5,000 that networks from random weights want."""
SMALLEST_PHOTO = 32
"""Pixels."""
SUM_OFF = 0.01
"""By how much the sum of a row may differ from 1: shares in half precision do."""
LARGEST_WEIGHT = float(np.finfo(np.float32).max)


def encode_labels(
    names: Sequence[str], class_names: Sequence[str] | None = None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Turn names of classes into indices.

    Args:
        names: (N,), the class of each sample.
        class_names: in label order; when left out, the names that occur, sorted. Give those of the
            training set to encode any other: a list made anew may count differently.

    Returns:
        Labels, int64 (N,), and the class names, in label order.

    Raises:
        SightkitError: a name that is not among ``class_names``, or one that occurs there twice.

    Example:
        >>> encode_labels(["dog", "cat", "dog"])
        (array([1, 0, 1]), ('cat', 'dog'))
    """
    known = tuple(sorted(set(names)) if class_names is None else class_names)
    index = {name: label for label, name in enumerate(known)}
    if len(index) != len(known):
        twice = sorted({name for name in known if known.count(name) > 1})
        raise SightkitError("Each class has one name, and each name one class.", twice=twice)
    unknown = sorted(set(names) - set(index))
    if unknown:
        raise SightkitError(
            f"Each name must be one of the {len(known)} classes {few(known)}.", unknown=few(unknown)
        )
    return np.array([index[name] for name in names], np.int64), known


def decode_labels(labels: np.ndarray | Sequence[int], class_names: Sequence[str]) -> list[str]:
    """Turn indices, integer (N,), into names of classes; the inverse of ``encode_labels``.

    Raises:
        SightkitError: an index outside of ``class_names``, or one that is no whole number.

    Example:
        >>> decode_labels([1, 0], ("cat", "dog"))
        ['dog', 'cat']
    """
    return [str(class_names[int(label)]) for label in check_labels(labels, len(class_names))]


def one_hot(labels: np.ndarray | Sequence[int], classes: int) -> np.ndarray:
    """One row a sample, 1 in the column of its class; two classes give two columns.

    Args:
        labels: integer (N,), 0 to ``classes`` - 1.
        classes: number of columns, stated, since a part of the data may lack the last class.

    Returns:
        float32 (N, classes), 0 or 1.

    Raises:
        SightkitError: a label outside of the classes.

    Example:
        >>> one_hot([1, 0], 2).tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    indices = check_labels(labels, classes)
    rows = np.zeros((len(indices), classes), np.float32)
    rows[np.arange(len(indices)), indices] = 1
    return rows


def class_weights(
    labels: np.ndarray | Sequence[int], classes: int | None = None
) -> dict[int, float]:
    """Weights that let every class count the same in the loss.

    ``weight_k = N / (classes · N_k)``: the mean over all samples is 1, so the loss keeps its size
    and the learning rate its meaning. This is the "balanced" rule of scikit-learn, after King and
    Zeng, "Logistic Regression in Rare Events Data", 2001. Dividing the largest class by each class
    (which some courses do) gives the same ratios and a larger loss.

    ``HDF5DatasetGenerator`` and ``training.SoftLabels`` take them as ``class_weights=``, Keras' own
    ``fit`` as ``class_weight=``. ``training.fit`` takes a weight an image beside arrays:
    ``(x, y, np.array([weights[label] for label in y]))``.

    Args:
        labels: integer (N,), of the training split alone.
        classes: number of classes; when left out, the largest label + 1.

    Returns:
        Class index to weight, a plain dict.

    Raises:
        SightkitError: no labels, a label outside of the classes, or a class without any sample.

    Example:
        >>> class_weights([0, 0, 0, 1])
        {0: 0.6666666666666666, 1: 2.0}
    """
    values = np.asarray(labels)
    if not len(values):
        raise SightkitError("Weights of classes need at least one label.", labels=0)
    classes = int(values.max()) + 1 if classes is None else classes
    counts = np.bincount(check_labels(values, classes), minlength=classes)
    if counts.min() == 0:
        raise SightkitError(
            "Each class must have a sample: a class without any has no weight.",
            "Remove the class, or add samples of it.",
            without=np.flatnonzero(counts == 0).tolist(),
        )
    return {
        label: float(len(values) / (classes * count)) for label, count in enumerate(counts.tolist())
    }


def weights_in_order(given: Any, classes: int) -> np.ndarray:
    """Return weights of classes in label order, float32 (classes,).

    Raises:
        SightkitError: other than a number from 0 for each class index.
    """
    whole = isinstance(given, Mapping) and set(given) == set(range(classes))
    if not whole or not all(map(_is_weight, given.values())):
        raise SightkitError(
            "class_weights must be {class index: weight}, a weight of at least 0 for each of the "
            f"indices from 0 to {classes - 1}, and for no other.",
            "io.class_weights(labels, classes) gives them.",
            classes=classes,
            class_weights=given,
        )
    return np.array([given[label] for label in range(classes)], np.float32)


def _is_weight(value: Any) -> bool:
    number = isinstance(value, int | float | np.integer | np.floating)
    return number and bool(0 <= value <= LARGEST_WEIGHT)


def class_counts(labels: np.ndarray, class_names: Sequence[str]) -> dict[str, int]:
    """Name of each class to its number of labels, integer (N,)."""
    counts = np.bincount(labels, minlength=len(class_names))
    return dict(zip(class_names, counts.tolist(), strict=True))


def few_pictures(counts: Mapping[str, int], shapes: Iterable[tuple[int, ...]]) -> str:
    """Return what to do where classes have far under 1,000 photos; empty where none has.

    Photos have colours and 32 pixels at least: grey digits want no features of ImageNet's networks.

    Args:
        counts: images of each class, by its name.
        shapes: of some or all images, (H, W, C).
    """
    poor = {name: count for name, count in counts.items() if count < FEW}
    photos = any(shape[2:] == (3,) and min(shape[:2]) >= SMALLEST_PHOTO for shape in shapes)
    if not poor or not photos:
        return ""
    fewest = min(poor, key=lambda name: poor[name])
    return (
        f"{len(poor):,} of {len(counts):,} classes have far under 1,000 images "
        f"({visible(fewest)} {poor[fewest]:,}), too few for a network that begins with random "
        "weights: features of a trained one (scripts/extract_features.py) and logistic regression "
        "(scripts/train_logistic.py) do with them."
    )


def are_shares(labels: np.ndarray) -> bool:
    """Whether rows, (…, classes), are shares of the classes, or one-hot: from 0, with the sum 1."""
    return bool(labels.min() >= 0 and np.abs(labels.sum(axis=-1) - 1).max() <= SUM_OFF)


def check_labels(labels: np.ndarray | Sequence[int], classes: int) -> np.ndarray:
    """Return labels as int64 (N,); raise unless they are whole numbers below ``classes``."""
    values = np.asarray(labels)
    if values.size == 0:
        return np.zeros(0, np.int64)
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise SightkitError(
            "Labels must be integers, one a sample.", shape=values.shape, dtype=values.dtype
        )
    if values.min() < 0 or values.max() >= classes:
        raise SightkitError(
            f"Labels must be between 0 and {classes - 1}, the last class.",
            lowest=values.min(),
            highest=values.max(),
        )
    return values.astype(np.int64)
