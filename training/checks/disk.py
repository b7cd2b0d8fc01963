"""Checks of files alone: images in two splits, room for the checkpoints."""

from __future__ import annotations

import os
import shutil
from itertools import combinations
from pathlib import Path
from typing import Any

import keras
import numpy as np

from sightkit import _files
from sightkit.training.checks.report import LeftOut, Line, failed, passed, warned
from sightkit.training.state import bytes_needed

TOLERATED = 0.01
"""Share of a split that may be in another; CIFAR-10 itself has a few such images."""


def splits(*data: Any) -> Line:
    """Find the same image, byte for byte, in two splits of the dataset files."""
    files = {each.file.path: each.file for each in data if hasattr(each, "file")}
    if not files:
        raise LeftOut("the data come from no dataset file, and have no row hashes")
    found = [
        (name if len(files) == 1 else f"{name} of {path.name}", hashes)
        for path, file in files.items()
        for name, hashes in _hashes(file).items()
    ]
    if len(found) < 2:
        raise LeftOut("the dataset file has one split")
    shared = []
    for (first, ours), (second, theirs) in combinations(found, 2):
        count = int(np.isin(ours, theirs).sum())
        if count:
            share = count / min(len(ours), len(theirs))
            shared.append((share, f"{count:,} images of {first} are in {second} too"))
    if not shared:
        counts = ", ".join(f"{name} {len(hashes):,}" for name, hashes in found)
        return passed(f"no image is in two of them: {counts}")
    report = failed if max(shared)[0] > TOLERATED else warned
    return report(
        "; ".join(text for _, text in sorted(shared, reverse=True)),
        "Remove duplicates from the source before it is split, or the test images are known.",
    )


def disk(model: keras.Model, folder: str | os.PathLike[str] | None) -> Line:
    """Compare free space with what the run's checkpoints and bundle take."""
    if folder is None:
        raise LeftOut("no run folder was given")
    needed = bytes_needed(model)
    free = shutil.disk_usage(_files.existing_parent(Path(folder))).free
    text = f"{free / 2**20:,.0f} MiB are free, checkpoints and bundle take {needed / 2**20:,.0f}"
    if free < needed:
        return failed(text, "Free some space, or choose another --output.")
    if free < 2 * needed:
        return warned(text, "Free some space: other programs write there too.")
    return passed(text)


def _hashes(file: Any) -> dict[str, np.ndarray]:
    """Return the row hashes of each split, as one opaque value a row."""
    rows = np.ascontiguousarray(file.hashes()).view("V32").ravel()
    # The test split of a search's file is the validation images again; its recipe says so.
    known = {"test"} if "search" in file.recipe else set()
    return {name: rows[slice(*ends)] for name, ends in file.splits.items() if name not in known}
