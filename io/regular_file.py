"""Read files that are nobody's promise: no pipe is waited for, no memory is taken for a giant."""

from __future__ import annotations

import errno
import os
import stat


def read_regular_file(
    path: str | os.PathLike[str], most: int, *, follow_links: bool = True
) -> bytes:
    """Read a regular file of at most ``most`` bytes.

    Raises:
        OSError: it cannot be read, is a folder, a pipe or a device, or is larger; without
            ``follow_links`` also a link.
    """
    opener = _open_at_once if follow_links else _open_no_link
    with open(path, "rb", buffering=0, opener=opener) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file, but a pipe or a device")
        if status.st_size > most:
            raise OSError(errno.EFBIG, f"more than {most:,} bytes")
        return file.readall()


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # else opening a pipe waits for its writer


def _open_no_link(path: str, flags: int) -> int:
    return _open_at_once(path, flags | os.O_NOFOLLOW)
