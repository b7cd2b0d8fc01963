"""Features of a folder that grew: those of photos that are unchanged stay."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit.io import HDF5DatasetWriter, LeftOut
from sightkit.transfer.feature_batches import feature_batches
from sightkit.transfer.feature_file import Features, open_features
from sightkit.transfer.photo_source import Originals, PhotoSource

if TYPE_CHECKING:
    from sightkit.transfer.feature_network import FeatureNetwork

GROWN = {"classes", "files", "sha256"}
"""Entries of a folder's identity that change with its photos."""
COMPARED = 4
"""Photos of each folder that are computed anew, and compared with what is stored."""
ROWS_AT_ONCE = 1024
CLOSE = 1e-2
"""Relative difference of the features of one photo, at most, by two engines."""


@dataclass(frozen=True)
class StoredFeatures:
    """Features in a file of an earlier state of the folder.

    Attributes:
        features: of the file.
        row_of: position among the photos to the file's row, of each that is in it unchanged.
    """

    features: Features
    row_of: dict[int, int]

    def agree(self, network: FeatureNetwork, photos: PhotoSource, names: list[str]) -> bool:
        """Compute some photos of each folder anew; a folder may have been replaced by another."""
        of_folder: dict[str, list[int]] = defaultdict(list)
        for position in self.row_of:
            of_folder[os.path.dirname(names[position])].append(position)
        rows = [row for positions in of_folder.values() for row in positions[:COMPARED]]
        if not rows:
            return False
        found, bad = _computed(network, Originals(photos), names, rows)
        wanted = self.features.take(np.array([self.row_of[row] for row in rows]))
        return not bad and bool(np.allclose(found, wanted, CLOSE, CLOSE * np.abs(wanted).max()))


def stored_features(
    path: Path, recipe: dict[str, Any], photos: PhotoSource, names: list[str]
) -> StoredFeatures | None:
    """Return the features that a file has of a folder's photos, where there are others now.

    A photo is unchanged whose file has not been written or moved since the features were.

    Args:
        path: of the file.
        recipe: of the features that are wanted.
        photos: of the folder as it is now.
        names: of the photos, in their order.

    Returns:
        None for the same photos, and for features of something else.
    """
    features = open_features([path])
    found = features.files[0].recipe
    then, now = found["data"], recipe["data"]
    others = {key for key in {*then, *now} if then.get(key) != now.get(key)}
    same = all(found.get(key) == recipe[key] for key in recipe if key not in ("data", "network"))
    place = Path(photos.place)
    if not (same and others and others <= GROWN and found.get("place") == photos.place):
        return None
    index = {name: row for row, name in enumerate(features.sources())}
    written, row_of = path.stat().st_mtime, {}
    for position, name in enumerate(names):
        with contextlib.suppress(OSError):
            if name in index and (place / name).stat().st_ctime < written:
                row_of[position] = index[name]
    return StoredFeatures(features, row_of)


def write_with_stored(
    writer: HDF5DatasetWriter,
    network: FeatureNetwork,
    photos: PhotoSource,
    names: list[str],
    stored: StoredFeatures,
) -> None:
    """Write all photos' features in their order, computing those that are not stored."""
    fresh = [row for row in range(len(names)) if row not in stored.row_of]
    originals = Originals(photos)
    values, reasons = _computed(network, originals, names, fresh)
    former = stored.features.files[0].originals()  # None: its extraction did not store them yet
    if former is not None:
        for row, stored_row in stored.row_of.items():
            originals.keys[row] = former[stored_row]
    place = {row: position for position, row in enumerate(fresh)}
    for start in range(0, len(names), ROWS_AT_ONCE):
        rows = range(start, min(start + ROWS_AT_ONCE, len(names)))
        kept = [row for row in rows if row in stored.row_of]
        good = np.array([row for row in rows if row not in reasons], np.int64)
        block = np.zeros((len(rows), writer.dims[1]), np.float32)
        old = np.array([stored.row_of[row] for row in kept], np.int64)
        block[np.array(kept, np.int64) - start] = stored.features.take(old)
        for row in rows:
            if row in place:
                block[row - start] = values[place[row]]
        writer.add(
            block[good - start],
            photos.images.labels[photos.rows[good]],
            [names[row] for row in good],
            originals=None if former is None else originals.keys[good],
            left_out=[LeftOut(row, names[row], reasons[row]) for row in rows if row in reasons],
        )


def _computed(
    network: FeatureNetwork, originals: Originals, names: list[str], rows: list[int]
) -> tuple[np.ndarray, dict[int, str]]:
    """Return features of some photos, float32 (n, D), and why some cannot be read."""
    values = np.zeros((len(rows), network.identity["dimensions"]), np.float32)
    reasons: dict[int, str] = {}
    batches = feature_batches(
        network,
        lambda row: originals.read(rows[row]),
        range(len(rows)),
        lambda row: names[rows[row]],
        tolerant=True,
    )
    with contextlib.closing(batches):
        for batch, features, bad in batches if rows else ():
            values[batch.start : batch.stop] = features
            reasons |= {rows[row]: why for row, why in bad.items()}
    return values, reasons
