"""Tables as CSV: written complete or not at all, and so that a spreadsheet computes no text.

Standard library only: every folder may import this file.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sightkit._errors import SightkitError
from sightkit._files import write_text

FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""What a spreadsheet takes for one, and what ``write_csv`` has written of it."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def write_csv(
    path: str | os.PathLike[str],
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str] | None = None,
) -> None:
    """Replace ``path`` atomically by a CSV; without ``columns``, all that occur in the rows.

    A text that a spreadsheet would compute (``=1+1``) gets an apostrophe before it, which
    ``without_apostrophe`` takes off again.
    """
    columns = (
        list(dict.fromkeys(name for row in rows for name in row)) if columns is None else columns
    )
    write_text(path, _lines(rows, columns, header=True))


def append_row(path: Path, row: Mapping[str, Any], columns: Sequence[str]) -> None:
    """Add a row to a CSV, which is made where it is missing; replaced atomically.

    Hold a lock meanwhile: of two that append at once, one row would be lost.

    Raises:
        SightkitError: the file has other columns.
    """
    if not path.exists():
        write_csv(path, [row], columns)
        return
    text = path.read_text(encoding="utf-8")
    header, wanted = text.partition("\n")[0], ",".join(columns)
    if header != wanted:
        raise SightkitError(
            "A row must have the columns of its table.", "Rename that file.", path=str(path)
        )
    write_text(path, f"{text.removesuffix(chr(10))}\n{_lines([row], columns)}")


def _lines(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, header: bool = False
) -> str:
    lines: list[str] = []
    file: Any = SimpleNamespace(write=lines.append)
    # With CR in its line's end the writer quotes cells that hold one.
    writer = csv.DictWriter(file, columns, lineterminator="\r\n")
    if header:
        writer.writeheader()
    writer.writerows({name: _as_cell(value) for name, value in row.items()} for row in rows)
    return "".join(line.removesuffix("\r\n") + "\n" for line in lines)


def _as_cell(value: Any) -> Any:
    formula = isinstance(value, str) and FORMULA.match(value) and not NUMBER.fullmatch(value)
    return f"'{value}" if formula else value


def without_apostrophe(cell: str) -> str:
    """Return a cell of a table as it was before ``write_csv`` made it text."""
    rest = cell.removeprefix("'")
    return rest if FORMULA.match(rest) and not NUMBER.fullmatch(rest) else cell
