"""Extract the members of an untrusted zip or tar.

Its headers are not believed: names are checked before anything is made, and bytes are
counted as they come out. None but plain files and folders are made, with the rights of a new file.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sightkit import _faults, _files
from sightkit._errors import FULL, SightkitError, in_a_line

CHUNK = 2**20
"""Bytes copied at a time; no header of a tar may be larger, since tarfile holds it in memory."""
DEPTH = 64
"""Folders in each other; Python removes them by recursion."""

IN_PARTS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Methods of a zip that zipfile unpacks in parts; 177 bytes of bzip2 are 200 MB in one."""

_COMPRESSIONS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
_DAMAGES = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    ValueError,  # tarfile, of header fields that are no numbers
    struct.error,
    RuntimeError,  # zipfile, of a password; tarfile, of headers within headers without end
)


@dataclass(frozen=True)
class ArchiveLimits:
    """Limits on what an archive unpacks to; all of it is counted while it comes out.

    Attributes:
        total_bytes: of all files together; ImageNet has 1.6e11.
        ratio: bytes out for each byte of the archive. Photos have about 1; a bomb of zeros 1,000.
        free_bytes: so much is allowed at any ratio.
        members: files and folders; ImageNet has 1.3 million.
    """

    total_bytes: int = 2**39
    ratio: float = 100.0
    free_bytes: int = 2**26
    members: int = 5_000_000


class Unpacking:
    """One unpacking: where from, where to, and how much has come out."""

    def __init__(self, archive: Path, folder: Path, limits: ArchiveLimits) -> None:
        self.archive = archive
        self.folder = folder
        self.limits = limits
        self.size = archive.stat().st_size
        self.allowed = min(
            limits.total_bytes, max(limits.free_bytes, int(limits.ratio * self.size))
        )
        self.bytes = 0
        self.members = 0

    def refused(self, rule: str, **received: object) -> SightkitError:
        """The error for an archive that is not unpacked."""
        return SightkitError(
            f"The archive is not unpacked: {rule}.",
            "If you trust it, unpack it yourself and give the folder.",
            **received,
            archive=str(self.archive),
        )

    def count_bytes(self, count: int) -> None:
        """Count what came out; more than is allowed raises."""
        self.bytes += count
        if self.bytes > self.allowed:
            raise self.refused(
                f"more than {self.allowed:,} bytes come out of it, as of a bomb", bytes=self.size
            )

    def place(self, name: str) -> Path | None:
        """Return the path of a member; None for the archive's own root folder."""
        self.members += 1
        if self.members > self.limits.members:
            raise self.refused(f"it has more than {self.limits.members:,} members")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or re.match("[A-Za-z]:", name):
            raise self.refused("a member has an absolute path", member=name)
        if ".." in parts:
            raise self.refused("a member points out of the folder", member=name)
        if "\\" in name or "\0" in name or len(parts) > DEPTH:
            raise self.refused("a member's name has a backslash or is too deep", member=name[:200])
        return self.folder.joinpath(*parts) if parts else None

    def add_folder(self, name: str) -> None:
        """Make a folder that the archive names."""
        place = self.place(name)
        if place is not None:
            with self._writing(name):
                place.mkdir(parents=True, exist_ok=True)

    def add_file(self, name: str, content: IO[bytes]) -> None:
        """Write a file that the archive holds."""
        place = self.place(name)
        if place is None:
            raise self.refused("a file in it has no name", member=name)
        with self._writing(name):
            place.parent.mkdir(parents=True, exist_ok=True)
            target = open(place, "xb")
        try:
            while chunk := content.read(CHUNK):
                self.count_bytes(len(chunk))
                with self._writing(name):
                    target.write(chunk)
            with self._writing(name):
                target.flush()
        finally:
            with contextlib.suppress(OSError):  # a full disk was reported above
                target.close()
        _faults.crash_point("archive.member")

    @contextlib.contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        try:
            yield
        except (FileExistsError, NotADirectoryError) as error:
            raise self.refused("two members have one name", member=name) from error
        except OSError as error:
            if error.errno in FULL:
                raise _files.no_space(self.folder, error) from error
            raise self.refused(
                f"a member cannot be made ({error.strerror})", member=name
            ) from error


