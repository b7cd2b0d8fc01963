"""Folders that are ours: known by a file in them, replaced and deleted all at once.

Standard library only: every folder may import this file.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from sightkit import _files, _run_files
from sightkit._errors import SightkitError
from sightkit._faults import crash_point


def read_own(folder: Path, name: str, kind: str) -> dict[str, Any] | None:
    """Return the JSON that makes a folder ours; None where the folder is missing or empty.

    Locks and what killed processes left count for nothing.

    Args:
        folder: where something is to be written.
        name: of the JSON file.
        kind: its entry ``format``.

    Raises:
        SightkitError: the folder holds other files.
    """
    found = _files.stored_json(folder / name)
    if found.get("format") == kind:
        return found
    names = {*os.listdir(folder)} if folder.is_dir() else set[str]()
    ours = {_run_files.LOCK, _run_files.REPLACED}
    others = sorted(each for each in names - ours if not _files.is_partial(each))
    if others:
        raise SightkitError(
            f"The output folder must be new or empty, or hold {name} of the format {kind}.",
            "Choose another --output: files that are not ours are never touched.",
            output=str(folder),
            found=others[:3],
        )
    return None


def others(folder: Path, own: re.Pattern[str]) -> list[str]:
    """Return the files in a folder that is ours, and below it, that are not ours.

    Args:
        folder: where it is missing, or a link, nothing is found.
        own: fits the paths of our files, relative to the folder, with ``/``.
    """
    below = folder.rglob("*") if _files.is_own_folder(folder) else ()
    paths = [path.relative_to(folder) for path in below if not _files.is_own_folder(path)]
    return sorted(
        path.as_posix()
        for path in paths
        if not own.fullmatch(path.as_posix()) and not any(map(_files.is_partial, path.parts))
    )


def require_no_others(folder: Path, found: Collection[str]) -> None:
    """Raise where files that are not ours are in a folder that is about to be deleted."""
    if found:
        raise SightkitError(
            f"The folder {folder.name}/ is deleted, and must hold no files but its own.",
            "Move them elsewhere, or choose another --output.",
            folder=str(folder),
            found=[*found][:3],
        )


@contextlib.contextmanager
def replacing_together(folder: Path, names: Collection[str]) -> Iterator[Path]:
    """Replace several files of a folder at once: all of them are written before any is replaced.

    Yields a temporary folder in ``folder``, of its name. Of ``names`` those that the block writes
    there take the place of the old ones, and the others are removed; if it raises, nothing is
    changed.
    """
    temporary = _files.partial_of(folder / "files") / folder.resolve().name
    temporary.mkdir(parents=True)
    try:
        yield temporary
        crash_point("files.written")
        for name in names:
            if (temporary / name).exists():
                os.replace(temporary / name, folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
        crash_point("files.renamed")
        _files.sync(folder)
    finally:
        _files.remove(temporary.parent)


def drop(folder: Path) -> None:
    """Remove a folder all at once: killed in between, nothing of it is left under its name."""
    if _files.is_own_folder(folder):
        going = _files.partial_of(folder)
        folder.rename(going)
        _files.sync(folder.parent)
        shutil.rmtree(going)


def remove_partial(folder: Path) -> None:
    """Remove temporary files that killed processes left; call it with the folder locked."""
    for path in folder.glob(f".*{_files.PARTIAL}.*"):
        _files.remove(path)


def replace(new: Path, folder: Path) -> None:
    """Rename a complete folder onto another; the old one goes only when the new one is there.

    A process that is killed between the two renames leaves what ``put_back`` brings back.
    """
    put_back(folder)
    old = _aside(folder)
    _files.remove(old)
    _files.sync(new)
    if folder.exists():
        os.replace(folder, old)
        crash_point("folder.aside")
    os.replace(new, folder)
    _files.sync(folder.parent)
    crash_point("folder.replaced")
    _files.remove(old)


def put_back(folder: Path) -> None:
    """Bring back a folder that a killed process had put aside, and never replaced."""
    if _files.is_own_folder(old := _aside(folder)) and not os.path.lexists(folder):
        os.replace(old, folder)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}{_run_files.REPLACED}")
