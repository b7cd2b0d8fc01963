"""Evaluate predictors on labelled batches: every sample is classified once."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from sightkit._errors import SightkitError
from sightkit.evaluation.answers import as_probabilities, checked_batch, join_batches
from sightkit.evaluation.metrics import Evaluation
from sightkit.io.labels import are_shares, check_labels

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
    predictor: Predictor,
    data: LabelledBatches | tuple[np.ndarray, np.ndarray],
    *,
    name: str = "",
    timed: bool = False,
) -> Evaluation:
    """Classify every sample of some data, once each.

    Only the answers stay in memory, so that a split may be larger than the memory.

    Args:
        predictor: preprocessed (N, H, W, C) float32 to probabilities (N, classes), logits, or a
            sigmoid column (N, 1) for two classes; see ``as_probabilities``.
        data: batches in their stored order, as ``data.images`` counts positions; or a pair of
            arrays, preprocessed images and labels, whose classes are named by their numbers.
        name: of split or network, for messages.
        timed: measure the time an image takes; the first batch is then answered twice, because
            the first call compiles.

    Raises:
        SightkitError: no image, labels that are no classes, data that are shuffled or augmented,
            answers that are not finite or of unknown form.
    """
    found = evaluate_members({name: predictor}, data, timed=timed)[0]
    require_numbers(found, name)
    return found


def evaluate_members(
    predictors: Mapping[str, Predictor],
    data: LabelledBatches | tuple[np.ndarray, np.ndarray],
    *,
    timed: bool = True,
) -> tuple[Evaluation, ...]:
    """Evaluate several networks on the same data, each batch being read once for all of them.

    Args:
        predictors: by name; as ``evaluate`` takes them.
        data: as ``evaluate`` takes them.
        timed: measure the time an image takes with each.
    """
    if isinstance(data, tuple | list):
        data = _arrays(data)
    require_stored_order(data)
    for name, predictor in predictors.items():
        if not callable(predictor):
            raise SightkitError(
                "A predictor is a function of preprocessed images.",
                "Give bundle.predictor, or inference.compile(network, images=N).",
                **{name: type(predictor).__name__},
            )
    answers: list[list[np.ndarray]] = [[] for _ in predictors]
    spent: list[list[tuple[int, float]]] = [[] for _ in predictors]
    labels = []
    for index in range(len(data)):
        images, truth = data[index]
        if not len(truth):  # nothing of a batch could be read
            continue
        for predictor, parts, costs in zip(predictors.values(), answers, spent, strict=True):
            if timed and not parts:  # the first call compiles
                predictor(images)
            start = time.perf_counter()
            answer = predictor(images)
            if timed:
                costs.append((len(truth), time.perf_counter() - start))
            parts.append(checked_batch(answer, len(truth)))
        labels.append(np.array(truth))
    if not labels:
        raise SightkitError("Evaluation needs at least one image.", images=0)
    truth = np.concatenate(labels)
    stored = getattr(data, "labels", None)
    if stored is not None and not np.array_equal(stored, truth):
        raise _wrong_order()
    columns = max([2, *(part.shape[1] for part in answers[0] if part.ndim > 1)])
    class_names = getattr(data, "class_names", ()) or tuple(map(str, range(columns)))
    truth = check_labels(truth, len(class_names))
    return tuple(
        Evaluation(
            as_probabilities(join_batches(parts), class_names),
            truth,
            class_names,
            _milliseconds(costs),
        )
        for parts, costs in zip(answers, spent, strict=True)
    )


def _arrays(data: Sequence[Any]) -> LabelledBatches:
    """Return arrays (images, labels) as batches; of one-hot labels the indices."""
    from sightkit.io import ArrayBatches  # with Keras

    if len(data) != 2:
        raise SightkitError("Evaluation takes a pair of arrays (images, labels).", given=len(data))
    images, labels = data
    labels = np.asarray(labels)
    if not _are_classes(labels):
        raise SightkitError(
            "Labels must be class indices or one-hot rows: one class an image.",
            "Targets that are numbers are evaluated by evaluation.evaluate_regression.",
            shape=labels.shape,
            dtype=labels.dtype,
        )
    if labels.ndim == 2:
        labels = labels.argmax(axis=1) if labels.shape[1] > 1 else labels[:, 0]
    if labels.dtype.kind == "f" and np.array_equal(labels, np.rint(labels)):
        labels = labels.astype(np.int64)
    batches: Any = ArrayBatches(images, labels, batch_size=256)
    return batches


def _are_classes(labels: np.ndarray) -> bool:
    """Whether numbers are class indices or rows of shares, as far as that shows without classes."""
    if labels.dtype.kind not in "iuf" or not labels.size:
        return True  # refused by what reads them
    if labels.ndim == 2 and labels.shape[1] > 1:
        return are_shares(labels)
    return bool((labels == np.rint(labels)).all())


def _milliseconds(spent: Sequence[tuple[int, float]]) -> float | None:
    """Median milliseconds an image, of (images, seconds) of each batch; None for no batch.

    Batches shorter than the longest (the last one of a pass) are left out: the fewer images, the
    more each costs, and their size may be compiled anew.
    """
    longest = max((count for count, _ in spent), default=0)
    costs = [1000 * seconds / count for count, seconds in spent if count == longest]
    return statistics.median(costs) if costs else None


def require_numbers(found: Evaluation, name: str = "") -> None:
    """Refuse answers that are not finite.

    Args:
        found: the answers.
        name: of split or network, for the message.

    Raises:
        SightkitError: a NaN or an infinity among the answers.
    """
    bad = int((~np.isfinite(found.probabilities).all(axis=1)).sum())
    if bad:
        raise SightkitError(
            "A network's answers must be finite numbers: the training of this one diverged.",
            "Train it again at a lower learning rate.",
            **({"evaluated": name} if name else {}),
            images_without=bad,
            images=len(found.labels),
        )


def require_stored_order(data: LabelledBatches) -> None:
    """Refuse data whose batches are not in the order of ``data.images``.

    Raises:
        SightkitError: no batch, shuffled or augmented.
    """
    if not hasattr(data, "__getitem__"):
        raise SightkitError(
            "Evaluation takes a pair of arrays, or batches by index.",
            "Give (images, labels), or io.HDF5DatasetGenerator(path, 256, split=…).",
            data=f"{type(data).__module__}.{type(data).__name__}",
        )
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