def unpack(job: Unpacking) -> None:
    """Take all members out; what is damaged or refused raises, and names the archive."""
    with reading(job):
        if head_of(job.archive).startswith(b"PK"):
            _unpack_zip(job)
        else:
            _unpack_tar(job)


@contextlib.contextmanager
def reading(job: Unpacking) -> Iterator[None]:
    """Errors of a damaged archive, as ours."""
    try:
        yield
    except (*_DAMAGES, OSError) as error:
        # gzip and bz2 report damage as plain OSError; those of writing were named before.
        raise job.refused(f"it cannot be read completely ({in_a_line(error)})") from error


def _unpack_zip(job: Unpacking) -> None:
    with zipfile.ZipFile(job.archive) as file:
        members = file.infolist()
        declared = min(sum(member.file_size for member in members), job.allowed)
        _files.require_free_space(job.folder, declared, f"what {job.archive.name} holds")
        for member in members:
            name = member.filename
            kind = stat.S_IFMT(member.external_attr >> 16)
            # Beside the rights, only the system that wrote the zip knows what a member is.
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise job.refused("a member is a link or a device", member=name)
            if member.compress_type not in IN_PARTS:
                raise job.refused("a member is packed by another method than Deflate", member=name)
            if member.orig_filename != name:
                raise job.refused("a member's name has a zero in it", member=member.orig_filename)
            if member.is_dir():
                job.add_folder(name)
                continue
            with file.open(member) as content:
                job.add_file(name, content)


def _unpack_tar(job: Unpacking) -> None:
    opener = opener_of(head_of(job.archive)) or open
    with opener(job.archive, "rb") as plain:
        bounded: Any = Bounded(plain, job)
        file: Any
        with tarfile.open(fileobj=bounded, mode="r:") as file:
            while (member := file.next()) is not None:
                file.members = []  # else tarfile keeps every header
                if member.isdir():
                    job.add_folder(member.name)
                    continue
                content = file.extractfile(member) if member.isreg() else None
                if content is None or member.issparse():
                    raise job.refused("a member is a link, a device or sparse", member=member.name)
                with content:
                    job.add_file(member.name, content)
        # tarfile takes a header that it cannot read, and the end of a cut file, for the end.
        if bounded.last != bytes(tarfile.BLOCKSIZE):
            raise job.refused("it is cut off or damaged")
        while chunk := bounded.read(CHUNK):  # to the end, where gzip keeps its check sum
            job.count_bytes(len(chunk))


class Bounded:
    """An unpacked tar as tarfile reads it: forward only, never much at once, not without end."""

    def __init__(self, file: IO[bytes], job: Unpacking) -> None:
        self.last = b""
        self._file = file
        self._job = job

    def read(self, size: int = -1) -> bytes:
        """Read a part, 1 MiB at most."""
        if not 0 <= size <= CHUNK:
            raise self._job.refused(f"it has a header of more than {CHUNK:,} bytes", size=size)
        self.last = self._file.read(size)
        return self.last

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell()

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        """Go on to a position, not back and not beyond all that may be there."""
        # A negative size leads backward, round and round (CVE-2025-8194). Seeking forward in a
        # compressed file unpacks all that lies between.
        farthest = self._job.allowed + CHUNK * (self._job.members + 1)
        if whence != os.SEEK_SET or not self._file.tell() <= position <= farthest:
            raise self._job.refused("a header in it has an impossible size", position=position)
        return self._file.seek(position)


def is_tar(head: bytes) -> bool:
    """Return True if a file's first 512 bytes are a tar's header."""
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError):
        return False
    return True


def opener_of(head: bytes) -> Any:
    """Return the opener of a compressed file by its first bytes; None where it is none."""
    return next((opener for magic, opener in _COMPRESSIONS.items() if head.startswith(magic)), None)


def head_of(path: Path) -> bytes:
    """The first 512 bytes of a file."""
    with open(path, "rb") as file:
        return file.read(512)
