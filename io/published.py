"""Files that others publish, and that users put there themselves."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from sightkit._errors import SightkitError
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
