"""The manifest of training images: eight bytes an image, to find them in other data."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _arrays, _files
from sightkit._errors import SightkitError
from sightkit.io.hdf5.file import DatasetFile
from sightkit.io.hdf5.values import row_hashes


@dataclass(frozen=True)
class Manifest:
    """The images of a training split, as they were in the dataset file.

    Of each image's SHA-256 the first eight bytes are stored: among a million images a stranger is
    taken for one of them with a chance of 1 in 10^13.

    Attributes:
        keys: uint64 (n,), sorted, each once.
        preprocessing: config of the chain that the images had been through in their file.
    """

    keys: np.ndarray
    preprocessing: Mapping[str, Any]

    @classmethod
    def of(cls, file: DatasetFile, split: str = "train") -> Manifest:
        """The images of one split of a dataset file."""
        return cls.of_hashes(file.hashes()[slice(*file.rows(split))], file.preprocessing)

    @classmethod
    def of_hashes(cls, hashes: np.ndarray, preprocessing: Mapping[str, Any]) -> Manifest:
        """The images with these hashes, uint8 (n, 8 or more), once they are through a chain."""
        return cls(np.unique(_keys(hashes)), preprocessing)

    @classmethod
    def read(cls, path: str | os.PathLike[str], preprocessing: Mapping[str, Any]) -> Manifest:
        """Read the keys that ``write`` wrote.

        Raises:
            SightkitError: no such file, or one that holds something else.
        """
        try:
            keys = _arrays.read_npy(path)
            _arrays.check_arrays({"keys": keys}, {"keys": ("<u8", ("n",))})
        except ValueError as error:
            raise SightkitError(
                f"The list of training images is not one that was written for a bundle: {error}.",
                "Train again.",
                path=str(path),
            ) from error
        return cls(keys, preprocessing)

    @classmethod
    def joined(cls, manifests: Sequence[Manifest]) -> Manifest:
        """Join the manifests of several networks whose images went through one chain."""
        keys = np.unique(np.concatenate([each.keys for each in manifests]))
        return cls(keys, manifests[0].preprocessing)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the keys, 8 bytes an image, as a NumPy array."""
        with _files.replacing(Path(path)) as temporary, open(temporary, "wb") as file:
            np.save(file, self.keys.astype("<u8"), allow_pickle=False)

    def holds(self, hashes: np.ndarray) -> np.ndarray:
        """bool (n,): which rows of a dataset file, by their hashes, uint8 (n, 32), are among it."""
        return np.isin(_keys(hashes), self.keys)

    def holds_image(self, image: np.ndarray, chain: Callable[[np.ndarray], np.ndarray]) -> bool:
        """Return True if a decoded image is in it, once ``chain`` (from ``preprocessing``) is done.

        The chain must give what was in the file bit for bit, as it does with the same versions.
        """
        return bool(self.holds(row_hashes(chain(image)[np.newaxis]))[0])


def _keys(hashes: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(hashes[:, :8]).view("<u8").ravel()
