"""From feature files to a run folder: fit a head, evaluate it once on test photos, store both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightkit import _csv, _run_files, io
from sightkit._scripts import warn
from sightkit._tables import percent
from sightkit.evaluation.metrics import Evaluation
from sightkit.evaluation.mistakes import Samples
from sightkit.evaluation.report import metrics_report, summary, write_report
from sightkit.preprocessing import Pipeline
from sightkit.training.environment import available_memory
from sightkit.training.run import Run
from sightkit.transfer.feature_file import Features
from sightkit.transfer.heads.distance import ClassDistance
from sightkit.transfer.heads.fitting import (
    STRENGTHS,
    Fitted,
    HeadKind,
    check_head,
    fit_head,
    stratified_folds,
)
from sightkit.transfer.heads.linear import Multiclass
from sightkit.transfer.heads.stored_rows import SMALLEST, StoredRows, blocks_of
from sightkit.transfer.photos import photos_of
from sightkit.transfer.rows import constant_features, groups_of, split_rows

COPIES = 4
"""Copies of the training features in memory, at the most, while a head is fitted."""


@dataclass(frozen=True)
class HeadSettings:
    """How a head is trained; see ``fit_head`` and ``split_rows``.

    Attributes:
        groups: rule of photos that stay in one part, see ``io.Grouping``; those that are stored
            with the features when left out.
        memory: bytes that may be taken; features that exceed them are fitted in parts. Half of what
            is free when left out.
    """

    head: HeadKind = "logistic"
    multiclass: Multiclass | None = None
    strengths: Sequence[float] = STRENGTHS
    folds: int = 3
    test_fraction: float = 0.25
    split: str = "test"
    split_seed: int = 42
    seed: int = 0
    groups: str | None = None
    memory: int | None = None


@dataclass(frozen=True)
class EvaluatedHead:
    """A head, evaluated on photos that it was not trained on.

    Attributes:
        fitted: the head and its cross-validation.
        test: its predictions for the test photos.
        samples: names of the test photos, and their pixels where the photos still are.
        metrics: what metrics.json holds.
        distance: of photos from its classes.
        training_rows: the photos that it was trained on; None where the features do not say.
    """

    fitted: Fitted
    test: Evaluation
    samples: Samples
    metrics: dict[str, Any]
    distance: ClassDistance
    training_rows: io.Manifest | None


def head_rows(features: Features, settings: HeadSettings) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that a head is trained on and tested on, as ``split_rows``; without Keras.

    Raises:
        SightkitError: features that are not finite, classes with too few photos for the folds, a
            head that is not known.
    """
    check_head(settings.head, settings.multiclass, settings.strengths)
    features.require_finite()
    groups = groups_of(features, settings.groups)
    train, test = split_rows(
        features, settings.test_fraction, settings.split_seed, groups, settings.split
    )
    own = None if groups is None else groups[train]
    stratified_folds(features.labels[train], settings.folds, features.class_names, own)
    return train, test


def train_head(
    features: Features, settings: HeadSettings, rows: tuple[np.ndarray, np.ndarray] | None = None
) -> EvaluatedHead:
    """Choose and fit a head on the training photos, and evaluate it once on the test photos.

    Args:
        features: from ``open_features``.
        settings: how the head is trained.
        rows: those of ``head_rows``, where it was called before.

    Raises:
        SightkitError: as ``head_rows``, or a head that needs more memory than is available.
    """
    train, test = rows or head_rows(features, settings)
    groups = groups_of(features, settings.groups)
    constant = constant_features(features, train)
    if constant:
        warn(
            f"{constant:,} of {features.shape[1]:,} features are the same for all training photos "
            "and distinguish no classes."
        )
    values = training_rows(features, train, settings.memory)
    fitted = fit_head(
        settings.head,
        values,
        features.labels[train],
        features.class_names,
        multiclass=settings.multiclass,
        folds=settings.folds,
        seed=settings.seed,
        strengths=settings.strengths,
        calibrated=True,
        groups=None if groups is None else groups[train],
    )
    distance = ClassDistance.of(values, features.labels[train], fitted.held_out)
    parts = [
        fitted.head.predict_proba(features.take(rows))
        for rows in blocks_of(test, features.shape[1])
    ]
    evaluation = Evaluation(np.concatenate(parts), features.labels[test], features.class_names)
    metrics = {
        "test": metrics_report(evaluation),
        "cross_validation": {
            "folds": settings.folds,
            "chosen": fitted.chosen,
            "rank1": {f"{setting:g}": value for setting, value in fitted.accuracies.items()},
            **fitted.facts,
        },
        "head": settings.head,
        "dimensions": features.shape[1],
        "training_photos": len(train),
        "constant_features": constant,
        "data_sha256": [file.sha256 for file in features.files],
    }
    samples, trained = photos_of(features, test), _manifest(features, train)
    return EvaluatedHead(fitted, evaluation, samples, metrics, distance, trained)


def _manifest(features: Features, rows: np.ndarray) -> io.Manifest | None:
    for file in features.files:
        if (originals := file.originals()) is not None:
            chain = file.recipe.get("before") or Pipeline(()).to_config()
            return io.Manifest.of_hashes(originals[rows], chain)
    return None


def training_rows(
    features: Features, rows: np.ndarray, memory: int | None = None
) -> np.ndarray | StoredRows:
    """Return training features in memory, or as rows of their file where they exceed it."""
    limit = available_memory() // 2 if memory is None else memory
    needed = COPIES * 4 * len(rows) * features.shape[1]
    if needed <= limit:
        return features.take(rows)
    warn(
        f"The training features would take {needed / 2**30:,.1f} GiB and {limit / 2**30:,.1f} are "
        "available: the head is fitted on parts of them."
    )
    parts = min(math.ceil(needed / max(limit, 1)), max(2, len(rows) // SMALLEST))
    return StoredRows(features, rows, parts)


def write_head_run(run: Run, found: EvaluatedHead) -> None:
    """Write all but the bundle into a run's folder: metrics, tables, pictures and report."""
    run.write_environment()
    _csv.write_csv(run.path(_run_files.PER_CLASS), found.test.per_class())
    if found.fitted.accuracies:
        rows = [
            {"setting": setting, "rank1": value, "chosen": setting == found.fitted.chosen}
            for setting, value in found.fitted.accuracies.items()
        ]
        _csv.write_csv(run.path(_run_files.CROSS_VALIDATION), rows)
    write_report(run.folder, found.test, found.samples, found.metrics)


def describe_head(found: EvaluatedHead) -> str:
    """Return the text for the terminal: cross-validation, and the ``summary`` of the test."""
    lines = []
    if tried := found.metrics["cross_validation"]["rank1"]:
        shares = ", ".join(f"{setting}: {percent(value)}" for setting, value in tried.items())
        lines.append(f"Cross-validation: {shares}. Chosen: {found.fitted.chosen:g}.")
        if (side := _beyond(found.fitted)) is not None:
            lines.append(f"The best C is at an end of the grid: try {side}, --strengths.")
    return "\n".join([*lines, summary(found.test, found.metrics["test"])])


def _beyond(fitted: Fitted) -> str | None:
    """Return the side of a better C: None where the best is no end, or no better than others."""
    found = list(fitted.accuracies.values())
    if "C" not in fitted.facts or len(found) < 2 or max(found) == min(found):
        return None
    values = list(fitted.accuracies)
    if fitted.chosen == values[-1]:
        return f"more than {values[-1]:g}"
    return f"less than {values[0]:g}" if fitted.chosen == values[0] else None
