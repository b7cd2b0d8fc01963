"""Labelled data for a trained classifier of either kind, and the predictor of their batches."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from sightkit import io, training
from sightkit.evaluation.crops import average_views
from sightkit.evaluation.evaluation_data import (
    OTHERWISE_PREPARED,
    EvaluationData,
    open_data,
    open_file,
)
from sightkit.evaluation.folder_batches import FolderBatches
from sightkit.evaluation.predictions import Predictor
from sightkit.preprocessing import Pipeline
from sightkit.transfer.feature_classifier import FeatureClassifier


def open_for_evaluation(
    bundle: FeatureClassifier | training.Bundle,
    path: str | os.PathLike[str],
    *,
    split: str = "test",
    views: int = 1,
) -> tuple[EvaluationData, Predictor]:
    """Open labelled data for a classifier.

    Images go through what its training images went through: for networks with a head, too, through
    what is left of it where a file's rows have been through some of it.

    Args:
        bundle: whose classes the data must have.
        path: dataset file, or folder of class folders.
        split: of the file.
        views: of each image; those of networks with a head were settled with their features.

    Returns:
        The data, and the predictor of their batches, for ``evaluation.evaluate``.

    Raises:
        SightkitError: as ``evaluation.check_data``.
    """
    if not isinstance(bundle, FeatureClassifier):
        data = open_data(path, bundle, split=split, views=views)
        return data, average_views(bundle.predictor)
    size = bundle.images_a_batch
    file = open_file(path, split, bundle.class_names)
    if file is None:
        folder = FolderBatches(path, bundle.class_names, _boxed, size)
        return EvaluationData(folder, Path(path)), lambda images: bundle.answer(list(images))
    stored = file.preprocessing or None
    trained = [chain.to_config() if chain else None for chain in bundle.before]
    notes = [OTHERWISE_PREPARED] if any(chain != stored for chain in trained) else []
    rows = io.HDF5DatasetGenerator(file.path, size, split=split, preprocessors=Pipeline(()))
    return (
        EvaluationData(rows, Path(path), split, notes),
        lambda images: bundle.answer(list(images), stored=stored),
    )


def _boxed(image: np.ndarray) -> np.ndarray:
    """Return an array of no dimensions that holds an image: they stack, whatever its size."""
    box = np.empty((), object)
    box[()] = image
    return box
