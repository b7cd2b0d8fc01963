"""Labelled data for a classifier of either kind: a network, or networks with a head."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import io, training
from sightkit.evaluation.crops import average_views
from sightkit.evaluation.evaluation_data import (
    OTHERWISE_PREPARED,
    EvaluationData,
    open_data,
    open_file,
    seen_in,
    watch_for,
)
from sightkit.evaluation.folder_batches import FileBatches, FolderBatches
from sightkit.evaluation.predictions import Predictor
from sightkit.preprocessing import Pipeline
from sightkit.transfer.feature_classifier import FeatureClassifier


def open_for_evaluation(
    bundle: FeatureClassifier | training.Bundle,
    path: str | os.PathLike[str],
    *,
    split: str = "test",
    views: int = 1,
    **options: Any,
) -> tuple[EvaluationData, Predictor]:
    """Open labelled data for a classifier.

    Images go through what its training images went through: for networks with a head, too, through
    what is left of it where a file's rows have been through some of it.

    Args:
        bundle: whose classes the data have, or some of them.
        path: dataset file, or folder of class folders.
        split: of the file.
        views: of each image; those of networks with a head were settled with their features.
        **options: of a folder: ``exclude``, ``follow_links``, see ``io.FolderDataset``.

    Returns:
        The data, and the predictor of their batches, for ``evaluation.evaluate``.

    Raises:
        SightkitError: as ``evaluation.check_data``.
    """
    if not isinstance(bundle, FeatureClassifier):
        data = open_data(path, bundle, split=split, views=views, **options)
        return data, average_views(bundle.predictor)
    size = bundle.images_a_batch
    file = open_file(path, split, bundle.class_names, **options)
    if file is None:
        watch, seen = watch_for(bundle.training_rows)
        folder = FolderBatches(path, bundle.class_names, _boxed, size, watch, **options)
        data = EvaluationData(folder, Path(path), seen=seen)
        return data, lambda images: bundle._answer(list(images))
    stored = training.photo_chain(file)[0].to_config()
    trained = [chain.to_config() if chain else None for chain in bundle.before]
    notes = [OTHERWISE_PREPARED] if any(chain != stored for chain in trained) else []
    rows = io.HDF5DatasetGenerator(file.path, size, split=split, preprocessors=Pipeline())
    data = EvaluationData(FileBatches(rows, bundle.class_names), Path(path), split, notes)
    data.seen = seen_in(file, split, bundle.training_rows, stored)
    return data, lambda images: bundle._answer(list(images), stored=stored)


def _boxed(image: np.ndarray) -> np.ndarray:
    """Return an array of no dimensions that holds an image: they stack, whatever its size."""
    box = np.empty((), object)
    box[()] = image
    return box
