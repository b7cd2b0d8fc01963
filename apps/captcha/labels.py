"""Texts of captchas: a table with the name, the hash and the text of each file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sightkit import _csv, _files
from sightkit._errors import SightkitError, few
from sightkit.evaluation import PhotoFolder
from sightkit.io.sources.label_table import read_table

COLUMNS = ("file", "sha256", "text")


@dataclass(frozen=True)
class LabelledCaptcha:
    """A row of the table.

    Attributes:
        file: name of the picture, without its folder.
        sha256: of the picture's file; may be empty in a table that was typed.
        text: what it says.
    """

    file: str
    sha256: str
    text: str


def read_labels(path: Path, alphabet: Sequence[str] | None = None) -> list[LabelledCaptcha]:
    """Read a table of texts, CSV with the columns ``file``, ``text`` and perhaps ``sha256``.

    Args:
        path: the file.
        alphabet: characters that texts may have; any by default.

    Raises:
        SightkitError: no such table, no rows, a file named twice, or a text that is empty or has
            characters outside of the alphabet; each with its line; or as ``read_table``.
    """
    table = read_table(path, "labels")
    columns = table.header
    if not {"file", "text"} <= {*columns}:
        raise SightkitError(
            "A table of captchas must have the columns file and text, and may have sha256.",
            "Write them into its first line: file,sha256,text.",
            path=str(path),
            columns=few(columns),
        )
    found: dict[str, LabelledCaptcha] = {}
    for line, cells in enumerate(table.body, 2):
        row = dict(zip(columns, cells, strict=True))
        name, label = row["file"], row["text"]
        where = {"path": str(path), "line": line}
        if not name or name in found:
            raise SightkitError(
                "Each line must name one file, and each file may have one line.",
                "Remove or correct the line.",
                file=name,
                **where,
            )
        require_text(label, alphabet, **where)
        found[name] = LabelledCaptcha(name, row.get("sha256", ""), label)
    if not found:
        raise SightkitError(
            "The table must have a captcha a line.", "Label some first.", path=str(path)
        )
    return list(found.values())


def write_labels(path: Path, rows: Sequence[LabelledCaptcha]) -> None:
    """Replace a table of texts, atomically."""
    _csv.write_csv(path, [asdict(row) for row in rows], COLUMNS)


def require_text(text: str, alphabet: Sequence[str] | None, **where: object) -> None:
    """Raise for a text that is empty, or has characters outside of the alphabet."""
    strange = [] if alphabet is None else sorted({*text} - {*alphabet})
    if not text or strange:
        raise SightkitError(
            "A text must have characters of the alphabet alone.",
            "Correct the text, or choose an alphabet that has them.",
            text=text,
            outside="".join(strange),
            alphabet="any" if alphabet is None else "".join(alphabet),
            **where,
        )


def files_of(rows: Sequence[LabelledCaptcha], folder: Path) -> list[Path]:
    """Return the picture of each row, in a folder; each must be the one that was labelled.

    Raises:
        SightkitError: a picture that is missing, or has another hash than its row.
    """
    paths = [folder / Path(row.file).name for row in rows]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise SightkitError(
            "Each captcha of the table must be in the folder.",
            "Check the folder, or remove the lines.",
            folder=str(folder),
            missing=few(missing),
        )
    changed = [
        row.file
        for row, path in zip(rows, paths, strict=True)
        if row.sha256 and row.sha256 != _files.sha256(path)
    ]
    if changed:
        raise SightkitError(
            "Each picture must be the one that was labelled, by its SHA-256.",
            "Take the pictures that the table was made of, or label these.",
            folder=str(folder),
            changed=few(changed),
        )
    return paths


def read_captchas(folder: Path) -> tuple[dict[str, Path], dict[str, np.ndarray]]:
    """Read the captchas of a folder; those that cannot be read are reported on stderr, one by one.

    Returns:
        Name to file, and name to uint8 RGB (H, W, 3), of those that can be read, sorted.

    Raises:
        SightkitError: a folder without images, or files of one name in two folders below it.
    """
    photos = PhotoFolder([folder])
    read = {Path(path): image for part in photos for path, image in part.items()}
    names = sorted(path.name for path in read)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SightkitError(
            "Captchas are named by their files: each name may be there once.",
            "Rename them, or give one folder.",
            folder=str(folder),
            names=few(twice),
        )
    ordered = sorted(read, key=lambda path: path.name)
    return {path.name: path for path in ordered}, {path.name: read[path] for path in ordered}
