"""Check ``--output`` before any work, and write answers to it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sightkit import _csv, _files, _folders, _run_files
from sightkit._errors import SightkitError

ANSWERS = (".json", ".csv")
FORMAT = "sightkit-evaluation"
"""In metrics.json of an evaluation's folder, which another evaluation may replace."""


def require_file(
    path: str | os.PathLike[str], endings: Sequence[str] = (), *, overwrite: bool = False
) -> None:
    """Check, before any work, that a file can be written.

    Args:
        path: of the file.
        endings: those allowed, in small letters with their dot; any where there are none.
        overwrite: it may exist, and will be replaced.

    Raises:
        SightkitError: its folder is missing or cannot be written to, it is no regular file, it
            exists, or another ending.
    """
    path = Path(path)
    if endings and path.suffix.lower() not in endings:
        raise SightkitError(
            f"The file's name must end in {' or '.join(endings)}.", output=str(path)
        )
    if not path.name or (os.path.lexists(path) and not path.is_file()):
        raise SightkitError(
            "--output must name a file, and this is a folder, a pipe, a device or a dead link.",
            "Choose another name.",
            output=str(path),
        )
    _files.require_writable(path.parent, of=path)
    if not path.parent.is_dir():
        raise SightkitError(
            "The folder of --output must exist.", "Make it, or choose another.", output=str(path)
        )
    if os.path.lexists(path) and not overwrite:
        raise SightkitError(
            "The file of --output exists already.",
            "Give --overwrite to replace it, or another name.",
            output=str(path),
        )


def require_folder(path: str | os.PathLike[str]) -> None:
    """Check, before any work, that an evaluation can be written into a folder.

    Args:
        path: new or empty, or the folder of an earlier evaluation; its files will be replaced.

    Raises:
        SightkitError: a file, a folder that cannot be written to, or one with other files in it,
            such as a run.
    """
    _files.require_writable(path)
    _folders.read_own(Path(path), _run_files.METRICS, FORMAT)


def write_answers(
    path: str | os.PathLike[str],
    answers: Mapping[str, Mapping[str, float | None]],
    failed: Mapping[str, str] | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """Write a classifier's answers to some pictures, atomically.

    Args:
        path: ``.json`` gives ``{picture: [{"class": name, "probability": p}, …]}``, ``.csv`` the
            columns picture, rank, class, probability, error.
        answers: for each picture the most probable classes in order; None, null in JSON and empty
            in CSV, for what has no probability ("none of these").
        failed: pictures that could not be read, with the reason: each has a row, or in JSON one
            entry, without class and probability, whose ``error`` holds it.
        overwrite: replace the file if it exists.

    Raises:
        SightkitError: another ending, a file that exists, or a folder that cannot be written to.
    """
    require_file(path, ANSWERS, overwrite=overwrite)
    entries: dict[str, list[dict[str, Any]]] = {
        picture: [{"class": name, "probability": p} for name, p in classes.items()]
        for picture, classes in answers.items()
    }
    for picture, reason in (failed or {}).items():
        nothing = {"class": None, "probability": None, "error": reason}
        entries[picture] = [nothing]
    if Path(path).suffix.lower() == ".json":
        _files.write_json(path, entries)
        return
    rows = [
        {"picture": picture, "rank": None if "error" in each else rank, "error": "", **each}
        for picture, classes in entries.items()
        for rank, each in enumerate(classes, start=1)
    ]
    _csv.write_csv(path, rows, ("picture", "rank", "class", "probability", "error"))
