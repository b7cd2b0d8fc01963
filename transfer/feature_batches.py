"""The one path from photos to features: decoded on all cores while the network runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

import numpy as np

from sightkit._errors import SightkitError
from sightkit.io.threads import IMAGES_A_TASK, in_batches

if TYPE_CHECKING:
    from sightkit.transfer.feature_network import FeatureNetwork

EXAMPLES = {"float32": 8, "bfloat16": 128}
"""Photos that an engine is compared with Keras on, by precision."""


def feature_batches(
    network: FeatureNetwork,
    read: Callable[[int], np.ndarray],
    rows: range,
    name: Callable[[int], str],
    *,
    tolerant: bool = False,
) -> Generator[tuple[range, np.ndarray, dict[int, str]], None, None]:
    """Features of photos, batch by batch, always cut at the same places.

    Args:
        network: from ``open_network``.
        read: row to image, uint8; called from several threads.
        rows: all of them.
        name: row to what errors call the photo.
        tolerant: name the rows that cannot be read, rather than raise; they have a feature too.

    Yields:
        Rows; their features, float32 (n, D); which of them cannot be read, and why.

    Raises:
        SightkitError: features that are not finite; a photo that cannot be read.
    """
    size = network.images_a_batch
    unreadable = (SightkitError, OSError) if tolerant else ()

    def prepare(part: range) -> tuple[np.ndarray, dict[int, str]]:
        images, reasons = [], {}
        for row in part:
            try:
                images.append(read(row))
            except unreadable as error:
                reasons[row] = str(error)
                images.append(np.zeros((1, 1, 3), np.uint8))
        return network.prepare(images), reasons

    rows_a_task = min(size, max(1, IMAGES_A_TASK // network.crops))
    with contextlib.closing(in_batches(prepare, rows, size, rows_a_task)) as batches:
        for batch, parts in batches:
            reasons = {row: why for _, found in parts for row, why in found.items()}
            # The unreadable go through the network too: a batch's size moves its last bits.
            features = network.features(np.concatenate([prepared for prepared, _ in parts]))
            bad = [batch[k] for k in np.flatnonzero(~np.isfinite(features).all(axis=1))]
            for row in bad:
                if row not in reasons:
                    raise SightkitError(
                        "The network must give finite numbers.",
                        "Its training diverged, or its weights are damaged.",
                        photo=name(row),
                    )
            yield batch, features, reasons
