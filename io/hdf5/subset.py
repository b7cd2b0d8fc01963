"""A dataset file made of rows of another one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from sightkit.io.groups import joined
from sightkit.io.hdf5.file import DatasetFile
from sightkit.io.hdf5.writer import HDF5DatasetWriter

PORTION = 1024


def write_rows(
    path: str | os.PathLike[str],
    file: DatasetFile,
    parts: Mapping[str, np.ndarray],
    *,
    recipe: Mapping[str, Any],
) -> None:
    """Write some rows of a dataset file as a dataset file of their own.

    The recipe is that of the file, so that a script takes the new one for its own, with keys that
    describe it.

    Args:
        path: of the new file.
        file: where the rows are.
        parts: split to positions in the file, int64; a row may be taken several times.
        recipe: what is added to the file's.

    Raises:
        SightkitError: the file exists already, or as ``HDF5DatasetWriter``.
    """
    rows = np.concatenate(list(parts.values()))
    sources = file.sources()
    with HDF5DatasetWriter(
        (len(rows), *file.shape[1:]),
        path,
        class_names=file.class_names,
        splits={name: len(part) for name, part in parts.items()},
        preprocessing=file.preprocessing,
        recipe={**file.recipe, **recipe},
        groups=None if file.groups is None else file.groups[rows],
    ) as writer:
        for start in range(0, len(rows), PORTION):
            part = rows[start : start + PORTION]
            writer.add(file.read(part), file.labels[part], [sources[row] for row in part])


def together(file: DatasetFile) -> np.ndarray:
    """Return for each row a number that equal images and those of one group share, (N,)."""
    hashes = [row.tobytes() for row in file.hashes()]
    return joined(*([hashes] if file.groups is None else [hashes, file.groups.tolist()]))
