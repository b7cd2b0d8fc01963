"""Batches of a folder of class folders: decoded in threads, bad photos reported and left out.

Nothing is written; the images are read in the order of their names.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import io
from sightkit._errors import SightkitError, few
from sightkit._scripts import warn
from sightkit.evaluation.photo_folder import report_left_out
from sightkit.io.threads import in_threads
from sightkit.preprocessing import AspectAwarePreprocessor

THUMBNAIL = 224
"""Photos come in the size of the camera; mistakes are shown in this."""


class FolderBatches:
    """Batches of a folder ``CLASS/image.jpg``, with the labels of a network's class names.

    A photo that cannot be read is reported on stderr in one line, counted and left out.

    Args:
        folder: of the class folders; their names must be class names, in any order.
        class_names: of the network, in label order.
        chain: from decoded image to the network's input, one image or a stack of views.
        batch_size: images a batch.
        watch: called with number and pixels of each photo that was decoded, from several threads.
        **options: ``exclude``, ``follow_links``, see ``io.FolderDataset``.

    Attributes:
        bad: paths of the photos that could not be read or were left out, with the reason.

    Raises:
        SightkitError: no such folder, or a class that the network does not have.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        class_names: Sequence[str],
        chain: Callable[[np.ndarray], np.ndarray],
        batch_size: int,
        watch: Callable[[int, np.ndarray], None] | None = None,
        **options: Any,
    ) -> None:
        self.source = io.FolderDataset(Path(folder), fewest=1, **options)()
        self.class_names = tuple(class_names)
        order = labels_of(self.source.class_names, self.class_names)
        self.chain = chain
        self.batch_size = batch_size
        self.bad: dict[str, str] = {}
        self._labels = order[self.source.labels]
        self._rows: list[int] = []
        self._watch = watch
        self._lost = dict(self.source.left_out[: self.source.lost])
        report_left_out(folder, self.source.left_out)

    @property
    def labels(self) -> np.ndarray:
        """int64 (n,): of the photos that were read so far, in their order."""
        return self._labels[self._rows]

    def __len__(self) -> int:
        return -(-len(self.source) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Read a batch; photos that cannot be read are left out, and it may be empty."""
        if index == 0:
            self._rows, self.bad = [], dict(self._lost)
        start = index * self.batch_size
        rows = range(start, min(start + self.batch_size, len(self.source)))
        prepared = []
        good = []
        for row, image in zip(rows, in_threads(self._prepare, rows), strict=True):
            if isinstance(image, SightkitError):
                self.bad[self.source.identify(row)] = str(image)
                warn(image)
            else:
                prepared.append(image)
                good.append(row)
        self._rows += good
        x = np.stack(prepared) if prepared else np.zeros((0, 1, 1, 1), np.float32)
        return x, self._labels[good]

    def images(self, rows: np.ndarray | slice) -> np.ndarray:
        """Photos by position among those that could be read: thumbnails, uint8 (n, H, W, 3)."""
        shrink = AspectAwarePreprocessor(THUMBNAIL, THUMBNAIL)
        return np.stack([shrink(self.source.read(row)) for row in np.array(self._rows)[rows]])

    def sources(self, rows: np.ndarray | slice) -> list[str]:
        """Names of photos by position among those that could be read."""
        return [self.source.identify(row) for row in np.array(self._rows)[rows].tolist()]

    def _prepare(self, row: int) -> np.ndarray | SightkitError:
        try:
            image = self.source.read(row)
        except SightkitError as error:
            return error
        if self._watch is not None:
            self._watch(row, image)
        return self.chain(image)


class FileBatches:
    """Batches of a split of a dataset file, with the labels of a network's class names.

    Args:
        data: ``io.HDF5DatasetGenerator``, in stored order.
        class_names: of the network, in label order.

    Raises:
        SightkitError: a class that the network does not have.
    """

    def __init__(self, data: Any, class_names: Sequence[str]) -> None:
        self.data = data
        self.class_names = tuple(class_names)
        self._order = labels_of(data.class_names, class_names)

    @property
    def labels(self) -> np.ndarray:
        """int64 (n,), in stored order."""
        return self._order[self.data.labels]

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Read a batch."""
        x, labels = self.data[index]
        return x, self._order[labels]

    def images(self, rows: np.ndarray | slice) -> np.ndarray:
        """Images as they are stored, uint8 (n, H, W, C), by position."""
        return self.data.images(rows)

    def sources(self, rows: np.ndarray | slice) -> list[str]:
        """Names of images by position."""
        return self.data.sources(rows)


def labels_of(found: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """Return the network's label of each class of some data, int64; the data may lack classes.

    Args:
        found: class names of the data.
        wanted: class names of the network, in label order.

    Raises:
        SightkitError: a class that the network does not have.
    """
    unknown = [name for name in found if name not in wanted]
    if unknown:
        raise SightkitError(
            "The data must have no other classes than the network.",
            (
                "name the class folders as the network names its classes",
                "leave the others out, with --exclude",
            ),
            unknown=few(list(map(repr, unknown))),
            missing=few([repr(name) for name in wanted if name not in found]),
        )
    index = {name: label for label, name in enumerate(wanted)}
    return np.array([index[name] for name in found], np.int64)
