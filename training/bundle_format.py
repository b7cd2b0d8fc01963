"""A bundle on the disk: its kinds and their files, checked when it is read, written or not at all.

No Keras here: a bundle of any kind is checked before Keras starts.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import pkgutil
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from typing_extensions import TypedDict

from sightkit import __version__, _files, _folders, _locks, _run_files, _schema
from sightkit._errors import SightkitError, of_the_system
from sightkit._schema import Name, Names, Sha256

FORMAT = "sightkit-bundle"
SCHEMA = 1
DESCRIPTION = "bundle.json"
AGAIN = "Fetch or train it again."
WEIGHTS = "model.weights.h5"
NETWORK_WEIGHTS = "network-{}.weights.h5"
HEAD = "head.npz"
DISTANCE = "distance.npz"
"""Distances from the classes of a head, where they were measured."""
CANARY = "canary.png"
TRAINING_ROWS = "training_rows.npy"
"""Keys of the images that were trained on, where they are known (``io.Manifest``)."""

FILES = (DESCRIPTION, WEIGHTS, HEAD, DISTANCE, CANARY, TRAINING_ROWS)
USUAL = re.compile("|".join([*FILES, NETWORK_WEIGHTS.format("[0-9]+")]))
"""Names of the files of a bundle."""

NETWORK = "classifier"
KERAS = "keras"
"""A network that no builder made."""
NETWORK_AND_HEAD = "features_and_head"
REGRESSOR = "regressor"
ALONE = (NETWORK, KERAS)
"""The kinds of a network without a head."""
CLASSIFIERS = (*ALONE, NETWORK_AND_HEAD)
"""The kinds of what answers a photo with a probability for each class."""


class Description(TypedDict):
    """What every bundle.json holds; a kind has fields of its own beside these."""

    format: Literal["sightkit-bundle"]
    schema: Literal[1]
    kind: Name
    class_names: Names
    training: dict[str, Any]
    metrics: dict[str, Any]
    canary: list[float]
    files: dict[Name, Sha256]
    versions: dict[str, str]
    sha256: Sha256


@dataclass(frozen=True)
class Kind:
    """A kind of bundle.

    Attributes:
        name: in words, for messages.
        loader: the function that loads it.
        schema: type of its description.
        files: a description to the names of the files that the bundle must hold.
        check: compares, without Keras, what a description says; raises as ``check_bundle`` does.
        open: loads it; its canary is not checked yet.
    """

    name: str
    loader: str
    schema: Any
    files: Callable[[Mapping[str, Any]], list[str]]
    check: Callable[[Path, Mapping[str, Any]], None]
    open: Callable[..., Any]


_MODULES = {
    **dict.fromkeys(ALONE, "sightkit.training.bundle"),
    NETWORK_AND_HEAD: "sightkit.transfer.feature_classifier",
    REGRESSOR: "sightkit.training.regressor",
}


def register_kind(name: str, module: str) -> None:
    """Let a module say what a kind is, by its ``KINDS``; imported when such a bundle is met.

    Raises:
        SightkitError: a name that is taken, or a module that is not one of sightkit's.
    """
    if name in _MODULES or not module.startswith("sightkit."):
        raise SightkitError(
            "A kind of bundle has a name of its own and a module of sightkit: names come from "
            "files, and a file must not choose what is imported.",
            name=name,
            module=module,
        )
    _MODULES[name] = module


def kind_of(name: str) -> Kind:
    """Return a kind by its name."""
    return importlib.import_module(_MODULES[name]).KINDS[name]


def _let_apps_register() -> None:
    """Import the installed apps' packages, which register their kinds; nothing here names one."""
    with contextlib.suppress(ModuleNotFoundError):  # no app is installed
        apps = importlib.import_module("sightkit.apps")
        for app in pkgutil.iter_modules(apps.__path__):
            importlib.import_module(f"{apps.__name__}.{app.name}")


def check_bundle(
    folder: str | os.PathLike[str], kinds: Collection[str] | None = CLASSIFIERS
) -> dict[str, Any]:
    """Check, without Keras, that a bundle is complete and of a kind that can be used.

    Args:
        folder: of the bundle.
        kinds: those that the caller can use, None for all; classifiers of photos by default.

    Returns:
        The contents of bundle.json, of the type that its kind has, without their hash.

    Raises:
        SightkitError: no bundle, a newer version's, one of another kind, an unknown builder, or a
            file that is missing or not as it was written.
    """
    folder = Path(folder)
    description = read_description(folder, kinds)
    for file in kind_of(description["kind"]).files(description):
        path = folder / file
        if not path.is_file() or _files.sha256(path) != description["files"].get(file):
            raise damaged(folder, f"{file} is missing or not the file that was saved")
    return description


