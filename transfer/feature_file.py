"""Feature files of ``extract_features``: one alone or several side by side."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from typing_extensions import TypedDict

from sightkit import _schema
from sightkit._errors import SightkitError
from sightkit.io import DatasetFile
from sightkit.transfer.feature_network import Identity

KEY = "features"
KIND = "features"
BLOCK_BYTES = 2**25
"""Bytes read at once of a file that may be larger than the memory."""


@dataclass(frozen=True)
class Features:
    """Features of photos, of one network or of several side by side; made by ``open_features``.

    Attributes:
        files: one a network, all of the same photos.
        networks: each file's description of its network.
    """

    files: tuple[DatasetFile, ...]
    networks: tuple[dict[str, Any], ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(photos, dimensions)."""
        return self.files[0].shape[0], sum(file.shape[1] for file in self.files)

    @property
    def labels(self) -> np.ndarray:
        """int64 (N,), indices into ``class_names``."""
        return self.files[0].labels

    @property
    def class_names(self) -> tuple[str, ...]:
        """In label order."""
        return self.files[0].class_names

    @property
    def splits(self) -> dict[str, tuple[int, int]]:
        """Name to first row and row after the last."""
        return self.files[0].splits

    @property
    def groups(self) -> np.ndarray | None:
        """int64 (N,), equal for photos that belong together; None where that is not known."""
        return self.files[0].groups

    @functools.cached_property
    def order(self) -> np.ndarray:
        """Rows in the order of their data, int64 (N,): of a folder, sorted by name in each split.

        Divisions and folds follow it, so that they do not depend on the order of the file.
        """
        rows = np.arange(self.shape[0])
        if "mixed" not in self.files[0].recipe.get("data", {}):
            return rows
        names = self.sources()
        ends = [last for _, last in self.splits.values()]
        split = np.searchsorted(ends, rows, side="right")
        return np.array(sorted(rows, key=lambda row: (split[row], names[row].encode())), np.int64)

    def sources(self) -> tuple[str, ...]:
        """The source of each row."""
        return self.files[0].sources()

    def take(self, rows: np.ndarray | slice) -> np.ndarray:
        """Return rows by position: float32 (n, dimensions), a copy."""
        parts = [file.read(rows) for file in self.files]
        return np.concatenate(parts, axis=1) if len(parts) > 1 else np.array(parts[0])

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield all rows, some at a time, in the order of the file."""
        size = max(1, BLOCK_BYTES // (4 * self.shape[1]))
        for start in range(0, self.shape[0], size):
            rows = slice(start, min(start + size, self.shape[0]))
            yield rows, self.take(rows)

    def require_finite(self) -> None:
        """Raise if a feature is not finite.

        Raises:
            SightkitError: how many photos have such features, and the first of them.
        """
        bad = [
            rows.start + int(row)
            for rows, block in self.blocks()
            for row in np.flatnonzero(~np.isfinite(block).all(axis=1))
        ]
        if bad:
            raise SightkitError(
                "Every feature must be a finite number.",
                "Extract them again; if the network itself gives NaN, its training diverged.",
                photos=len(bad),
                first=self.sources()[bad[0]],
                path=str(self.files[0].path),
            )


def open_features(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], key: str | Sequence[str] = ()
) -> Features:
    """Open feature files; several of them are joined side by side, photo by photo.

    Args:
        paths: file, or files, that ``scripts/extract_features.py`` wrote.
        key: path of the features in the file, ``"vgg16/features"`` where they are in a group: one
            for all files, one a file, or several of one file.

    Raises:
        SightkitError: none, one that is incomplete or holds no features, files that are not of
            the same photos, classes and splits in the same order, or keys that are not theirs.

    Example:
        features = open_features(["mobilenet.h5", "squeezenet.h5"])
        features.take(slice(0, 10))
    """
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    if not paths:
        raise SightkitError("Name at least one feature file.", "For example features.h5.")
    keys = [key] if isinstance(key, str) else list(key) or [""]
    count = max(len(paths), len(keys))
    if not {len(paths), len(keys)} <= {1, count}:
        raise SightkitError(
            "Keys of features must be one for all files, one for each, or several of one file.",
            "Give as many keys as files.",
            files=len(paths),
            keys=keys,
        )
    both = (list(each) * (count // len(each)) for each in (paths, keys))
    files = tuple(map(_open, *both))
    for other in files[1:]:
        _require_same_photos(files[0], other)
    return Features(files, tuple(file.recipe["network"] for file in files))


class FeatureRecipe(TypedDict):
    """The recipe of a feature file."""

    kind: Literal["features"]
    network: Identity
    data: dict[str, Any]
    before: dict[str, Any] | None


def _open(path: str | os.PathLike[str], key: str) -> DatasetFile:
    file = DatasetFile.open(path, key)
    next_step = "Extract them first, with scripts/extract_features.py."
    if file.data_key != KEY or file.recipe.get("kind") != KIND or len(file.shape) != 2:
        raise SightkitError(
            "The file must hold features.", next_step, path=str(path), holds=file.data_key
        )
    try:
        recipe = _schema.checked(file.recipe, FeatureRecipe, more=True)
        if recipe["network"]["dimensions"] != file.shape[1]:
            raise ValueError(f"features of {file.shape[1]} dimensions")
    except ValueError as error:
        raise SightkitError(
            f"The file must say which network its features are of: {error}.",
            next_step,
            path=str(path),
        ) from error
    return file


def _require_same_photos(first: DatasetFile, other: DatasetFile) -> None:
    rule = "Feature files that are joined must be of the same photos"
    names = {"first": first.path.name, "other": other.path.name}
    same = {
        "classes": first.class_names == other.class_names,
        "splits": first.splits == other.splits,
        "labels": np.array_equal(first.labels, other.labels),
    }
    if differ := [name for name, equal in same.items() if not equal]:
        raise SightkitError(
            f"{rule}, and these differ in {', '.join(differ)}.",
            "Extract both of them from the same data.",
            **names,
        )
    pairs = zip(first.sources(), other.sources(), strict=True)
    differs = next((pair for pair in pairs if pair[0] != pair[1]), None)
    if differs is not None:
        raise SightkitError(
            f"{rule}, in the same order.",
            "Extract both of them from the same data.",
            **names,
            photo=differs[0],
            there=differs[1],
        )
