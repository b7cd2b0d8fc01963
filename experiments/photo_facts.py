"""What is known of photos before anything is stored or trained: counts, sizes, colours."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sightkit import io as sightkit_io
from sightkit._errors import SightkitError
from sightkit.io.labels import class_counts

Photos = sightkit_io.FolderDataset | sightkit_io.DatasetFile
SAMPLE = 32
"""Photos that are decoded for size and colour, from all over the data."""
LARGE = (320, 320)
"""Height and width above which a photo's size is of no interest: it may be decoded smaller."""


@dataclass(frozen=True)
class PhotoFacts:
    """Facts that the settings of a training are chosen by.

    Attributes:
        counts: photos of each class, by its name; of a dataset file its training images.
        train: training photos.
        height: median of a sample, pixels, at least 320 where photos are larger; likewise width.
        alike: whether all of the sample have one size.
        grey: whether all of the sample are grey.
        stored: whether they are the images of a dataset file.
    """

    counts: Mapping[str, int]
    train: int
    height: int
    width: int
    alike: bool = True
    grey: bool = False
    stored: bool = False


def photo_facts(photos: Photos, fractions: Mapping[str, float]) -> PhotoFacts:
    """Look at a folder of photos, or at a dataset file.

    Args:
        photos: the folder, or the file.
        fractions: shares of the splits, of a folder; those of parts of its own stay.

    Raises:
        SightkitError: as ``io.FolderDataset``, or no photo of the sample can be read.
    """
    stored = isinstance(photos, sightkit_io.DatasetFile)
    if stored:
        first, last = photos.rows("train")
        labels, names, read = photos.labels[first:last], photos.class_names, photos.read
        rows, train = np.arange(first, last), last - first
    else:
        source = photos.shrinkable(LARGE)()
        labels, names, read = source.labels, source.class_names, source.read
        rows = np.arange(len(source))
        kept = {name: len(part) for name, part in source.fixed if name != "train"}
        divided = sum(share for name, share in fractions.items() if name not in kept)
        train = round((len(source) - sum(kept.values())) * fractions["train"] / divided)
    images = []
    for row in rows[np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(int)].tolist():
        with contextlib.suppress(SightkitError):  # those that cannot be read are counted later
            images.append(np.asarray(read(row)))
    if not images:
        where = photos.path if stored else photos.folder
        raise SightkitError("None of the photos can be read.", data=str(where))
    sizes = np.array([image.shape[:2] for image in images])
    height, width = np.median(sizes, axis=0).astype(int).tolist()
    return PhotoFacts(
        counts=class_counts(labels, names),
        train=train,
        height=height,
        width=width,
        alike=bool((sizes == sizes[0]).all()),
        grey=all(bool((image == image[..., :1]).all()) for image in images),
        stored=stored,
    )
