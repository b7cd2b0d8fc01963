"""Read tables of labels as people have them: CSV with any delimiter, JSON lines, JSON."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit._csv import without_apostrophe
from sightkit._errors import SightkitError, few
from sightkit._regular_file import read_regular_file
from sightkit.io.image_kinds import kind_of
from sightkit.io.sources.labelled import LayoutError

MOST_BYTES = 2**30
DELIMITERS = ",;\t|"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BINARY = {
    b"PK\3\4": "an Excel workbook or another archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x89HDF": "HDF5",
    b"\x1f\x8b": "a compressed file (gzip)",
    b"PAR1": "Parquet",
    b"%PDF": "a PDF",
}
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n")  # Excel's own first line


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
        path: the file.
        rows: cells, all rows equally long; blanks around a cell are gone.
        names: of the columns; empty where the first row may hold them.
    """

    path: Path
    rows: list[tuple[str, ...]]
    names: tuple[str, ...] = ()

    @property
    def header(self) -> tuple[str, ...]:
        """Names of the columns: its own, or the first row."""
        return self.names or self.rows[0]

    @property
    def body(self) -> list[tuple[str, ...]]:
        """Rows below the header."""
        return self.rows if self.names else self.rows[1:]

    def cells(self, place: int) -> list[str]:
        """Cells of a column, by its place."""
        return [row[place] for row in self.rows]

    def column(self, name: str) -> list[str]:
        """Cells of a column, by its name."""
        if name not in self.names:
            raise SightkitError(
                "The table must have the columns that --columns names.",
                f"It has {few(self.names)}.",
                path=str(self.path),
                column=name,
            )
        return self.cells(self.names.index(name))


def read_table(path: Path, of: str = "labels") -> Table:
    """Read CSV or JSON lines; the content decides which.

    Args:
        path: the file.
        of: what it holds, and the flag that names it.

    Raises:
        SightkitError: no such file, an empty or binary one, no UTF-8, rows of different lengths, a
            quote that is not closed, one column alone.
    """
    try:
        data = read_regular_file(path, MOST_BYTES)
    except OSError as error:
        raise LayoutError(
            f"The table of {of} cannot be read ({error.strerror}).",
            f"Check --{of}.",
            path=str(path),
        ) from error
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    holds = next((name for mark, name in _BINARY.items() if data.startswith(mark)), "")
    if holds or (encoding != "utf-16" and b"\0" in data):
        raise LayoutError(
            f"A table of {of} must be text: CSV or JSON lines.",
            'Save the sheet as "CSV UTF-8", and give that file.',
            path=str(path),
            holds=holds or kind_of(data) or "binary data",
        )
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise LayoutError(
            f"A table of {of} must be UTF-8 ({error.reason} at byte {error.start}).",
            'Save it as "CSV UTF-8".',
            path=str(path),
        ) from error
    if not text.strip():
        raise LayoutError(
            f"A table of {of} must have rows, and this file is empty.",
            "Write a row for each image: its path or id, and what it is of.",
            path=str(path),
            bytes=len(data),
        )
    if text.lstrip()[:1] == "{" or text.lstrip()[:2] in ("[{", "[\n", "[\r", "[]"):
        return _from_json(path, text)
    return Table(path, _from_csv(path, text, of))


def _from_json(path: Path, text: str) -> Table:
    records: list[Any] = []
    try:
        if text.lstrip().startswith("["):
            records = json.loads(text)
        else:
            for line in text.splitlines():
                records += [json.loads(line)] if line.strip() else []
    except (ValueError, RecursionError) as error:
        number = "" if text.lstrip().startswith("[") else f" in line {len(records) + 1}"
        raise _no_records(path, f" ({error}{number})") from error
    if not all(isinstance(record, dict) for record in records):
        raise _no_records(path)
    columns = tuple(dict.fromkeys(name for record in records for name in record))
    if records and not columns:
        raise _no_records(path)
    rows = [tuple(_as_text(record.get(name)) for name in columns) for record in records]
    return Table(path, rows, columns)


def _no_records(path: Path, reason: str = "") -> LayoutError:
    return LayoutError(
        f"JSON lines must hold one object a line{reason}.",
        'For example {"file": "1.jpg", "label": "cat"}.',
        path=str(path),
    )


def _as_text(value: Any) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _from_csv(path: Path, text: str, of: str) -> list[tuple[str, ...]]:
    named = _SEPARATOR_LINE.match(text)
    if named:
        text = text[named.end() :]
    delimiters = named[1] if named else DELIMITERS + " "
    best: list[tuple[str, ...]] = []
    fault = quote = ""
    for delimiter in delimiters:
        if delimiter == " " and (best or quote):
            break  # blanks part cells only where nothing else does
        line = int(bool(named))
        rows: list[tuple[str, ...]] = []
        try:
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
            for row in reader:
                rows += (
                    [tuple(without_apostrophe(cell.strip()) for cell in row)] if any(row) else []
                )
                line = int(bool(named)) + reader.line_num
        except csv.Error:
            quote = quote or f"line {line + 1} opens a quote that does not end its cell"
            continue
        width = len(rows[0]) if rows else 0
        uneven = [number for number, row in enumerate(rows, 1) if len(row) != width]
        if width > 1 and uneven and delimiter != " ":
            fault = f"row {uneven[0]} has {len(rows[uneven[0] - 1])} cells, the first has {width}"
        elif not uneven and width > (len(best[0]) if best else 1):
            best = rows
    if best:
        return best
    step = "Write a cell that holds the delimiter within quotes."
    if quote:
        fault, step = quote, 'Close the quote, or write "" for a quote within a cell.'
    elif remarks := [n for n, line in enumerate(text.splitlines(), 1) if line.startswith("#")]:
        fault, step = f"line {remarks[0]} is a remark", "Delete the lines that begin with #."
    raise LayoutError(
        f"Each row of a table of {of} must have as many cells as the first, two at least"
        f"{f' ({fault})' if fault else ''}.",
        step,
        path=str(path),
    )


def refuse_several_labels(path: Path, labels: Sequence[str]) -> None:
    """Raise if cells hold several labels each: lists, or labels with a separator between them."""
    distinct = dict.fromkeys(labels)
    for separator in ("|", ";", ",", " "):
        split = {label: _parts(label, separator) for label in distinct}
        tokens = {part for parts in split.values() for part in parts}
        several = [label for label, parts in split.items() if len(parts) > 1]
        lengths = {len(parts) for parts in split.values()}
        for label in several:
            listed = label.startswith("[") and label.endswith("]")
            alone = all(part in distinct for part in split[label])
            # Combinations of few tags: many more cells than tags, of any number of tags each.
            tags = len(lengths) > 1 and 2 * len(tokens) < len(distinct)
            if listed or alone or tags:
                raise multi_label(path, label=label)


def multi_label(path: Path, **received: object) -> SightkitError:
    """The refusal of several labels an image."""
    return SightkitError(
        "Each image must have one label; several at once (multi-label) cannot be learned here.",
        "Name a column of single labels (--columns ID LABEL), or make a class of each combination.",
        path=str(path),
        **received,
    )


def _parts(label: str, separator: str) -> list[str]:
    return [part for part in (part.strip() for part in label.split(separator)) if part]
