"""A folder that is written all at once, and known by a file in it. No Keras here."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sightkit import _files, _folders
from sightkit._errors import SightkitError


def require_new(folder: Path, name: str, kind: str, *, overwrite: bool) -> None:
    """Check, before any work, that a folder is new or empty, or ours and may be replaced.

    Args:
        folder: where the results go.
        name: of the JSON file that makes it ours; its entry ``files`` lists the others.
        kind: its entry ``format``.
        overwrite: replace it.

    Raises:
        SightkitError: it holds other files, exists, or cannot be written to.
    """
    if not folder.name:
        raise SightkitError(
            "The folder of --output is replaced, and must have a name.",
            "Give another --output, a folder in this one.",
            output=str(folder),
        )
    _files.require_writable(folder)
    found = _folders.read_own(folder, name, kind)
    if found is None:
        return
    if not overwrite:
        raise SightkitError(
            "The folder of --output holds results already.",
            "Give --overwrite to replace them, or another folder.",
            output=str(folder),
        )
    listed = [name, *map(str, found.get("files", ()))]
    own = re.compile("|".join(map(re.escape, listed)))
    _folders.require_no_others(folder, _folders.others(folder, own))


@contextlib.contextmanager
def writing(folder: Path, name: str, kind: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield a temporary folder and a description; at the end both take the folder's place.

    Nothing is changed where the block raises.
    """
    temporary = _files.partial_of(folder)
    temporary.mkdir(parents=True)
    description: dict[str, Any] = {"format": kind}
    try:
        yield temporary, description
        paths = [path for path in temporary.rglob("*") if path.is_file()]
        files = sorted(path.relative_to(temporary).as_posix() for path in paths)
        _files.write_json(temporary / name, {**description, "files": files})
        _folders.replace(temporary, folder)
    finally:
        _files.remove(temporary)
