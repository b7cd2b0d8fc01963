"""A gallery of photos by their features: from a folder, a dataset file or a feature file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files, transfer
from sightkit._errors import SightkitError
from sightkit._scripts import warn
from sightkit.io import DatasetFile
from sightkit.io.hdf5.values import original_key
from sightkit.io.sources.folder_dataset import UNLABELLED
from sightkit.preprocessing import from_config
from sightkit.transfer.feature_batches import feature_batches
from sightkit.transfer.feature_file import KEY
from sightkit.transfer.feature_network import require_same_network
from sightkit.transfer.photos import photos_of

MODEL = "mobilenetv2_0.35"
"""Network of the features where none is named: the smallest, 1.7 MB."""


def open_gallery(
    data: str | os.PathLike[str],
    scratch: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | None = None,
    random: bool = False,
    check: Callable[[int], object] = int,
    **options: Any,
) -> transfer.Features:
    """Open the features of a gallery's photos, or extract them.

    Args:
        data: feature file of ``scripts/extract_features.py``; or folder of photos, with class
            folders or without, or dataset file, whose features are then extracted.
        scratch: folder for the features that are extracted; they are read from there.
        model: network, as ``transfer.open_network`` takes it: that of a feature file must be the
            same. By default the file's own, or the smallest pretrained one.
        random: weights as they are drawn, of a network of the zoo.
        check: called with the number of photos before features are extracted; raises where so many
            cannot be used.
        **options: of a folder: ``layout``, ``labels``, ``exclude``, see ``io.FolderDataset``.

    Raises:
        SightkitError: neither file nor folder; a feature file of another network than ``model``;
            else as ``transfer.open_photos`` and ``transfer.extract_features``.
    """
    stored = Path(data).is_file() and DatasetFile.open(data).data_key == KEY
    cache = _files.user_cache("compiled")
    if stored:
        features = transfer.open_features(data)
        check(features.shape[0])
        if model is None:
            return features
        wanted = transfer.open_network(model, random=random, cache=cache)
        for found in features.networks:
            require_same_network(
                found,
                wanted.identity,
                f"the network of {Path(data).name}",
                "Leave --model out, or extract the features again by scripts/extract_features.py.",
            )
        return features
    transfer.check_network(model or MODEL, random=random)
    photos = transfer.open_photos(data, **options)
    check(len(photos.rows))
    network = transfer.open_network(model or MODEL, random=random, cache=cache)
    path = Path(scratch) / "features.h5"
    return transfer.extract_features(network, photos, path, cache=cache)


def labels_of(features: transfer.Features) -> np.ndarray | None:
    """Return the labels of a gallery, int64 (n,); None where its photos are in no classes."""
    return None if features.class_names == (UNLABELLED,) else features.labels


def photo_features(
    photos: Mapping[str, np.ndarray],
    features: transfer.Features,
    networks: Sequence[transfer.FeatureNetwork],
) -> tuple[np.ndarray, np.ndarray]:
    """Take features of photos as those of a gallery were taken.

    Args:
        photos: name to uint8 (H, W, 3) or (H, W, 1), of any sizes.
        features: of the gallery.
        networks: those of ``transfer.networks_of(features)``.

    Returns:
        float32 (m, d); and a key of each photo, uint64 (m,), equal for equal pixels.

    Raises:
        SightkitError: features that are not finite.
    """
    if not photos:
        raise SightkitError("There must be a photo at least.", "Name one.", photos=0)
    names, images = list(photos), list(photos.values())
    columns = []
    for network, file in zip(networks, features.files, strict=True):
        before = file.recipe.get("before")
        chain = from_config(before) if before else None
        given = images if chain is None else [chain(image) for image in images]
        rows = range(len(given))
        batches = feature_batches(network, given.__getitem__, rows, names.__getitem__)
        columns.append(np.concatenate([found for _, found, _ in batches]))
    return np.concatenate(columns, axis=1), _numbers(np.stack([*map(original_key, images)]))


def keys_of(features: transfer.Features) -> np.ndarray:
    """Return the key of each photo of a gallery, uint64 (n,); zeros where the file has none."""
    for file in features.files:
        if (originals := file.originals()) is not None:
            return _numbers(originals)
    return np.zeros(features.shape[0], np.uint64)


def drawn_rows(features: transfer.Features, most: int, seed: int = 0) -> np.ndarray:
    """Return the rows of a gallery, int64, ascending; of more than ``most`` a random part.

    Args:
        features: of the gallery.
        most: how many at most; the rest is reported.
        seed: of the draw.
    """
    count = features.shape[0]
    if count <= most:
        return np.arange(count)
    warn(f"{most:,} of {count:,} photos, drawn at random, are taken; --most takes more.")
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])


def thumbnails_of(features: transfer.Features, rows: np.ndarray) -> list[np.ndarray | None]:
    """Return small pictures of rows of a gallery; None for a photo that is gone.

    Args:
        features: of the gallery.
        rows: int64 (n,).
    """
    read = photos_of(features, rows).images
    return list(read(np.arange(len(rows)))) if read else [None] * len(rows)


def _numbers(keys: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(keys).view("<u8").ravel()
