"""The journal of a resumable writer: one line a portion, beside the unfinished file.

A line that was cut off, or whose rows do not match their hashes, does not count: nothing
needs to be forced to the disk for that.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit._regular_file import open_regular
from sightkit.io.hdf5.rows import RowFile
from sightkit.io.hdf5.values import row_hashes

ENDING = ".journal"


@dataclass(frozen=True)
class LeftOut:
    """A row that was announced and does not come.

    Attributes:
        position: among all rows, from 0.
        source: what it is called.
        reason: why.
    """

    position: int
    source: str
    reason: str


@dataclass(frozen=True)
class Portion:
    """The rows of one call of ``add``: (n,) labels, (n, 32) hashes, n sources, rows left out.

    ``originals`` (n, 8), where they are known.
    """

    labels: np.ndarray
    hashes: np.ndarray
    sources: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    originals: np.ndarray | None = None


class Journal:
    """The journal of an unfinished dataset file.

    Args:
        path: the file that holds it.
        identity: JSON that describes the dataset; a journal of another one is not resumed.
    """

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        self.path = path
        self.identity = json.loads(json.dumps(identity))

    def has_same_identity(self) -> bool | None:
        """Return True if the journal is of this very dataset; None where there is no journal."""
        lines = self._lines()
        return None if not lines else lines[0] == self.identity

    def append(self, portion: Portion) -> None:
        """Add a line."""
        entry = {
            "labels": portion.labels.tolist(),
            "hashes": base64.b64encode(portion.hashes.tobytes()).decode(),
            "sources": portion.sources,
            "left_out": [astuple(each) for each in portion.left_out],
        }
        if portion.originals is not None:
            entry["originals"] = portion.originals.tolist()
        with _files.open_to_append(self.path) as file:
            file.write(_line(entry))

    def portions(self) -> Iterator[Portion]:
        """Yield the portions that were written completely, first to last."""
        for entry in self._lines()[1:]:
            count = len(entry["labels"])
            hashes = np.frombuffer(base64.b64decode(entry["hashes"]), np.uint8)
            yield Portion(
                np.array(entry["labels"], np.int64),
                hashes.reshape(count, 32),
                tuple(entry["sources"]),
                tuple(LeftOut(*each) for each in entry["left_out"]),
                np.array(entry["originals"], np.uint8).reshape(count, 8)
                if "originals" in entry
                else None,
            )

    def written(self, file: RowFile) -> Iterator[tuple[Portion, np.ndarray]]:
        """Yield the portions that a file has as it should, with their rows; forget the others."""
        valid = count = 0
        for portion in self.portions():
            rows = file.read(count, len(portion.labels))
            if not np.array_equal(row_hashes(rows), portion.hashes):
                break
            yield portion, rows
            valid, count = valid + 1, count + len(rows)
        self.truncate(valid)

    def truncate(self, count: int) -> None:
        """Forget all portions but the first ``count``: what follows is written again; 0: begin."""
        lines = [self.identity, *self._lines()[1 : count + 1]]
        _files.write_bytes(self.path, b"".join(map(_line, lines)))

    def remove(self) -> None:
        """Remove the file: the dataset is complete."""
        self.path.unlink(missing_ok=True)

    def _lines(self) -> list[Any]:
        """Read complete lines up to the first that is not."""
        try:
            with open_regular(self.path, follow_links=False) as file:
                content = file.read()
        except FileNotFoundError:
            return []
        lines = []
        for line in content.split(b"\n")[:-1]:
            check, _, text = line.partition(b" ")
            if check != b"%08x" % zlib.crc32(text):
                break
            lines.append(json.loads(text))
        return lines


def those_that_came(
    splits: dict[str, tuple[int, int]], groups: np.ndarray | None, left_out: Sequence[LeftOut]
) -> tuple[dict[str, tuple[int, int]], np.ndarray | None]:
    """Row ranges of the splits, and groups, without the rows that did not come.

    An empty split is dropped.

    Raises:
        SightkitError: nothing of the first split came.
    """
    result: dict[str, tuple[int, int]] = {}
    end = 0
    for name, (first, last) in splits.items():
        missing = sum(first <= each.position < last for each in left_out)
        if last - first > missing:
            result[name] = (end, end + last - first - missing)
            end = result[name][1]
    if next(iter(splits)) not in result:
        raise SightkitError(
            "At least one row of the training split must come.",
            "What was left out is listed; fix the files.",
            left_out=len(left_out),
        )
    if groups is not None:
        groups = np.delete(groups, [each.position for each in left_out])
    return result, groups


def _line(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return b"%08x %s\n" % (zlib.crc32(text), text)
