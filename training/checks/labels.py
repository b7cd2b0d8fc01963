"""Checks of labels against loss, network and each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sightkit._errors import few
from sightkit.io.labels import are_shares, few_pictures
from sightkit.training.checks.loss import (
    BINARY,
    CROSSENTROPIES,
    ONE_HOT,
    REGRESSIONS,
    SPARSE,
    LossInfo,
)
from sightkit.training.checks.report import LeftOut, Line, failed, passed, warned
from sightkit.training.checks.samples import Samples, class_indices, have_one_class

UNEQUAL = 10
"""Largest class by smallest: beyond it accuracy says little of the small ones."""
RANGES = {"softmax": (0, 1), "sigmoid": (0, 1), "tanh": (-1, 1), "relu": (0, np.inf)}
"""What activations can answer."""


def labels(loss: LossInfo, train: Samples, validation: Samples | None) -> Line:
    """Check form and range of labels, number of classes, and logits against probabilities."""
    if loss.kind not in (*CROSSENTROPIES, *REGRESSIONS):
        raise LeftOut(f"{loss.kind} does not classify")
    for where, samples in (("training", train), ("validation", validation)):
        if samples is not None:
            wrong = _form(loss, samples.labels) or _values(loss, samples)
            if wrong:
                return failed(f"{where}: {wrong[0]}", wrong[1])
    if loss.kind in REGRESSIONS:
        return _targets(loss, train.labels)
    wrong = _ending(loss) or _class_names(loss, train)
    if wrong:
        return failed(*wrong)
    form = "class indices" if loss.kind == SPARSE else "shares of classes"
    if loss.kind == BINARY:
        form = "zeros and ones"
    return passed(f"{form} for {loss.classes} classes, as {loss.kind} takes them")


def balance(
    loss: LossInfo, train: Samples, validation: Samples | None = None, *, pretrained: bool = False
) -> Line:
    """Count each class, what always saying the largest would score, and what validation lacks.

    Of a network that is not ``pretrained`` it tells whether classes have far too few photos.
    """
    several = len(loss.outputs) != 1 or not have_one_class(train.all_labels)
    if loss.kind not in CROSSENTROPIES or several:
        raise LeftOut("there is no one class an image")
    classes = class_indices(train.all_labels)
    counts = np.bincount(classes, minlength=loss.classes)
    names = train.class_names or tuple(map(str, range(len(counts))))
    largest, smallest = int(counts.argmax()), int(counts.argmin())
    share = counts[largest] / counts.sum()
    seen = "images" if train.complete else f"of {len(classes):,} checked images"
    if counts[largest] == counts.sum():
        return failed(
            f"every label is {names[largest]} ({counts.sum():,} {seen}): nothing is to be learned",
            "Look at how labels are read; a split must hold all classes.",
        )
    text = (
        f"{int((counts > 0).sum())} classes of {counts[counts > 0].min():,} to "
        f"{counts[largest]:,} {seen}; always answering {names[largest]} scores {100 * share:.1f} %"
    )
    missing = [names[index] for index in np.flatnonzero(counts == 0)]
    if missing and train.complete:
        return warned(
            f"{len(missing)} of {len(counts)} classes have no training image ({few(missing)}); "
            f"{text}",
            "Leave them out, add images, or look whether labels are shifted by one.",
        )
    held = np.zeros(0) if validation is None else _labels_of(validation.data)
    absent = [names[each] for each in sorted({*classes} - {*class_indices(held)})]
    if len(held) and absent:
        return warned(
            f"validation has no images of {len(absent)} of the {int((counts > 0).sum())} classes "
            f"({few(absent)}): its loss and accuracy say nothing of them; {text}",
            "Divide the images anew so that each split has all classes, or leave those out.",
        )
    few_photos = ""
    if train.complete and not pretrained:
        by_name = dict(zip(names, counts.tolist(), strict=False))
        few_photos = few_pictures(by_name, [train.images.shape[1:]])
    if getattr(train.data, "class_weights", None):
        return passed(f"{text}; each class counts the same in the loss", few_photos)
    if train.complete and counts[largest] > UNEQUAL * counts[smallest]:
        return warned(
            f"{text}; {names[smallest]} has {counts[smallest]:,}",
            "Weight the classes by --class-weights, and evaluate by recall per class.",
        )
    return passed(text, few_photos)


def _targets(loss: LossInfo, found: np.ndarray) -> Line:
    """Check numbers to regress: that they differ, and are in the network's reach."""
    low, high = float(found.min()), float(found.max())
    if low == high:
        return failed(
            f"every target is {low:g}: nothing is to be learned", "Look at how they are read."
        )
    least, most = RANGES.get(loss.activation, (-np.inf, np.inf))
    if low < least or high > most:
        return failed(
            f"targets are in {low:g} to {high:g}, and the network ends in a {loss.activation}, "
            f"which gives {least:g} to {most:g}",
            'End in a Dense layer without activation (end="linear"), or scale the targets.',
        )
    return passed(f"numbers from {low:.4g} to {high:.4g}, as {loss.kind} takes them")


