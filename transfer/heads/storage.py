"""A head on the disk: arrays in an .npz without pickle, settings as JSON."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from typing_extensions import TypedDict

from sightkit import _arrays, _files, _schema
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


def load_head(folder: Path, description: Mapping[str, Any], classes: int, dimensions: int) -> Head:
    """Read a stored head.

    Args:
        folder: of the bundle.
        description: what ``save_head`` returned.
        classes: that it must have.
        dimensions: of the features that it must take.

    Raises:
        SightkitError: an unknown kind, or arrays and settings that do not fit it or the bundle.
    """
    settings = dict(description)
    kind = str(settings.pop("kind", None))
    if kind not in HEADS:
        raise SightkitError(
            f"A head is one of {', '.join(HEADS)}.", "Update sightkit.", kind=kind, path=str(folder)
        )
    head = HEADS[kind]
    try:
        settings = _schema.checked(settings, _settings(head))
        arrays = _arrays.read_npz(folder / FILE)
        _arrays.check_arrays(arrays, head.stored, classes=classes, dimensions=dimensions)
        found = head(**arrays, **settings)
        if (found.classes, found.dimensions) != (classes, dimensions):
            raise ValueError(f"of {found.classes} classes and {found.dimensions} features")
        found.check()
    except ValueError as error:
        raise SightkitError(
            f"The head is damaged: {error}.", "Train it again.", path=str(folder / FILE)
        ) from error
    return found


@functools.cache
def _settings(head: type[Any]) -> Any:
    """The type of a head's settings."""
    kinds = get_type_hints(head)
    names = (each.name for each in dataclasses.fields(head) if each.name not in head.stored)
    # pyright takes the classes of literals alone.
    return TypedDict("Settings", {name: kinds[name] for name in names})  # type: ignore[misc]
