"""The list of what is bad or was left out: a CSV file that programs and people can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from sightkit import _csv, _files
from sightkit._errors import SightkitError


@dataclass(frozen=True)
class Finding:
    """One line of the list.

    Attributes:
        path: the file, or what the data set calls the image.
        reason: what was found, one sentence or two.
        sha256: of the file's bytes, hexadecimal; empty where there are none to be read.
        kind: ``"bad"``, ``"warning"`` (usable, but look at it) or ``"left out"``.
    """

    path: str
    reason: str
    sha256: str = ""
    kind: str = "bad"


HEADER = ",".join(field.name for field in fields(Finding))


def check_list(path: Path) -> None:
    """Raise, before any work, if ``path`` holds anything but such a list."""
    _files.require_writable(path.parent, of=path)
    if not path.exists() and not path.is_symlink():
        return
    if not path.is_file() or not path.read_bytes().startswith(HEADER.encode()):
        raise SightkitError(
            "The list replaces only a list.", "Choose another name for it.", path=str(path)
        )


def write_list(path: Path, findings: Iterable[Finding]) -> None:
    """Write the list atomically, UTF-8; bytes of a name that are no UTF-8 become ``\\xNN``.

    Where there is nothing to list, nothing is written, and an older list is removed.
    """
    check_list(path)
    rows = [asdict(each) for each in findings]
    if not rows:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    _csv.write_csv(path, rows, HEADER.split(","))


def counted(reasons: Mapping[str, int]) -> str:
    """Return reasons, each with its number, for a line of text."""
    return "; ".join(f"{count:,} {reason}" for reason, count in reasons.items())
