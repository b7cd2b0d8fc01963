"""A folder of pictures, split by picture. No Keras here."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from sightkit import io
from sightkit._errors import SightkitError
from sightkit.evaluation import PhotoFolder

SAMPLES = 4
MOST_PIXELS = 200_000_000
"""Of all pictures together: they are held as float32, twice."""


def read_pictures(folder: Path, *, follow_links: bool = False) -> dict[str, np.ndarray]:
    """Read all pictures of a folder and of those in it: path to uint8 (H, W, 3), RGB.

    Raises:
        SightkitError: no such folder, no pictures, one that cannot be read, or too many pixels.
    """
    if not folder.is_dir():
        raise SightkitError(
            "--data must name a folder of pictures.", "Check the path.", data=str(folder)
        )
    photos, found, pixels = PhotoFolder([folder], follow_links=follow_links), {}, 0
    for part in photos:
        found |= part
        pixels += sum(picture.shape[0] * picture.shape[1] for picture in part.values())
        if pixels > MOST_PIXELS:
            raise SightkitError(
                f"The pictures of a training are held in memory: {MOST_PIXELS:,} pixels at most.",
                "Take fewer of them, or make them smaller.",
                data=str(folder),
            )
    photos.require_all("Remove or replace them.")
    return dict(sorted(found.items()))


def sample_pictures() -> dict[str, np.ndarray]:
    """Return four sample photos by path, for a smoke run: uint8 (H, W, 3), RGB."""
    with tempfile.TemporaryDirectory() as scratch:
        io.write_sample_photos(scratch)
        found = read_pictures(Path(scratch))
    return dict(list(found.items())[:SAMPLES])


def split_pictures(
    pictures: dict[str, np.ndarray], share: float, seed: int
) -> dict[str, dict[str, np.ndarray]]:
    """Split pictures into ``train`` and ``val``, at random by the seed; each has one at least.

    Raises:
        SightkitError: fewer than two pictures.
    """
    if len(pictures) < 2:
        raise SightkitError(
            "There must be a picture to learn from and another one to choose the epoch.",
            "Add pictures to the folder.",
            pictures=len(pictures),
        )
    count = min(len(pictures) - 1, max(1, round(share * len(pictures))))
    order = np.random.default_rng(seed).permutation(len(pictures))
    chosen = set(order[:count].tolist())
    parts: dict[str, dict[str, np.ndarray]] = {"train": {}, "val": {}}
    for number, (path, picture) in enumerate(pictures.items()):
        parts["val" if number in chosen else "train"][path] = picture
    return parts
