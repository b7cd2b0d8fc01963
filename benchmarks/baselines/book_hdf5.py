"""HDF5 writer and generator as books and their readers write them; for comparison only.

What makes them slow is their design (float64, a buffer of Python lists, a loop per image), which
is unchanged; nothing else is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import h5py
import numpy as np


class BookWriter:
    """Buffers rows in a list and writes them as floats."""

    def __init__(self, dims: tuple[int, ...], path: str, buffer_size: int = 1000) -> None:
        self.file = h5py.File(path, "w")
        self.images = self.file.create_dataset("images", dims, dtype="float")
        self.labels = self.file.create_dataset("labels", (dims[0],), dtype="int")
        self.buffer_size = buffer_size
        self.buffer: dict[str, list[Any]] = {"images": [], "labels": []}
        self.index = 0

    def add(self, rows: Sequence[np.ndarray], labels: Sequence[int]) -> None:
        self.buffer["images"].extend(rows)
        self.buffer["labels"].extend(labels)
        if len(self.buffer["images"]) >= self.buffer_size:
            self.flush()

    def flush(self) -> None:
        end = self.index + len(self.buffer["images"])
        self.images[self.index : end] = self.buffer["images"]
        self.labels[self.index : end] = self.buffer["labels"]
        self.index = end
        self.buffer = {"images": [], "labels": []}

    def close(self) -> None:
        if self.buffer["images"]:
            self.flush()
        self.file.close()


class BookGenerator:
    """Slices in file order, preprocesses image by image, one-hot labels."""

    def __init__(
        self, path: str, batch_size: int, preprocessors: Sequence[Any] = (), classes: int = 2
    ) -> None:
        self.file = h5py.File(path, "r")
        self.batch_size = batch_size
        self.preprocessors = preprocessors
        self.classes = classes
        self.count = self.file["labels"].shape[0]

    def one_pass(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, self.count, self.batch_size):
            images = self.file["images"][start : start + self.batch_size]
            labels = self.file["labels"][start : start + self.batch_size]
            labels = np.eye(self.classes)[labels]
            if self.preprocessors:
                processed = []
                for image in images:
                    for preprocessor in self.preprocessors:
                        image = preprocessor.preprocess(image)
                    processed.append(image)
                images = np.array(processed)
            yield images, labels

    def close(self) -> None:
        self.file.close()