def read_description(folder: Path, kinds: Collection[str] | None = None) -> dict[str, Any]:
    """Read bundle.json as ``check_bundle``, which looks at the other files as well."""
    path = folder / DESCRIPTION
    if not path.is_file():
        inside = folder / _run_files.BUNDLE
        raise SightkitError(
            f"A bundle is a folder with {DESCRIPTION} in it.",
            f"This is a run's folder: give {inside}."
            if (inside / DESCRIPTION).is_file()
            else "A training script writes one to RUN/bundle.",
            bundle=str(folder),
        )
    found = _schema.read(path, dict[str, Any], AGAIN)
    if found.get("format") != FORMAT:
        raise damaged(folder, f"{DESCRIPTION} is not a bundle's")
    name = str(found.get("kind"))
    if name not in _MODULES:
        _let_apps_register()
    if name not in _MODULES:
        raise SightkitError(
            f"A bundle must be of one of the kinds {', '.join(_MODULES)}; this one was written by "
            "a newer version, or is none.",
            "Update sightkit.",
            bundle=str(folder),
            kind=name,
        )
    kind = kind_of(name)
    if kinds is not None and name not in kinds:
        raise SightkitError(
            f"The bundle must be {' or '.join(kind_of(each).name for each in kinds)}; "
            f"this one is {kind.name}.",
            f"Load it with {kind.loader}.",
            bundle=str(folder),
            kind=name,
        )
    description = dict(_schema.read(path, kind.schema, AGAIN))
    if description.pop("sha256") != digest(description):
        raise damaged(folder, f"{DESCRIPTION} is not as it was written")
    names = description["class_names"]
    if len(set(names)) < len(names) or len(description["canary"]) != len(names):
        raise damaged(folder, "a class has a name of its own and a number in the canary's answer")
    kind.check(folder, description)
    return description


def write_bundle(
    folder: str | os.PathLike[str], kind: str, write: Callable[[Path], Mapping[str, Any]]
) -> Path:
    """Write a bundle of any kind; an existing folder is replaced once the new one is complete.

    Args:
        folder: of the bundle.
        kind: its name, see ``kind_of``.
        write: writes all files but bundle.json into the folder that it is given, and returns the
            fields of the description that belong to the kind.

    Returns:
        The folder.

    Raises:
        SightkitError: see ``check_place``.
    """
    folder = check_place(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".bundle{_files.PARTIAL}.{folder.name}")
    lock = _locks.FileLock(folder.with_name(f".{folder.name}.lock"), f"the bundle {folder.name}")
    lock.acquire()
    try:
        _files.remove(temporary)  # what a killed process left
        temporary.mkdir()
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
        _folders.replace(temporary, folder)
    except OSError as error:
        raise (of_the_system(error, folder) or error) from error
    finally:
        _files.remove(temporary)
        lock.release()
    return folder


def check_place(folder: str | os.PathLike[str]) -> Path:
    """Return the folder of a bundle; raise unless a bundle may be written there.

    Raises:
        SightkitError: a file, a folder with other things in it, or one that cannot be written to;
            a path without a name.
    """
    folder = Path(folder)
    if not folder.name:
        raise SightkitError(
            "A bundle replaces its folder, which must have a name.",
            "Give another folder, one in this one.",
            folder=str(folder),
        )
    _files.require_writable(folder)
    _folders.put_back(folder)
    if _folders.read_own(folder, DESCRIPTION, FORMAT) is not None:
        require_no_other_files(folder)
    return folder


def require_no_other_files(folder: Path) -> None:
    """Raise where a bundle, which will be replaced, holds files that no bundle has."""
    found = _folders.others(folder, USUAL)
    with contextlib.suppress(SightkitError):  # a damaged one has the usual names
        listed = _files.stored_json(folder / DESCRIPTION).get("files", ())
        found = [name for name in found if name not in listed]
    _folders.require_no_others(folder, found)


def digest(description: Mapping[str, Any]) -> str:
    """SHA-256 of a description without its own hash: finds what rotted or was edited by hand."""
    text = _files.json_text(description, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def damaged(folder: Path, reason: str) -> SightkitError:
    """Return the error for a bundle that is not as it was written."""
    return SightkitError(f"The bundle is damaged: {reason}.", AGAIN, bundle=str(folder))
