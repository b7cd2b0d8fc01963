"""A bundle on the disk: its kinds and their files, checked when it is read, written or not at all.

No Keras here: a bundle of any kind is checked before Keras starts.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from sightkit import __version__, _files, _run_files, zoo
from sightkit._errors import SightkitError, of_the_system

FORMAT = "sightkit-bundle"
SCHEMA = 1
DESCRIPTION = "bundle.json"
WEIGHTS = "model.weights.h5"
NETWORK_WEIGHTS = "network-{}.weights.h5"
HEAD = "head.npz"
DISTANCE = "distance.npz"
"""Distances from the classes of a head, where they were measured."""
CANARY = "canary.png"
TRAINING_ROWS = "training_rows.npy"
"""Keys of the images that were trained on, where they are known (``io.Manifest``)."""

NETWORK = "classifier"
KERAS = "keras"
"""A network that no builder made."""
NETWORK_AND_HEAD = "features_and_head"
ALONE = (NETWORK, KERAS)
"""The kinds of a network without a head."""


@dataclass(frozen=True)
class Kind:
    """A kind of bundle.

    Attributes:
        name: in words, for messages.
        loader: the function that loads it.
        fields: of its description beside those that every bundle has.
        files: a description to the names of the files that the bundle must hold.
        networks: a description to the origin of each network, see ``zoo.origin``.
    """

    name: str
    loader: str
    fields: Mapping[str, type]
    files: Callable[[Mapping[str, Any]], list[str]]
    networks: Callable[[Mapping[str, Any]], list[Any]]


KINDS = {
    **{
        kind: Kind(
            name,
            "sightkit.training.load_bundle",
            {"network": dict, "preprocessing": dict},
            lambda found: [WEIGHTS, CANARY, *({TRAINING_ROWS} & set(found["files"]))],
            lambda found: [found["network"]],
        )
        for kind, name in ((NETWORK, "a network"), (KERAS, "a network of Keras"))
    },
    NETWORK_AND_HEAD: Kind(
        "networks with a head on their features",
        "sightkit.transfer.load",
        {"networks": list, "head": dict},
        lambda found: [
            HEAD,
            CANARY,
            *({DISTANCE, TRAINING_ROWS} & set(found["files"])),
            *map(NETWORK_WEIGHTS.format, range(len(found["networks"]))),
        ],
        lambda found: [entry["identity"]["network"] for entry in found["networks"]],
    ),
}
FIELDS: dict[str, type] = {
    "class_names": list,
    "training": dict,
    "metrics": dict,
    "files": dict,
    "canary": list,
}


def check_bundle(
    folder: str | os.PathLike[str], kinds: Collection[str] = tuple(KINDS)
) -> dict[str, Any]:
    """Check, without Keras, that a bundle is complete and of a kind that can be used.

    Args:
        folder: of the bundle.
        kinds: those that the caller can use; all by default.

    Returns:
        The contents of bundle.json.

    Raises:
        SightkitError: no bundle, a newer version's, one of another kind, an unknown builder, or a
            file that is missing or not as it was written.
    """
    folder = Path(folder)
    description = read_description(folder)
    found = KINDS[description["kind"]]
    if description["kind"] not in kinds:
        raise SightkitError(
            f"The bundle must be {' or '.join(KINDS[kind].name for kind in kinds)}; "
            f"this one is {found.name}.",
            f"Load it with {found.loader}.",
            bundle=str(folder),
            kind=description["kind"],
        )
    for name in found.files(description):
        path = folder / name
        if not path.is_file() or _files.sha256(path) != description["files"].get(name):
            raise damaged(folder, f"{name} is missing or not the file that was saved")
    try:
        networks = found.networks(description)
    except (KeyError, TypeError) as error:
        raise damaged(folder, f"networks in {DESCRIPTION} must have an identity each") from error
    if not all(map(zoo.check_origin, networks)):
        raise damaged(folder, "a network is named by its builder and arguments")
    return description


def read_description(folder: Path) -> dict[str, Any]:
    """Read bundle.json, and check that it is as it was written and all fields are of their type."""
    if not (folder / DESCRIPTION).is_file():
        inside = folder / _run_files.BUNDLE
        raise SightkitError(
            f"A bundle is a folder with {DESCRIPTION} in it.",
            f"This is a run's folder: give {inside}."
            if (inside / DESCRIPTION).is_file()
            else "A training script writes one to RUN/bundle.",
            bundle=str(folder),
        )
    description = _files.read_json(folder / DESCRIPTION)
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise damaged(folder, f"{DESCRIPTION} is not a bundle's")
    schema = description.get("schema")
    if not isinstance(schema, int):
        raise damaged(folder, f"schema in {DESCRIPTION} must be a number")
    if schema > SCHEMA or description.get("kind") not in KINDS:
        raise SightkitError(
            f"A bundle must be of schema {SCHEMA} and one of the kinds {', '.join(KINDS)}; this "
            "one was written by a newer version.",
            "Update sightkit.",
            bundle=str(folder),
            schema=schema,
            kind=description.get("kind"),
        )
    if description.pop("sha256", None) != digest(description):
        raise damaged(folder, f"{DESCRIPTION} is not as it was written")
    for name, kind in (FIELDS | dict(KINDS[description["kind"]].fields)).items():
        if not isinstance(description.get(name), kind):
            raise damaged(folder, f"{name} in {DESCRIPTION} must be a {kind.__name__}")
    return description


def write_bundle(
    folder: str | os.PathLike[str], kind: str, write: Callable[[Path], Mapping[str, Any]]
) -> Path:
    """Write a bundle of any kind; an existing folder is replaced once the new one is complete.

    Args:
        folder: of the bundle.
        kind: one of ``KINDS``.
        write: writes all files but bundle.json into the folder that it is given, and returns the
            fields of the description that belong to the kind.

    Returns:
        The folder.

    Raises:
        SightkitError: see ``check_place``.
    """
    folder = check_place(folder)
    temporary = folder.with_name(f".{folder.name}{_files.PARTIAL}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        fields = write(temporary)
        files = sorted(temporary.iterdir())
        description: dict[str, Any] = {
            "format": FORMAT,
            "schema": SCHEMA,
            "kind": kind,
            **fields,
            "files": {path.name: _files.sha256(path) for path in files},
            "versions": {"sightkit": __version__, "keras": metadata.version("keras")},
        }
        _files.write_json(temporary / DESCRIPTION, {**description, "sha256": digest(description)})
        for path in files:
            _files.sync(path)
        _replace_folder(temporary, folder)
    except OSError as error:
        raise (of_the_system(error, folder) or error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def check_place(folder: str | os.PathLike[str]) -> Path:
    """Return the folder of a bundle; raise unless a bundle may be written there.

    Raises:
        SightkitError: a file, a folder with other things in it, or one that cannot be written to.
    """
    folder = Path(folder)
    _files.require_writable(folder)
    _files.read_own(folder, DESCRIPTION, FORMAT)
    return folder


def digest(description: Mapping[str, Any]) -> str:
    """SHA-256 of a description without its own hash: finds what rotted or was edited by hand."""
    text = json.dumps(description, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def damaged(folder: Path, reason: str) -> SightkitError:
    """Return the error for a bundle that is not as it was written."""
    return SightkitError(
        f"The bundle is damaged: {reason}.", "Fetch or train it again.", bundle=str(folder)
    )


def _replace_folder(new: Path, folder: Path) -> None:
    """Rename a complete folder onto another; the old one goes only when the new one is there."""
    old = folder.with_name(f".{folder.name}.old")
    if old.exists() and not folder.exists():  # killed between the two renames below
        os.replace(old, folder)
    shutil.rmtree(old, ignore_errors=True)
    _files.sync(new)
    if folder.exists():
        os.replace(folder, old)
    os.replace(new, folder)
    _files.sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)
