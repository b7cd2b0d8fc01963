"""Locks between processes: one writer of a folder or a file. Standard library only."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from pathlib import Path

from sightkit._errors import SightkitError, of_the_system

HELD = (errno.EWOULDBLOCK, errno.EACCES)
"""Of a lock that another process has; any other error is of a file system without locks."""


class FileLock:
    """A lock for one process at a time; the system releases it when the process ends, even killed.

    The lock file holds pid and host of the owner, for the message to the one who comes second; with
    ``wait`` that one waits instead.
    """

    def __init__(self, path: Path, purpose: str, *, wait: bool = False) -> None:
        self.path = path
        self.purpose = purpose
        self.wait = wait
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            SightkitError: another process holds it (the message names its pid and host), a file
                system without locks, or a folder that cannot be written to.
        """
        try:
            while self._descriptor is None:
                self._try()
            os.ftruncate(self._descriptor, 0)
            owner = f"pid {os.getpid()} on host {socket.gethostname()}\n"
            os.write(self._descriptor, owner.encode())
        except OSError as error:
            self.release()
            raise (of_the_system(error) or error) from error

    def release(self) -> None:
        """Remove the lock file and release the lock; a second call does nothing."""
        if self._descriptor is not None:
            self.path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    def _try(self) -> None:
        """Take the lock, if the file is still there when it is ours."""
        descriptor, own = _open(self.path)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise SightkitError(
                    "A lock must be a regular file.",
                    "Remove what is there, or choose another folder.",
                    path=str(self.path),
                )
            self._lock(descriptor)
            if _is_still_at(self.path, descriptor):  # else its owner removed it in between
                if own:
                    self._descriptor, descriptor = descriptor, -1
                else:  # left by another user's process that is gone: the next one is ours
                    self.path.unlink()
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if self.wait else fcntl.LOCK_NB))
        except OSError as error:
            if error.errno not in HELD:
                raise SightkitError(
                    f"The file system must have locks ({error.strerror}): without them two "
                    f"processes could write {self.purpose} at once.",
                    "Choose a folder on a local disk, and copy the result; or have the share "
                    "mounted with locks.",
                    path=str(self.path.parent),
                ) from error
            owner = os.pread(descriptor, 4096, 0).decode("utf-8", "replace").strip()
            raise SightkitError(
                f"Only one process may use {self.purpose} at a time; it is used by {owner}.",
                "Wait for that process, or stop it.",
                path=str(self.path.parent),
            ) from error

    def __enter__(self) -> FileLock:
        self.acquire()
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()


def _open(path: Path) -> tuple[int, bool]:
    """Return a descriptor of the lock file, and whether it may be written to.

    That of another user may be locked all the same. A link there is not followed.
    """
    flags = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return os.open(path, flags | os.O_RDWR | os.O_CREAT, 0o666), True
    except PermissionError:
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, flags | os.O_RDONLY), False
        raise


def _is_still_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
