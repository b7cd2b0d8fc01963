"""Files that others publish, and that users put there themselves."""

from __future__ import annotations

import hashlib
import os
import sys


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
        print(
            f"{path} is not the published file ({algorithm.upper()} {found}, published is "
            f"{digest}): it is used as it is.",
            file=sys.stderr,
        )
