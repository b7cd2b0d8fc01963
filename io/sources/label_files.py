"""Labels from a table beside the images: which row is of which file, which column is what."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sightkit._errors import SightkitError, few
from sightkit.io.image_kinds import KIND_BY_ENDING, ending_of
from sightkit.io.sources.folder_layouts import SPLIT_FOLDERS, in_test
from sightkit.io.sources.folder_scan import Scan, composed, excluding
from sightkit.io.sources.label_table import Table, multi_label, read_table, refuse_several_labels
from sightkit.io.sources.labelled import Labelled, LayoutError, Place, label_images

LABEL_COLUMNS = ("label", "class")
_TRUE, _FALSE = {"1", "1.0", "true"}, {"0", "0.0", "false", ""}


def by_table(
    scan: Scan, path: Path, columns: Sequence[str] | None, *, whole: bool = False
) -> Labelled:
    """Labels of a table, CSV or JSON lines: one row an image, its id or path and its label.

    Splits are those of a third column, where one is named; an image without a split is lost. An
    image that the table does not name is none of the data.

    Args:
        scan: the folder; ids are looked for in all of it.
        path: the table; where it does not exist, it is looked for in the folder.
        columns: names of the columns of ids, of labels and perhaps of splits; the first two are
            found where there is no choice.
        whole: count an image that it does not name as lost: nobody has chosen this table yet.
    """
    if columns is not None and len(columns) not in (2, 3):
        raise SightkitError(
            "--columns must name the column of ids, that of labels, and that of splits if they are "
            "in the table.",
            "Give --columns ID LABEL, or --columns ID LABEL SPLIT.",
            columns=tuple(columns),
        )
    inside = scan.root / path
    table = read_table(inside if inside.is_file() and not path.is_file() else path)
    files = Files([name for name, _ in scan.images])
    table = with_header(table, files, columns)
    splits: list[str] = []
    if columns is None:
        at = _id_column(table, files)
        ids, labels = table.cells(at), _labels(table, at)
    else:
        ids, labels, *rest = map(table.column, columns)
        splits = _splits(table, columns[2], *rest) if rest else []
    found = files.find(ids)
    places: dict[str, tuple[str, str]] = {}
    for each, label, split in zip(ids, labels, splits or [""] * len(ids), strict=True):
        name = found.get(each)
        known = places.setdefault(name, (label, split)) if name is not None else (label, split)
        if known[0] != label:
            raise multi_label(table.path, image=name, labels=[known[0], label])
        if known[1] != split:
            raise SightkitError(
                "Each image must be in one split; a table names two for one.",
                "Remove one of its rows.",
                path=str(table.path),
                image=name,
                splits=[known[1], split],
            )
    refuse_several_labels(table.path, [label for label in labels if label])
    left_out = Files([name for name, _ in scan.left_out if excluding(name, scan.exclude)])
    absent = [each for each in ids if each not in found]
    excluded = left_out.find(absent, one=False)
    unusable = Files([name for name, _ in scan.lost]).find(absent, one=False)
    named = {*unusable.values()}

    def place_of(name: str) -> Place:
        if name not in places:
            reason = f"not named in {table.path.name}"
            return Place(reason=reason, expected=not whole or in_test(name))
        label, split = places[name]
        if not label:
            return Place(reason=f"without a label in {table.path.name}", expected=in_test(name))
        if splits and not split:
            return Place(reason=f"without a split in {table.path.name}")
        return Place(label, split)

    own = [item for item in scan.left_out if scan.root / item[0] != table.path]
    lost = [item for item in scan.lost if whole or item[0] in named]
    own += [item for item in scan.lost if item not in lost]
    return label_images(
        dataclasses.replace(scan, lost=tuple(lost), left_out=tuple(own)),
        place_of,
        missing=tuple(
            (name, f"named in {table.path.name}, not there")
            for name in absent
            if name not in excluded and name not in unusable
        ),
        hint="Check --data and --labels.",
    )


@dataclass
class Files:
    """Names of files, found by what a table may call them.

    With or without the ending, with or without folders before it, whatever the case; folders that
    are not there may come first, the same before every id (``/kaggle/input/train/1.jpg``).
    """

    names: Sequence[str]
    _index: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.names:
            for key in _tails(_plain(name)):
                for form in {key, _without_ending(key)}:
                    self._index.setdefault(form, []).append(name)

    def find(self, ids: Iterable[str], *, one: bool = True) -> dict[str, str]:
        """Return the file of each id; one of several files is refused, unless not ``one``."""
        found: dict[str, tuple[str, str]] = {}
        for each in dict.fromkeys(ids):
            plain = _plain(each)
            for tail in _tails(plain):
                names = self._index.get(tail) or self._index.get(_without_ending(tail))
                if names and tail:
                    found[each] = (
                        plain[: len(plain) - len(tail)],
                        self._one(each, names) if one else names[0],
                    )
                    break
        before = Counter(cut for cut, _ in found.values())
        usual = max(before, key=lambda cut: (before[cut], -len(cut)), default="")
        return {each: name for each, (cut, name) in found.items() if cut == usual}

    def count(self, ids: Sequence[str]) -> tuple[int, int]:
        """Return how many files ids name, with their ending and at all."""
        keys = [_plain(each).rpartition("/")[2] for each in dict.fromkeys(ids)]
        exact = sum(key in self._index and ending_of(key) in KIND_BY_ENDING for key in keys)
        return exact, sum(key in self._index or _without_ending(key) in self._index for key in keys)

    def _one(self, each: str, names: list[str]) -> str:
        if len(names) > 1:  # a name in another case is another name, if both are there
            same = each.strip().replace("\\", "/").lstrip("./")
            named = [n for n in names if composed(n).endswith(composed(same))]
            names = named if len(named) == 1 else names
        if len(names) > 1:
            raise SightkitError(
                "Each id in a table of labels must name one file.",
                "Give the folder that the ids are of as --data, leave one out by --exclude FOLDER, "
                "or write paths.",
                id=each,
                files=names[:3],
            )
        return names[0]


def _plain(name: str) -> str:
    return composed(name).casefold().strip().replace("\\", "/").removeprefix("./").lstrip("/")


def _tails(name: str) -> list[str]:
    """``a/b/c``, ``b/c``, ``c``."""
    parts = name.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _without_ending(name: str) -> str:
    ending = ending_of(name)
    return name[: len(name) - len(ending)] if ending in KIND_BY_ENDING else name


def with_header(table: Table, files: Files, columns: Sequence[str] | None = None) -> Table:
    """Return a table whose columns have names, its rows those of images.

    Raises:
        LayoutError: there is no row below the header.
    """
    first, rows = table.names, table.rows
    if rows and not first:
        first, rows = table.rows[0], table.rows[1:]
        named = columns is not None and set(columns) <= set(first)
        if not named and any(files.count([cell])[1] for cell in first if cell):
            # It names a file: no header.
            first, rows = tuple(map(str, range(1, len(first) + 1))), table.rows
    if not rows:
        raise LayoutError(
            "A table must have a row for each image, and this one has none below its header.",
            "Write each image's id or path, and what it is.",
            path=str(table.path),
            header=few(first),
        )
    return Table(table.path, rows, first)


def _id_column(table: Table, files: Files) -> int:
    counts = [files.count(table.cells(at)) for at in range(len(table.names))]
    best = max(range(len(counts)), key=lambda at: counts[at], default=0)
    if not counts or not counts[best][1]:
        raise LayoutError(
            "A column of the table must name the files, by path, name or name without ending; none "
            "does.",
            "Check --data and --labels.",
            path=str(table.path),
            columns=few(table.names),
            first_row=list(table.rows[0]),
            files=few(files.names),
        )
    ids = table.cells(best)
    for at in range(len(counts)):
        if at == best or counts[at] != counts[best]:
            continue
        others = table.cells(at)
        found, other = files.find(ids), files.find(others)
        if any(found.get(a) != other.get(b) for a, b in zip(ids, others, strict=True)):
            raise SightkitError(
                "Two columns of the table name files, and different ones.",
                "Name the columns: --columns ID LABEL.",
                path=str(table.path),
                columns=[table.names[best], table.names[at]],
            )
    return best


def _labels(table: Table, ids: int) -> list[str]:
    """The label of each row, from the column that alone can hold it, or one column a class."""
    names = table.names
    distinct = {k: {*table.cells(k)} for k in range(len(names))}
    others = [
        k
        for k in range(len(names))
        if k != ids and names[k] and not names[k].startswith("Unnamed") and distinct[k] != {""}
    ]
    # Another column that names as many files is a second id.
    others = [
        k for k in others if len(distinct[k]) < len(distinct[ids]) or len(others) == 1
    ] or others
    chosen = [k for k in others if names[k].casefold() in LABEL_COLUMNS]
    if len(others) == 1 or len(chosen) == 1:
        label = (chosen or others)[0]
        _refuse_splits(table, ids, label, [k for k in others if k != label])
        return table.cells(label)
    if others and all({c.casefold() for c in distinct[k]} <= _TRUE | _FALSE for k in others):
        return [_one_hot(table, row, ids, others) for row in table.rows]
    raise SightkitError(
        "The table has several columns that may hold the labels.",
        f"Name the columns: --columns {names[ids] or 1} LABEL.",
        path=str(table.path),
        columns=[f"{names[k]} ({len(distinct[k])} values)" for k in others],
    )


def _refuse_splits(table: Table, ids: int, label: int, others: Sequence[int]) -> None:
    """Raise where a column that is not read divides the images: they would be divided anew."""
    for k in others:
        parts = {
            SPLIT_FOLDERS[c.casefold()] for c in table.cells(k) if c.casefold() in SPLIT_FOLDERS
        }
        if "train" in parts and len(parts) > 1:
            named = f"--columns {table.names[ids]} {table.names[label]}"
            raise SightkitError(
                "A column of the table divides the images: say whether they stay divided so.",
                (f"give {named} {table.names[k]} to keep the parts", f"{named} to divide anew"),
                path=str(table.path),
                column=table.names[k],
                parts=few(sorted(parts)),
            )


def _one_hot(table: Table, row: Sequence[str], ids: int, others: Sequence[int]) -> str:
    """The one column of a row that holds 1; empty where none does."""
    marked = [table.names[k] for k in others if row[k].casefold() in _TRUE]
    if len(marked) > 1:
        raise multi_label(table.path, image=row[ids], labels=marked)
    return marked[0] if marked else ""


def _splits(table: Table, column: str, cells: Sequence[str]) -> list[str]:
    """The split of each row, by our name where it has one."""
    found = [SPLIT_FOLDERS.get(cell.casefold(), cell) for cell in cells]
    if "train" not in found:
        raise SightkitError(
            "One of the splits in a table must be train.",
            "Name the column of splits as the third: --columns ID LABEL SPLIT.",
            path=str(table.path),
            column=column,
            splits=few(sorted(set(found))),
        )
    return found
