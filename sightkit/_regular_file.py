"""Read files that are nobody's promise: no pipe is waited for, no memory is taken for a giant."""

from __future__ import annotations

import errno
import os
import stat
from io import FileIO


def open_regular(path: str | os.PathLike[str], *, follow_links: bool = True) -> FileIO:
    """Open a regular file to read.

    Raises:
        OSError: it cannot be read, is a folder, a pipe or a device; without ``follow_links`` also
            a link.
    """
    opener = _open_at_once if follow_links else open_no_link
    try:
        file = open(path, "rb", buffering=0, opener=opener)
    except ValueError as error:  # a name out of a file may hold what no name can, a zero byte
        raise OSError(errno.EINVAL, str(error)) from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "not a regular file, but a pipe or a device")
    return file


def read_regular_file(
    path: str | os.PathLike[str], most: int, *, follow_links: bool = True
) -> bytes:
    """Read a regular file of at most ``most`` bytes.

    Raises:
        OSError: as ``open_regular``; or it is larger.
    """
    with open_regular(path, follow_links=follow_links) as file:
        if os.fstat(file.fileno()).st_size > most:
            raise OSError(errno.EFBIG, f"more than {most:,} bytes")
        return file.read()


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK, 0o666)  # else opening a pipe waits for its writer


def open_no_link(path: str, flags: int) -> int:
    """Open a path for ``open(…, opener=open_no_link)``; a link there is refused."""
    return _open_at_once(path, flags | os.O_NOFOLLOW)
