"""Unpack untrusted zip and tar archives into a folder that is complete or absent."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from sightkit import _faults, _files, _locks
from sightkit._errors import SightkitError
from sightkit.io.sources.unpacking import (
    ArchiveLimits,
    Unpacking,
    head_of,
    is_tar,
    opener_of,
    unpack,
)


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Return True if a file begins as a zip, a tar or a compressed file; names do not count."""
    with contextlib.suppress(OSError):
        if Path(path).is_file():
            head = head_of(Path(path))
            return head.startswith(b"PK") or bool(opener_of(head)) or is_tar(head)
    return False


def extract_archive(
    archive: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    limits: ArchiveLimits | None = None,
) -> Path:
    """Unpack a zip, tar, tar.gz, tar.bz2 or tar.xz into a new folder, completely or not at all.

    Args:
        archive: the file; what it is, is read from its content.
        folder: must not exist yet.
        limits: on what comes out.

    Returns:
        The folder.

    Raises:
        SightkitError: no such archive, or a damaged one; a member with an absolute path, a ``..``,
            a name that occurs twice, or that is a link or a device; more than the limits allow;
            too little space. Nothing is left behind.
    """
    archive, folder = Path(archive), Path(folder)
    if os.path.lexists(folder):
        raise SightkitError(
            "An archive is unpacked into a new folder only.",
            "Choose another name, or delete the folder.",
            folder=str(folder),
        )
    if not is_archive(archive):
        raise SightkitError(
            "The file must be a zip, tar, tar.gz, tar.bz2 or tar.xz.",
            "Check the path; if it was downloaded, fetch it again.",
            path=str(archive),
        )
    _files.require_writable(folder.parent)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = folder.with_name(f".{folder.name}{_files.PARTIAL}")
    with _locks.FileLock(folder.with_name(f".{folder.name}.lock"), f"the folder {folder.name}"):
        _files.remove(partial)  # what a killed process left
        try:
            partial.mkdir()
            unpack(Unpacking(archive, partial, limits or ArchiveLimits()))
            _faults.crash_point("archive.unpacked")
            os.rename(partial, folder)
            _files.sync(folder.parent)
        finally:
            _files.remove(partial)
    return folder


@contextlib.contextmanager
def unpacked(data: str | os.PathLike[str], beside: str | os.PathLike[str]) -> Iterator[Path]:
    """``data`` itself where it is a folder; an archive unpacked beside a file, and then removed.

    ``beside`` is on the disk that has space, the temporary folder of a system often is not.
    Errors that pass through name the archive: its folder is hidden, and gone when they are read.
    """
    data, beside = Path(data), Path(beside)
    if not data.is_file():
        if not data.is_dir():
            raise SightkitError(
                "There must be a folder of images, or an archive of one.",
                "Check --data.",
                data=str(data),
            )
        yield data
        return
    folder = beside.with_name(f".{beside.name}.unpacked")
    _files.require_writable(beside.parent, of=beside)
    beside.parent.mkdir(parents=True, exist_ok=True)
    lock = folder.with_name(f"{folder.name}.lock")
    with _locks.FileLock(lock, f"the data unpacked for {beside.name}"):
        try:
            _files.remove(folder)
            extract_archive(data, folder)
            yield folder
        except SightkitError as error:
            if str(folder) not in str(error):
                raise
            raise SightkitError(str(error).replace(str(folder), str(data))) from error
        finally:
            _files.remove(folder)
