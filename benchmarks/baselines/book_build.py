"""The loop that builds a dataset file in books: read, resize, add, image by image; to compare."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from baselines.book_hdf5 import BookWriter
from baselines.book_preprocessing import AspectAware


def build(paths: Sequence[Path], labels: Sequence[int], side: int, output: Path) -> np.ndarray:
    """Write all images, float64, RGB; the mean of each channel is summed up on the way."""
    writer = BookWriter((len(paths), side, side, 3), str(output))
    aspect_aware = AspectAware(side, side)
    means = []
    for path, label in zip(paths, labels, strict=True):
        read = cv2.imread(str(path))
        if read is None:
            raise ValueError(f"{path} cannot be read.")
        image = cv2.cvtColor(read, cv2.COLOR_BGR2RGB)
        image = aspect_aware.preprocess(image)
        means.append(cv2.mean(image)[:3])
        writer.add([image], [label])
    writer.close()
    return np.mean(means, axis=0)
