"""Files that others publish, and that users put there themselves."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from sightkit import _files, _schema
from sightkit._errors import SightkitError, in_a_line
from sightkit._scripts import warn


def is_there(path: Path) -> bool:
    """Return whether there is a file; Keras would wait for a pipe, and write through a link.

    Raises:
        SightkitError: something else is there.
    """
    if os.path.lexists(path) and not path.is_file():
        raise SightkitError(
            "There must be a regular file, or nothing.", "Move it away.", path=str(path)
        )
    return path.is_file()


@contextlib.contextmanager
def available(what: str, path: Path, next_step: str) -> Iterator[None]:
    """Turn whatever goes wrong with something that Keras downloads into one line.

    Args:
        what: data or weights, as the message names them.
        path: of the file, or of the folder of its files.
        next_step: what to put where.
    """
    try:
        yield
    except SightkitError:
        raise
    except Exception as error:
        state = "it is not here completely, and no download succeeded"
        if path.is_file():
            state = "the file is damaged or another one's"
        rule = f"{what} must be available; {state} ({in_a_line(error)})."
        raise SightkitError(rule, next_step, expected=str(path)) from error


def report_unless_published(
    path: str | os.PathLike[str], digest: str, *, algorithm: str = "sha256"
) -> None:
    """Report on stderr that a file is not the published one; it is used, and left where it is.

    Args:
        path: of the file.
        digest: of the published one, hexadecimal.
        algorithm: of the digest, as ``hashlib`` calls it.
    """
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if found != digest:
        warn(
            f"{path} is not the published file ({algorithm.upper()} {found}, published is "
            f"{digest}): it is used as it is."
        )


def report_unless_first_seen(path: Path) -> None:
    """Report on stderr that a file is not the one that was used here first, where nobody says more.

    Its SHA-256 is kept in ``~/.cache/sightkit/weights.json``.
    """
    record = _files.user_cache("weights.json")
    known: dict[str, str] = {}
    with contextlib.suppress(SightkitError):
        known = _schema.read(record, dict[str, _schema.Sha256])
    name, found = str(path.resolve()), _files.sha256(path)
    if known.get(name) is None:
        with contextlib.suppress(OSError, SightkitError):  # without a place for it
            record.parent.mkdir(parents=True, exist_ok=True)
            _files.write_json(record, {**known, name: found})
    elif known[name] != found:
        warn(
            f"{path} is not the file that was used here first (SHA-256 {found}, then "
            f"{known[name]}): it is used as it is. Fetch it again, or delete {record} to take it "
            "for the right one."
        )
