"""Check of the disk: room for the checkpoints."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import keras

from sightkit import _files
from sightkit.training.checks.report import LeftOut, Line, failed, passed, warned
from sightkit.training.state import bytes_needed


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