def _labels_of(data: Any) -> np.ndarray:
    """All labels of a split; none where the data do not have them."""
    return np.asarray(data[1] if isinstance(data, tuple) else getattr(data, "labels", ()))


def _form(loss: LossInfo, found: np.ndarray) -> tuple[str, str] | None:
    """Expect one index for each output position, or one number for each output."""
    outputs = loss.outputs
    positions, each = len(outputs) - 1, found.shape[1:]
    if loss.kind == SPARSE:
        trailing = len(each) == positions + 1
        if len(each) == positions or (trailing and each[-1] == 1):
            return None
        if trailing and each[-1] == outputs[-1]:
            return (
                f"labels are one-hot, {found.shape}, and the loss takes class indices",
                f'Use loss="{ONE_HOT}", or labels.argmax(-1).',
            )
    elif loss.kind == ONE_HOT:
        if len(each) == positions + 1 and each[-1] == outputs[-1]:
            return None
        if len(each) == positions or (len(each) == positions + 1 and each[-1] == 1):
            return (
                f"labels are class indices, {found.shape}, and the loss takes one-hot rows",
                f'Use loss="{SPARSE}", or io.one_hot.',
            )
    elif _agree(each, outputs) or (outputs[-1] == 1 and _agree(each, outputs[:-1])):
        return None
    elif loss.kind == BINARY and len(each) < len(outputs) and outputs[-1] != 1:
        return (
            f"labels are {found.shape}, one number an image, and {BINARY} takes one for each of "
            f"{outputs[-1]} outputs",
            f'Use loss="{SPARSE}", or one output with a sigmoid.',
        )
    return (
        f"labels are {found.shape}, the network's outputs (N, {', '.join(map(str, outputs))})",
        "Let labels and outputs agree in shape.",
    )


def _agree(found: Sequence[int], outputs: Sequence[int | None]) -> bool:
    """Return whether shapes are the same; a side of outputs that is None has any length."""
    return len(found) == len(outputs) and all(
        side in (None, each) for each, side in zip(found, outputs, strict=True)
    )


def _values(loss: LossInfo, samples: Samples) -> tuple[str, str] | None:
    if not np.isfinite(samples.labels).all():
        return "labels hold NaN or infinity", "Look at how labels are read."
    if loss.kind == SPARSE:
        return _indices(loss.classes, samples.all_labels)
    if loss.kind in REGRESSIONS:
        return None
    low, high = samples.labels.min(), samples.labels.max()
    if low < 0 or high > 1:
        return (
            f"labels are in {low:g} to {high:g}, not in 0 to 1",
            "Give zeros and ones, or shares of classes.",
        )
    if loss.kind == ONE_HOT and not are_shares(samples.labels):
        return (
            "rows of labels do not sum to 1",
            f'Where an image has several classes: a sigmoid and loss="{BINARY}".',
        )
    return None


def _indices(classes: int, found: np.ndarray) -> tuple[str, str] | None:
    low, high = found.min(), found.max()
    if (found != np.floor(found)).any():
        return "labels are no whole numbers", "Give int64 class indices."
    if low >= 0 and high < classes:
        return None
    text = f"labels run from {low:g} to {high:g}, the network's {classes} classes from 0 to "
    text += f"{classes - 1}"
    if low == 1 and high == classes:
        return f"{text}: they are shifted by one", "Subtract 1 from each label."
    return text, "Encode labels by io.encode_labels, or build the network with classes=…."


def _ending(loss: LossInfo) -> tuple[str, str] | None:
    """Find a loss of logits behind a softmax, and the like."""
    probable = loss.activation in ("softmax", "sigmoid")
    if loss.from_logits and probable:
        return (
            f"the loss takes logits, and the network ends in a {loss.activation}: it would be "
            "applied twice",
            "Leave from_logits=True out.",
        )
    if loss.from_logits is False and loss.activation == "linear":
        return (
            "the loss takes probabilities, and the network ends without a softmax or sigmoid",
            "Add it, or give the loss from_logits=True.",
        )
    if loss.activation == "softmax" and loss.outputs[-1] == 1:
        return ("the softmax of a single output is always 1", "Use a sigmoid, or two outputs.")
    if loss.kind == BINARY and loss.activation == "softmax":
        return (
            "the network ends in a softmax, and binary_crossentropy evaluates each output alone",
            f'Use loss="{SPARSE}" or "{ONE_HOT}".',
        )
    if loss.kind in (SPARSE, ONE_HOT) and loss.activation == "sigmoid":
        return (
            f"the network ends in a sigmoid, and {loss.kind} takes shares that sum to 1",
            f'End in a softmax; where an image has several classes: loss="{BINARY}".',
        )
    return None


def _class_names(loss: LossInfo, train: Samples) -> tuple[str, str] | None:
    names, classes = len(train.class_names), loss.classes
    if not names or names == classes or len(loss.outputs) != 1:
        return None
    return (
        f"the data have {names} classes, the network {classes}",
        f"Build the network with classes={names}.",
    )
