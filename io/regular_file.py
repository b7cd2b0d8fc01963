"""Read files that are nobody's promise: no pipe is waited for, no memory is taken for a giant."""

from __future__ import annotations

import errno
import os
import stat


def read_regular_file(path: str | os.PathLike[str], most: int) -> bytes:
    """Read a regular file of at most ``most`` bytes; a link is followed.

    Raises:
        OSError: it cannot be read, is a folder, a pipe or a device, or is larger.
    """
    # Without O_NONBLOCK, opening a pipe waits for its writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file, but a folder, a pipe or a device")
        if status.st_size > most:
            raise OSError(errno.EFBIG, f"more than {most:,} bytes")
        return file.readall()
