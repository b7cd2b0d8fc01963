"""A head on the disk: arrays in an .npz without pickle, settings as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit.transfer.heads.classifier import Head
from sightkit.transfer.heads.linear import LinearHead
from sightkit.transfer.heads.neighbours import NeighboursHead
from sightkit.transfer.heads.trees import TreesHead

FILE = "head.npz"
HEADS: dict[str, type[Any]] = {head.kind: head for head in (LinearHead, TreesHead, NeighboursHead)}


def save_head(folder: Path, head: Head) -> dict[str, Any]:
    """Write the arrays into a folder; return their description, JSON."""
    with _files.replacing(folder / FILE) as temporary:
        np.savez(temporary, allow_pickle=False, **head.arrays())  # type: ignore[arg-type]
    return {"kind": head.kind, **head.settings()}


def load_head(folder: Path, description: dict[str, Any]) -> Head:
    """Read a stored head.

    Raises:
        SightkitError: an unknown kind, or arrays that do not fit it.
    """
    settings = dict(description)
    kind = settings.pop("kind", None)
    if kind not in HEADS:
        raise SightkitError(
            f"A head is one of {', '.join(HEADS)}.", "Update sightkit.", kind=kind, path=str(folder)
        )
    try:
        with np.load(folder / FILE, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return HEADS[kind](**arrays, **settings)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SightkitError(
            f"The head is damaged ({str(error).splitlines()[0]}).",
            "Train it again.",
            path=str(folder / FILE),
        ) from error
