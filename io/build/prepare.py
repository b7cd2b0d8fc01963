"""Read, preprocess and hash every image of a source once, on all cores."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from sightkit._errors import SightkitError
from sightkit.io.chain import Chain
from sightkit.io.near_copies import Thumbnails
from sightkit.io.sources.image_source import ImageSource
from sightkit.io.threads import in_threads, progress

MEMORY_BYTES = 2**29
"""Rows that wait to be written stay in memory up to this size, beyond it in a nameless file."""

TASK_ROWS = 16


class Prepared:
    """Preprocessed images of a source, by their index in it.

    The split of an image is known only when all have been read. So that none is decoded
    twice, rows wait in memory or in a nameless file beside the dataset; where there is room for
    neither they are read again when they are taken.

    Args:
        images: the source; ``read`` is called from several threads.
        preprocessors: chain that makes all images one size.
        tolerant: collect images that cannot be read; otherwise the first is an error.

    Attributes:
        shape: (H, W, C) of every row; empty where no image can be read.
        hashes: uint8 (N, 32), SHA-256 of each row.
        unreadable: index to reason, of images that could not be read.
        thumbnails: of all that could, as they were read, for ``Thumbnails.copies``.
    """

    def __init__(self, images: ImageSource, preprocessors: Chain, *, tolerant: bool) -> None:
        self.hashes = np.zeros((len(images), 32), np.uint8)
        self.unreadable: dict[int, str] = {}
        self.thumbnails = Thumbnails(len(images))
        self._images = images
        self._chain = preprocessors
        self._tolerant = tolerant
        self._held: np.ndarray | None = None
        rows = ((row, self._prepare(row)) for row in range(len(images)))
        self._first, self._image = next((pair for pair in rows if pair[1] is not None), (0, None))
        self.shape = () if self._image is None else self._image.shape

    def read_all(self, *, spare: int | None, folder: Path, name: str) -> None:
        """Read every image.

        Args:
            spare: bytes that the disk must keep free for the dataset; None if rows shall not wait
                but be read again.
            folder: where rows may wait.
            name: what the progress bar says.
        """
        if self._image is None:
            return
        count, first = len(self._images), self._first
        if spare is not None:
            shape, fits = (count, *self.shape), count * self._image.size <= MEMORY_BYTES
            self._held = np.empty(shape, np.uint8) if fits else _on_disk(shape, folder, spare)
        self._store(first, self._image)
        starts = range(first + 1, count, TASK_ROWS)
        tasks = (range(start, min(start + TASK_ROWS, count)) for start in starts)
        with (
            progress(count, name) as advance,
            contextlib.closing(in_threads(self._store_rows, tasks)) as results,
        ):
            advance(first + 1)
            for done in results:
                advance(done)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Rows by index, uint8 (n, H, W, C)."""
        if self._held is not None:
            return self._held[rows]
        return np.stack(list(in_threads(self._reread, rows)))

    def keys(self) -> list[bytes]:
        """For each image a key that two share if they were equal before preprocessing.

        Equal images have equal rows: only those whose rows are the same are read again.
        """
        keys = [row.tobytes() for row in self.hashes]
        often = {key for key, times in Counter(keys).items() if times > 1}
        equal = [row for row, key in enumerate(keys) if key in often and row not in self.unreadable]
        originals = list(in_threads(self._original_hash, equal))
        for row, original in zip(equal, originals, strict=True):
            keys[row] += original
        return keys

    def _store_rows(self, rows: range) -> int:
        for row in rows:
            image = self._prepare(row)
            if image is not None:
                self._store(row, image)
        return len(rows)

    def _prepare(self, row: int) -> np.ndarray | None:
        try:
            image = self._images.read(row)
            self.thumbnails.add(row, image)
        except (SightkitError, OSError) as error:
            if not self._tolerant:
                raise unreadable(self._images.identify(row), error) from error
            self.unreadable[row] = str(error)
            return None
        return np.ascontiguousarray(self._chain(image))

    def _store(self, row: int, image: np.ndarray) -> None:
        if image.shape != self.shape:
            raise SightkitError(
                "All images must come out of the preprocessing in one size; the first has "
                f"{self.shape}.",
                "Add a SimplePreprocessor or an AspectAwarePreprocessor to the chain.",
                image=self._images.identify(row),
                shape=image.shape,
            )
        if image.dtype != np.uint8:
            raise SightkitError(
                "Images must come out of the preprocessing as the bytes they are, uint8.",
                "Give steps that make floats to the generator.",
                image=self._images.identify(row),
                dtype=image.dtype,
            )
        self.hashes[row] = np.frombuffer(hashlib.sha256(image.data).digest(), np.uint8)
        if self._held is not None:
            self._held[row] = image

    def _reread(self, row: int) -> np.ndarray:
        image = np.ascontiguousarray(self._chain(self._images.read(int(row))))
        if hashlib.sha256(image.data).digest() != self.hashes[row].tobytes():
            raise SightkitError(
                "An image must not change while the dataset is built.",
                "Build it again.",
                image=self._images.identify(int(row)),
            )
        return image

    def _original_hash(self, row: int) -> bytes:
        image = np.ascontiguousarray(self._images.read(row))
        return hashlib.sha256(str(image.shape).encode() + image.tobytes()).digest()


def unreadable(image: str, error: Exception) -> SightkitError:
    """The error for an image that cannot be read and may not be left out."""
    return SightkitError(
        f"Every image must be readable, and one is not. {error}",
        (
            "find every bad file by scripts/verify_dataset.py",
            "allow a share of them by --max-bad 0.01",
        ),
        image=image,
    )


def _on_disk(shape: tuple[int, ...], folder: Path, spare: int) -> np.ndarray | None:
    """A file without a name, gone with this process however that ends."""
    size = math.prod(shape)
    if shutil.disk_usage(folder).free < size + spare:
        return None
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)  # a full disk under a map is a SIGBUS
        except OSError:
            return None
        return np.memmap(file, np.uint8, "r+", shape=shape)
