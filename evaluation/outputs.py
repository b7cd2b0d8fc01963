"""Check ``--output`` before any work, and write answers to it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from sightkit import _files, _run_files
from sightkit._errors import SightkitError
from sightkit.evaluation.tables import csv_table

ANSWERS = (".json", ".csv")
FORMAT = "sightkit-evaluation"
"""In metrics.json of an evaluation's folder, which another evaluation may replace."""


def require_file(path: str | os.PathLike[str], endings: Sequence[str] = ()) -> None:
    """Check, before any work, that a file can be written.

    Args:
        path: of the file; an existing one will be replaced.
        endings: those allowed, in small letters with their dot; any where there are none.

    Raises:
        SightkitError: its folder is missing or cannot be written to, it is a folder itself, or
            another ending.
    """
    path = Path(path)
    if endings and path.suffix.lower() not in endings:
        raise SightkitError(
            f"The file's name must end in {' or '.join(endings)}.", output=str(path)
        )
    if not path.name or path.is_dir():
        raise SightkitError(
            "--output must name a file, and this is a folder.",
            "Choose another name.",
            output=str(path),
        )
    _files.require_writable(path.parent)
    if not path.parent.is_dir():
        raise SightkitError(
            "The folder of --output must exist.", "Make it, or choose another.", output=str(path)
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
    _files.read_own(Path(path), _run_files.METRICS, FORMAT)


def write_answers(
    path: str | os.PathLike[str], answers: Mapping[str, Mapping[str, float | None]]
) -> None:
    """Write a classifier's answers to some pictures, atomically.

    Args:
        path: ``.json`` gives ``{picture: [{"class": name, "probability": p}, …]}``, ``.csv`` the
            columns picture, rank, class, probability.
        answers: for each picture the most probable classes in order; None, null in JSON and empty
            in CSV, for what has no probability ("none of these").

    Raises:
        SightkitError: another ending, or a folder that cannot be written to.
    """
    require_file(path, ANSWERS)
    # Bytes of a file's name that are no text are written as they print: \\udc80.
    named = {
        picture.encode("utf-8", "backslashreplace").decode(): classes
        for picture, classes in answers.items()
    }
    if Path(path).suffix.lower() == ".json":
        _files.write_json(
            path,
            {
                picture: [{"class": name, "probability": share} for name, share in classes.items()]
                for picture, classes in named.items()
            },
        )
        return
    rows = [
        {"picture": picture, "rank": rank, "class": name, "probability": share}
        for picture, classes in named.items()
        for rank, (name, share) in enumerate(classes.items(), start=1)
    ]
    _files.write_text(path, csv_table(rows))
