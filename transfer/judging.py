"""Labelled photos for networks with a head: decoded, and as they are until a network takes them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sightkit import io
from sightkit.evaluation.folder_batches import FolderBatches
from sightkit.evaluation.judged_data import JudgedData, check_data
from sightkit.preprocessing import Pipeline
from sightkit.transfer.feature_classifier import FeatureClassifier

Answer = Callable[[np.ndarray], np.ndarray]


def open_judged(
    classifier: FeatureClassifier, path: str | os.PathLike[str], *, split: str = "test"
) -> tuple[JudgedData, Answer]:
    """Open labelled data for networks with a head.

    Args:
        classifier: whose classes the data must have.
        path: dataset file, or folder of class folders.
        split: of the file.

    Returns:
        The data, and what answers their batches, for ``evaluation.evaluate``: images go through
        what the classifier's own training photos went through, and through what is left of
        it where a file's rows have been through some of it.

    Raises:
        SightkitError: as ``evaluation.check_data``.
    """
    size = classifier.images_a_batch
    file = check_data(path, split, classifier.class_names)
    if file is None:
        folder = FolderBatches(Path(path), classifier.class_names, _boxed, size)
        return JudgedData(folder), lambda images: classifier.answer(list(images))
    stored = file.preprocessing or None
    trained = [chain.to_config() if chain else None for chain in classifier.before]
    notes = []
    if any(chain != stored for chain in trained):
        notes = ["The dataset file was prepared in another way than the head's photos: its rows "
                 "are taken as photos."]  # fmt: skip
    rows = io.HDF5DatasetGenerator(file.path, size, split=split, preprocessors=Pipeline(()))
    return JudgedData(rows, notes=notes), lambda images: classifier.answer(
        list(images), stored=stored
    )


def _boxed(image: np.ndarray) -> np.ndarray:
    """An array of no dimensions that holds an image: boxes stack, whatever the images' sizes."""
    box = np.empty((), object)
    box[()] = image
    return box
