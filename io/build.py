"""From a source of images to a dataset file: the one implementation behind every builder script."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sightkit._errors import SightkitError
from sightkit.io.hdf5_file import DatasetFile
from sightkit.io.hdf5_writer import HDF5DatasetWriter
from sightkit.io.sources import ImageSource
from sightkit.io.split import split

CHUNK_ROWS = 1024


class ImageChain(Protocol):
    """What building asks of a preprocessing chain (``preprocessing.Pipeline`` fits)."""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """One uint8 image to another, all results of one shape."""
        ...

    def to_config(self) -> dict[str, Any]:
        """The chain as JSON."""
        ...


def build_dataset(
    source: Callable[[], ImageSource],
    path: str | os.PathLike[str],
    *,
    preprocessors: ImageChain,
    fractions: Mapping[str, float],
    split_seed: int = 0,
    limit: int | None = None,
    overwrite: bool = False,
) -> DatasetFile:
    """Write a source of images into a dataset file, or open the file if it stands already.

    A file that exists is used only if it was built by the same recipe: same source, chain,
    fractions, seed and limit. Duplicates, by the pixels of the original image, stay in one split.
    Where the source defines a test split of its own, it is kept, and the other fractions, scaled
    to 1, divide the rest.

    Args:
        source: gives the images; called only if the file has to be built.
        path: the file.
        preprocessors: chain that makes all images one size.
        fractions: shares of the splits, ``"train"`` first; they add up to 1.
        split_seed: of the split; a seed of its own, so that every run meets the same test set.
        limit: take that many images of each split at most (for a quick try).
        overwrite: build the file again, whatever stands there.

    Returns:
        The file's description.

    Raises:
        SightkitError: a file of another recipe, or nothing that can be split.
    """
    path = Path(path)
    recipe = {
        "source": getattr(source, "__name__", str(source)),
        "preprocessing": preprocessors.to_config(),
        "fractions": dict(fractions),
        "split_seed": split_seed,
        "limit": limit,
    }
    if path.exists() and not overwrite:
        return _open_same(path, recipe)
    images = source()
    parts = _partition(images, fractions, split_seed)
    parts = {name: rows[:limit] for name, rows in parts.items()}
    shape = preprocessors(images.read(int(parts["train"][0]))).shape
    total = sum(len(rows) for rows in parts.values())
    with HDF5DatasetWriter(
        (total, *shape),
        path,
        class_names=images.class_names,
        splits={name: len(rows) for name, rows in parts.items()},
        preprocessing=preprocessors.to_config(),
        recipe=recipe,
        overwrite=overwrite,
    ) as writer:
        rows = np.concatenate(list(parts.values()))
        for start in range(0, total, CHUNK_ROWS):
            chunk = [int(row) for row in rows[start : start + CHUNK_ROWS]]
            writer.add(
                np.stack([_prepared(images, row, preprocessors, shape) for row in chunk]),
                images.labels[chunk],
                [images.identify(row) for row in chunk],
            )
    return DatasetFile.open(path)


def _prepared(
    images: ImageSource, row: int, preprocessors: ImageChain, shape: tuple[int, ...]
) -> np.ndarray:
    image = preprocessors(images.read(row))
    if image.shape != shape:
        raise SightkitError(
            f"All images must come out of the preprocessing in one size; the first has {shape}.",
            "Add a SimplePreprocessor or an AspectAwarePreprocessor to the chain.",
            image=images.identify(row),
            shape=image.shape,
        )
    return image


def _open_same(path: Path, recipe: dict[str, Any]) -> DatasetFile:
    file = DatasetFile.open(path)
    different = [key for key in recipe if file.recipe.get(key) != recipe[key]]
    if different:
        raise SightkitError(
            f"The dataset file was built by another recipe: {', '.join(different)} differ.",
            "Give --data another name, or delete the file.",
            path=str(path),
            found={key: file.recipe.get(key) for key in different},
            wanted={key: recipe[key] for key in different},
        )
    return file


def _partition(
    images: ImageSource, fractions: Mapping[str, float], seed: int
) -> dict[str, np.ndarray]:
    """Row numbers by split; a test split that the source defines is kept as it is."""
    fixed = dict(images.fixed)
    pool = fixed.get("train", np.arange(len(images)))
    if "test" in fixed:
        rest = {name: share for name, share in fractions.items() if name != "test"}
        fractions = {name: share / sum(rest.values()) for name, share in rest.items()}
    hashes = [hashlib.sha256(images.read(int(row)).tobytes()).digest() for row in pool]
    parts = split(images.labels[pool], fractions, seed=seed, groups=hashes)
    parts = {name: pool[rows] for name, rows in parts.items()}
    if "test" in fixed:
        parts["test"] = fixed["test"]
    return parts
