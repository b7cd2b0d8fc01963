"""Batches straight from a source of images, decoded on all cores: for a pass or two."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np

from sightkit.io.arguments import whole_number
from sightkit.io.chain import Chain
from sightkit.io.sources.image_source import ImageSource
from sightkit.io.threads import IMAGES_A_TASK, in_batches


def image_batches(
    source: ImageSource, batch_size: int, *, preprocessors: Chain
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Read a source once, in its order; each batch is decoded while the one before is used.

    What is read more than twice is better built into a dataset file (``build_dataset``): decoding
    costs ten times as much as reading that.

    Args:
        source: the images, for example ``FolderDataset(folder, at_least=(64, 64))()``.
        batch_size: images a batch; the last one may be short.
        preprocessors: chain that makes all images one size.

    Yields:
        (x, y): what the chain makes of the images, (n, H, W, C); int64 (n,) class indices.

    Raises:
        SightkitError: an image that cannot be read; it is named.

    Example:
        >>> from sightkit.io import digits
        >>> from sightkit.preprocessing import Pipeline, SimplePreprocessor
        >>> chain = Pipeline((SimplePreprocessor(16, 16),))
        >>> x, y = next(image_batches(digits(), 32, preprocessors=chain))
        >>> x.shape, y.shape
        ((32, 16, 16, 1), (32,))
    """
    batch_size = whole_number("batch_size", batch_size, at_least=1)

    def read_and_prepare(rows: range) -> np.ndarray:
        return preprocessors.batch([source.read(row) for row in rows])

    rows = range(len(source))
    parts_of = in_batches(read_and_prepare, rows, batch_size, IMAGES_A_TASK)
    with contextlib.closing(parts_of) as batches:
        for batch, parts in batches:
            yield np.concatenate(parts), source.labels[batch.start : batch.stop]
