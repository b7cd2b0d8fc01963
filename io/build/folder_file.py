"""The dataset file of a folder of photos, named by what it was made of."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from sightkit._errors import SightkitError
from sightkit.io.build.dataset import build_dataset
from sightkit.io.chain import Chain
from sightkit.io.groups import Grouping
from sightkit.io.hdf5.file import DatasetFile
from sightkit.io.sources.archives import extract_archive, is_archive
from sightkit.io.sources.folder_dataset import FolderDataset

FOLDER = Path("datasets")


def folder_to_file(
    source: FolderDataset,
    size: tuple[int, int],
    *,
    preprocessors: Chain,
    fractions: Mapping[str, float],
    split_seed: int = 42,
    limit: int | None = None,
    max_bad: float | None = None,
    groups: str | None = None,
) -> DatasetFile:
    """Build the dataset file of a folder of photos, or open it if it exists.

    The file is ``datasets/FOLDER-SIZE-HASH.h5``, of photos that a table names TABLE-SIZE-HASH; the
    hash is of photos, chain and split, so that other photos never meet an old file.

    Args:
        source: the folder.
        size: (height, width) of the images in the file.
        preprocessors: chain that makes them, uint8.
        fractions: share of each split.
        split_seed: of the division.
        limit: take that many images of each split at most.
        max_bad: share of photos that may be left out because they cannot be read.
        groups: rule of photos that stay in one split, see ``io.Grouping``.

    Returns:
        The file's description.

    Raises:
        SightkitError: as ``io.build_dataset``.
    """
    height, width = size
    shape = str(height) if height == width else f"{height}x{width}"
    own = [source.to_config(), preprocessors.to_config()]
    recipe = [*own, dict(fractions), split_seed, limit, max_bad]
    if groups is not None:
        recipe.append(Grouping(groups).to_config())
    mark = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:8]
    name = Path(source.labels).stem if source.labels else Path(source.folder).resolve().name
    return build_dataset(
        source,
        FOLDER / f"{name}-{shape}-{mark}.h5",
        preprocessors=preprocessors,
        fractions=fractions,
        split_seed=split_seed,
        limit=limit,
        max_bad=max_bad,
        groups=groups,
    )


def nothing_there(data: str | os.PathLike[str]) -> SightkitError:
    """Return the error for data that are neither folder nor file."""
    return SightkitError(
        "--data must name a folder of photos, or a dataset file (.h5).",
        "It holds one folder a class: PHOTOS/cats/1.jpg, PHOTOS/dogs/1.jpg."
        if Path(data).exists()
        else "Nothing exists there: check the path.",
        data=str(data),
    )


def unpacked_once(data: str | os.PathLike[str]) -> Path:
    """Return the folder of an archive's photos, unpacked now or before; of others the path itself.

    The folder is ``datasets/ARCHIVE-HASH``, and stays: a resume finds its photos there.

    Args:
        data: a zip or tar archive, by its content; or anything else.

    Raises:
        SightkitError: as ``extract_archive``.
    """
    data = Path(data)
    if not is_archive(data):
        return data
    with data.open("rb") as file:
        mark = hashlib.file_digest(file, "sha256").hexdigest()[:8]
    folder = FOLDER / f"{data.stem.removesuffix('.tar')}-{mark}"
    return folder if folder.is_dir() else extract_archive(data, folder)
