"""From a predictor and labelled batches to an ``Evaluation``: every sample classified once."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

import numpy as np

from sightkit._errors import SightkitError
from sightkit.evaluation.answers import as_probabilities, checked_batch, join_batches
from sightkit.evaluation.metrics import Evaluation

Predictor: TypeAlias = Callable[[np.ndarray], np.ndarray]
"""Preprocessed images (N, H, W, C) float32 to probabilities (N, classes) float32."""


class LabelledBatches(Protocol):
    """Data that can be evaluated on, such as ``io.HDF5DatasetGenerator``."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names in label order."""
        ...

    def __len__(self) -> int:
        """Number of batches."""
        ...

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch ``index``: images and int64 class indices."""
        ...

    def images(self, rows: np.ndarray | slice) -> np.ndarray:
        """Images as they are stored, uint8 (n, H, W, C), by position."""
        ...


def evaluate(
    predictor: Predictor, data: LabelledBatches, *, name: str = "", timed: bool = False
) -> Evaluation:
    """Classify every sample of some data, once each.

    Only the answers are stored, so that a split may be larger than the memory.

    Args:
        predictor: preprocessed (N, H, W, C) float32 to probabilities (N, classes), logits, or a
            sigmoid column (N, 1) for two classes; see ``as_probabilities``.
        data: batches in their stored order, as ``data.images`` counts positions.
        name: of split or network, for messages.
        timed: measure what an image costs; the first batch is then answered twice, because the
            first time compiles.

    Raises:
        SightkitError: no image, data that are shuffled or augmented, answers that are no numbers or
            in no form that is known.
    """
    found = evaluate_members({name: predictor}, data, timed=timed)[0]
    require_numbers(found, name)
    return found


def evaluate_members(
    predictors: Mapping[str, Predictor], data: LabelledBatches, *, timed: bool = True
) -> tuple[Evaluation, ...]:
    """Evaluate several networks on the same data, each batch being read once for all of them.

    Args:
        predictors: by name; as ``evaluate`` takes them.
        data: as ``evaluate`` takes them.
        timed: measure what an image costs with each.
    """
    require_stored_order(data)
    watches = [_Stopwatch(predictor) if timed else predictor for predictor in predictors.values()]
    answers: list[list[np.ndarray]] = [[] for _ in watches]
    labels = []
    for index in range(len(data)):
        images, truth = data[index]
        if not len(truth):  # nothing of a batch could be read
            continue
        for parts, predictor in zip(answers, watches, strict=True):
            parts.append(checked_batch(predictor(images), len(truth)))
        labels.append(np.array(truth))
    if not labels:
        raise SightkitError("Evaluation needs at least one image.", images=0)
    truth = np.concatenate(labels)
    stored = getattr(data, "labels", None)
    if stored is not None and not np.array_equal(stored, truth):
        raise _wrong_order()
    found = []
    for watch, parts in zip(watches, answers, strict=True):
        cost = watch.milliseconds if isinstance(watch, _Stopwatch) else None
        probabilities = as_probabilities(join_batches(parts), data.class_names)
        found.append(Evaluation(probabilities, truth, data.class_names, cost))
    return tuple(found)


class _Stopwatch:
    """A predictor that measures how long each batch takes."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self._spent: list[tuple[int, float]] = []

    def __call__(self, images: np.ndarray) -> np.ndarray:
        if not self._spent:
            self.predictor(images)
        start = time.perf_counter()
        answers = self.predictor(images)
        self._spent.append((len(images), time.perf_counter() - start))
        return answers

    @property
    def milliseconds(self) -> float:
        """Median milliseconds an image.

        Batches shorter than the longest (the last one of a pass) are left out: the fewer images,
        the more each costs, and their size may be compiled anew.
        """
        longest = max(count for count, _ in self._spent)
        return statistics.median(
            1000 * spent / count for count, spent in self._spent if count == longest
        )


def require_numbers(found: Evaluation, name: str = "") -> None:
    """Refuse answers that are no numbers.

    Args:
        found: the answers.
        name: of split or network, for the message.

    Raises:
        SightkitError: a NaN or an infinity among the answers.
    """
    bad = int((~np.isfinite(found.probabilities).all(axis=1)).sum())
    if bad:
        raise SightkitError(
            "A network must answer with numbers: the training of this one diverged.",
            "Train with a lower --learning-rate.",
            **({"evaluated": name} if name else {}),
            images_without=bad,
            images=len(found.labels),
        )


def require_stored_order(data: LabelledBatches) -> None:
    """Refuse data whose batches are not what ``data.images`` holds, in its order.

    Raises:
        SightkitError: no batch, shuffled or augmented.
    """
    if not len(data):
        raise SightkitError("Evaluation needs at least one batch.", batches=0)
    if getattr(data, "shuffle", False):
        raise _wrong_order(shuffle=True)
    if (augment := getattr(data, "augment", None)) is not None:
        raise SightkitError(
            "Images must be evaluated as they are, not augmented.",
            "Leave augment out.",
            augment=augment,
        )


def _wrong_order(**received: object) -> SightkitError:
    return SightkitError(
        "Data must be evaluated in their stored order: mistakes are shown by position.",
        "Give a generator with shuffle=False.",
        **received,
    )
