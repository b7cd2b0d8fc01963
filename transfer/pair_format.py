"""How networks with a head lie on the disk. No Keras here: a folder is checked before it starts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sightkit import _files, training
from sightkit._errors import SightkitError
from sightkit.training.bundle_format import CANARY, DESCRIPTION, FORMAT, SCHEMA, damaged, digest
from sightkit.transfer.heads.storage import FILE

KIND = "features_and_head"
WEIGHTS = "network-{}.weights.h5"
FIELDS: dict[str, type] = {
    "networks": list,
    "head": dict,
    "class_names": list,
    "training": dict,
    "metrics": dict,
    "files": dict,
    "canary": list,
}


def check(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Check, without Keras, a bundle of either kind: a whole network, or networks with a head.

    Returns:
        What bundle.json holds.

    Raises:
        SightkitError: no bundle, a newer version's, or a file that is missing or not as it was
            written.
    """
    folder = Path(folder)
    if kind_of(folder) != KIND:
        return training.check_bundle(folder)
    description = _files.read_json(folder / DESCRIPTION)
    if description.get("format") != FORMAT:
        raise damaged(folder, f"{DESCRIPTION} is not a bundle's")
    if isinstance(description.get("schema"), int) and description["schema"] > SCHEMA:
        raise SightkitError(
            "The bundle was written by a newer version.", "Update sightkit.", bundle=str(folder)
        )
    if description.pop("sha256", None) != digest(description):
        raise damaged(folder, f"{DESCRIPTION} is not as it was written")
    for name, kind in FIELDS.items():
        if not isinstance(description.get(name), kind):
            raise damaged(folder, f"{name} in {DESCRIPTION} must be a {kind.__name__}")
    for name in files_of(len(description["networks"])):
        path = folder / name
        if not path.is_file() or _files.sha256(path) != description["files"].get(name):
            raise damaged(folder, f"{name} is missing or not the file that was saved")
    return description


def kind_of(folder: str | os.PathLike[str]) -> str | None:
    """The kind that a folder's bundle.json names; None where there is none."""
    path = Path(folder) / DESCRIPTION
    found = _files.read_json(path) if path.is_file() else None
    return found.get("kind") if isinstance(found, dict) else None


def files_of(networks: int) -> list[str]:
    """Names of the files beside bundle.json."""
    return [FILE, CANARY, *(WEIGHTS.format(index) for index in range(networks))]
