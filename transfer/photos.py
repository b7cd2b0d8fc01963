"""Photos for a pretrained network: a dataset file, some for a quick look, those of some rows."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import io
from sightkit._errors import SightkitError
from sightkit._scripts import warn
from sightkit.evaluation.folder_batches import THUMBNAIL
from sightkit.evaluation.mistakes import Samples
from sightkit.io.build.folder_file import folder_to_file, nothing_there
from sightkit.io.sources.sample_photos import write_sample_photos
from sightkit.preprocessing import AspectAwarePreprocessor, Pipeline
from sightkit.transfer.feature_file import Features
from sightkit.transfer.imagenet import preprocessing_of
from sightkit.transfer.photo_source import open_photos
from sightkit.transfer.sources import CROP, is_bundle

FRACTIONS = {"train": 0.70, "validation": 0.15, "test": 0.15}
SEPARABLE = 2
"""Pictures of a class that come first: one to learn from, one to be held out."""


def stored_size(name: str, size: Sequence[int] = ()) -> tuple[int, int]:
    """Return height and width at which photos are stored for a network, pixels: 256 for 224.

    Its own preprocessing keeps the middle 0.875 of an image. Of one of this size that is what the
    network takes, pixel by pixel; the rest is there for shifts and turns to come from.

    Args:
        name: of the network, one of ``names()``; or the folder of a bundle.
        size: (height, width) of its input, where it is not the one that it was trained on.

    Raises:
        SightkitError: an unknown name, or a size for a bundle, whose network has its own.
    """
    if size and is_bundle(name):
        raise SightkitError(
            "The network of a bundle keeps its size; those trained on ImageNet take others.",
            "Leave --size out.",
            size=tuple(size),
            model=name,
        )
    taken = preprocessing_of(name, size)(np.zeros((256, 256, 3), np.uint8)).shape[:2]
    if is_bundle(name):
        taken = (max(taken),) * 2
    # The smallest size of which the rounded share is enough.
    height, width = (next(n for n in itertools.count(s) if round(CROP * n) >= s) for s in taken)
    return height, width


def photos_to_file(
    name: str,
    data: str | os.PathLike[str],
    *,
    size: Sequence[int] = (),
    fractions: Mapping[str, float] = FRACTIONS,
    split_seed: int = 42,
    limit: int | None = None,
    max_bad: float | None = None,
    groups: str | None = None,
    samples: bool = False,
    **options: Any,
) -> io.DatasetFile:
    """Build the dataset file of a folder of photos for a network, or open it if it exists.

    Images are stored as uint8 at ``stored_size(name)``; the network's own preprocessing is for
    reading. The file is ``datasets/FOLDER-SIZE-HASH.h5``; the hash is of photos, size and split, so
    that other photos never meet an old file.

    Args:
        name: of the network, one of ``names()``; or the folder of a bundle.
        data: the folder; or a dataset file, which is opened, with a warning of smaller images.
        size: (height, width) of the network's input, where it is not the one that it was trained
            on.
        fractions: share of each split; those of a dataset file stay.
        split_seed: of the division.
        limit: take that many images of each split at most.
        max_bad: share of photos that may be left out because they cannot be read.
        groups: rule of photos that stay in one split, see ``io.Grouping``; for a folder.
        samples: take a few sample photographs where there is no such folder, for a smoke run.
        **options: of a folder: ``layout``, ``labels`` and others of ``io.FolderDataset``.

    Returns:
        The file's description.

    Raises:
        SightkitError: neither folder nor file; else as ``io.build_dataset``.
    """
    (height, width), data = stored_size(name, size), Path(data)
    if data.is_file():
        file = io.DatasetFile.open(data)
        if groups is not None:
            raise SightkitError(
                "Groups are kept together where a folder is divided; a dataset file is divided.",
                "Give --groups to scripts/build_folder.py, or leave it out here.",
                data=str(data),
                groups=groups,
            )
        if file.shape[1] < height or file.shape[2] < width:
            wanted = str(height) if height == width else f"{height} {width}"
            warn(
                f"The images of {data.name} are {file.shape[2]}x{file.shape[1]}, and {name} wants "
                f"them of {width}x{height}, for shifts and turns: they are enlarged. Where the "
                f"photos are larger, build the file by scripts/build_folder.py --size {wanted}."
            )
        return file
    if not data.is_dir():
        if samples:
            with tempfile.TemporaryDirectory() as folder:
                photos = Path(folder) / "samples"
                photos.mkdir()
                write_sample_photos(photos)
                return photos_to_file(
                    name,
                    photos,
                    size=size,
                    fractions=fractions,
                    split_seed=split_seed,
                    limit=limit,
                )
        raise nothing_there(data)
    return folder_to_file(
        io.FolderDataset(data, **options),
        (height, width),
        preprocessors=Pipeline((AspectAwarePreprocessor(width, height),)),
        fractions=fractions,
        split_seed=split_seed,
        limit=limit,
        max_bad=max_bad,
        groups=groups,
    )


@dataclass(frozen=True)
class Sample:
    """Pictures and what they are a part of.

    Attributes:
        images: uint8 (H, W, 3), RGB, or (H, W, 1), of any sizes.
        labels: int64, one a picture.
        class_names: in label order.
        total: number of pictures in all.
    """

    images: list[np.ndarray]
    labels: np.ndarray
    class_names: tuple[str, ...]
    total: int


def draw_sample(
    data: str | os.PathLike[str], count: int, *, seed: int = 0, **options: Any
) -> Sample:
    """Read some pictures at random, two of each class first, then each class by its share.

    A file that cannot be read is named on stderr, and left out.

    Args:
        data: folder of pictures, or a dataset file.
        count: number of pictures.
        seed: of the choice.
        **options: of a folder, as for ``photos_to_file``.

    Raises:
        SightkitError: neither folder nor file, fewer than two classes, or no picture that can be
            read.
    """
    data = Path(data)
    if not data.exists():
        raise nothing_there(data)
    source = open_photos(data, **options).images
    images, read_rows = [], []
    for row in _chosen(source.labels, count, seed):
        try:
            images.append(np.array(source.read(row)))
        except SightkitError as error:
            warn(error)
        else:
            read_rows.append(row)
    if not images:
        raise SightkitError("None of the pictures can be read.", data=str(data))
    return Sample(images, source.labels[read_rows], source.class_names, len(source))


def photos_of(features: Features, rows: np.ndarray) -> Samples:
    """Return names of the photos of some rows, and their pixels where the data still are.

    Args:
        features: from ``open_features``.
        rows: int64 (n,).
    """
    sources = features.sources()
    names = [sources[row] for row in rows.tolist()]
    place = Path(features.files[0].recipe.get("place", ""))

    def images(positions: np.ndarray) -> list[np.ndarray | None]:
        shrink = AspectAwarePreprocessor(THUMBNAIL, THUMBNAIL)
        found: list[np.ndarray | None] = [None] * len(positions)
        with contextlib.suppress(SightkitError):  # the data are gone
            read = _reader(place)
            for index, position in enumerate(positions.tolist()):
                with contextlib.suppress(SightkitError, OSError, KeyError):
                    found[index] = shrink(read(names[position]))
        return found

    return Samples(lambda positions: [names[position] for position in positions.tolist()], images)


def _reader(place: Path) -> Callable[[str], np.ndarray]:
    """Return what reads an image of a folder or of a dataset file by its name."""

    if place.is_file():
        file = io.DatasetFile.open(place)
        row_of = {name: row for row, name in enumerate(file.sources())}
        return lambda name: np.array(file.read(row_of[name]))

    def of_folder(name: str) -> np.ndarray:
        path = place / name
        if not path.resolve().is_relative_to(place):  # the feature file may be anybody's
            raise KeyError(name)
        return io.read_image(path)

    return of_folder


def _chosen(labels: np.ndarray, count: int, seed: int) -> list[int]:
    """Return rows, ascending."""
    order = np.random.default_rng(seed).permutation(len(labels))
    place = np.empty(len(labels))
    for label in np.unique(labels):
        rows = order[labels[order] == label]
        place[rows] = np.arange(1, len(rows) + 1) / len(rows)
        place[rows[:SEPARABLE]] = 0
    return sorted(int(row) for row in order[np.argsort(place[order], kind="stable")][:count])
