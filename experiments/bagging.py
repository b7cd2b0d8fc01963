"""Bagging: training images drawn anew, with replacement, for each member of an ensemble."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from sightkit import io as sightkit_io

_BAGGING = 1


def bag(dataset: str | os.PathLike[str], path: str | os.PathLike[str], seed: int) -> Path:
    """Write a dataset file whose training split is drawn, with replacement, from another's.

    As many rows as the split has, each of them any of its rows: about 63 % of the images come, some
    several times. The other splits are the same. Which rows is a function of the seed alone.

    Args:
        dataset: file with a split train.
        path: of the new file; one of the same dataset and seed is used.
        seed: of the drawing.

    Returns:
        ``path``.

    Raises:
        SightkitError: no such split, or a file that exists and is another one.

    Reference:
        Breiman, "Bagging predictors", 1996.
    """
    from sightkit.training.search.data import derive

    file, path = sightkit_io.DatasetFile.open(dataset), Path(path)
    rows = {name: np.arange(*ends) for name, ends in file.splits.items()}
    rows["train"] = bootstrap_rows(*file.rows("train"), seed=seed)
    derive(path, file, rows, bagging={"seed": seed, "dataset_sha256": file.sha256})
    return path


def bootstrap_rows(first: int, last: int, *, seed: int) -> np.ndarray:
    """Draw rows with replacement, by the seed: int64 (last - first,), sorted."""
    rng = np.random.default_rng([seed, _BAGGING])
    return np.sort(rng.integers(first, last, last - first))
