"""Labelled images whose features are wanted: a folder of photos, or a dataset file."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightkit._errors import printable
from sightkit._scripts import warn
from sightkit.evaluation.evaluation_data import require_images
from sightkit.io import DatasetFile, FolderDataset, Grouping, ImageSource, joined
from sightkit.io.hdf5.values import original_key
from sightkit.io.sources.folder_scan import scan_folder
from sightkit.training import photo_chain

MIXED = 42
"""Seed of the order in which photos of a folder are written."""


@dataclass(frozen=True)
class PhotoSource:
    """Labelled images whose features are wanted; made by ``open_photos``.

    Attributes:
        images: the source.
        rows: the order in which they are taken, one split after the other; those of a folder are
            mixed, because a file sorted by class is divided wrongly by whoever cuts it at a row.
        splits: name to number of rows.
        origin: JSON that identifies these data.
        place: absolute path of folder or file; names of images are relative to a folder.
        before: config of the chain that the images have been through already.
        side: the shorter one of images that all have one size; None where each has its own.
        groups: int64, a number for each image of the source, equal for those that belong together;
            None where that is not known.
    """

    images: ImageSource
    rows: np.ndarray
    splits: dict[str, int]
    origin: dict[str, Any]
    place: str
    before: dict[str, Any] | None = None
    side: int | None = None
    groups: np.ndarray | None = None


class Originals:
    """Photos as they are read, and a key of each, by which a head knows those it was trained on.

    Args:
        photos: from ``open_photos``.

    Attributes:
        keys: uint8 (N, 8), in the order of ``photos.rows``; zeros of those that were not read.
    """

    def __init__(self, photos: PhotoSource) -> None:
        self.keys = np.zeros((len(photos.rows), 8), np.uint8)
        self._photos = photos

    def read(self, position: int) -> np.ndarray:
        """Read a photo by its position; from several threads."""
        image = self._photos.images.read(int(self._photos.rows[position]))
        self.keys[position] = original_key(image)
        return image


def open_photos(
    data: str | os.PathLike[str], *, groups: str | None = None, **options: Any
) -> PhotoSource:
    """Open a folder of images, or a dataset file.

    Args:
        data: folder, see ``io.FolderDataset``, or one that holds photos without classes; or file
            that one of scripts/build_*.py wrote.
        groups: rule of images that belong together, see ``io.Grouping``; by default those of the
            file.
        **options: of a folder: ``layout``, ``labels``, ``exclude`` and others of
            ``io.FolderDataset``.

    Raises:
        SightkitError: neither, or no images in it, or one without a group.
    """
    if groups is not None:
        photos, grouping = open_photos(data, **options), Grouping(groups)
        names = [photos.images.identify(row) for row in range(len(photos.images))]
        return dataclasses.replace(
            photos,
            origin={**photos.origin, "groups": grouping.to_config()},
            groups=joined(grouping(names)),
        )
    if Path(data).is_dir():
        if _is_flat(Path(data), options):
            warn(
                "The photos are in no class folders: their features have no labels, save by "
                "another layout, or a table of labels."
            )
            options = {**options, "layout": "none"}
        folder = FolderDataset(Path(data), **options)
        images = folder()
        fixed = dict(images.fixed) or {"train": np.arange(len(images))}
        rng = np.random.Generator(np.random.Philox(key=[MIXED, 0]))
        fixed = {name: rng.permutation(rows) for name, rows in fixed.items()}
        rows = np.concatenate(list(fixed.values()))
        splits = {name: len(part) for name, part in fixed.items()}
        origin = {**folder.to_config(), "mixed": MIXED}
        return PhotoSource(images, rows, splits, origin, printable(str(folder.root)))
    file = DatasetFile.open(data)
    require_images(file)
    sources = file.sources()
    images = ImageSource(
        file.path.stem, file.class_names, file.labels, file.read, sources.__getitem__
    )
    chain, line = photo_chain(file)
    if line:
        warn(line)
    return PhotoSource(
        images,
        np.arange(len(images)),
        {name: last - first for name, (first, last) in file.splits.items()},
        {"name": "DatasetFile", "sha256": file.sha256},
        printable(str(file.path.resolve())),
        chain.to_config(),
        min(file.shape[1:3]),
        file.groups,
    )


def _is_flat(folder: Path, options: dict[str, Any]) -> bool:
    """Return whether photos are in a folder itself, and none below it, and nothing labels them."""
    if options.get("layout", "folders") != "folders" or options.get("labels"):
        return False
    scan = scan_folder(folder, follow_links=options.get("follow_links", False))
    return bool(scan.images) and not any("/" in name for name, _ in scan.images)
