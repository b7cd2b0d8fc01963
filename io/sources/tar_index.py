"""Where the files of an untrusted tar are in it, those of tars in it too; nothing is unpacked."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from sightkit.io.sources.unpacking import (
    ArchiveLimits,
    Bounded,
    Unpacking,
    head_of,
    is_tar,
    reading,
)


class Member(NamedTuple):
    """A file in a tar.

    Attributes:
        name: its path; of one in an inner tar ``INNER/path``, where the inner is ``INNER.tar``.
        offset: its first byte in the outer file.
        size: bytes.
    """

    name: str
    offset: int
    size: int


def members(archive: Path, limits: ArchiveLimits | None = None) -> Iterator[Member]:
    """Yield the plain files of a tar that is not compressed, and those of the tars in it.

    Raises:
        SightkitError: no such tar; one that is cut off, damaged, compressed, or has more members
            than the limits allow; a link, a device, an absolute path or a ``..`` in it.
    """
    job = Unpacking(archive, archive.parent, limits or ArchiveLimits())
    if not is_tar(head_of(archive)):
        raise job.refused("it is no tar, or a compressed one")
    with reading(job), open(archive, "rb") as file:
        for outer in _plain_files(file, job):
            if not outer.name.endswith(".tar"):
                yield outer
                continue
            file.seek(outer.offset)
            inner = outer.name.removesuffix(".tar").split("/")[-1]
            for each in _plain_files(_Part(file, outer.offset, outer.size), job):
                yield Member(f"{inner}/{each.name}", outer.offset + each.offset, each.size)


def _plain_files(file: Any, job: Unpacking) -> Iterator[Member]:
    bounded: Any = Bounded(file, job)
    tar: Any
    with tarfile.open(fileobj=bounded, mode="r:") as tar:
        while (member := tar.next()) is not None:
            tar.members = []  # else tarfile keeps every header
            job.place(member.name)
            if member.isdir():
                continue
            if not member.isreg() or member.issparse():
                raise job.refused("a member is a link, a device or sparse", member=member.name)
            if member.offset_data + member.size > job.size:
                raise job.refused("it is cut off or damaged", member=member.name)
            place = bounded.tell()
            yield Member(member.name.removeprefix("./"), member.offset_data, member.size)
            file.seek(place)  # of an inner tar others were read since
    if bounded.last != bytes(tarfile.BLOCKSIZE):
        raise job.refused("it is cut off or damaged")


class _Part:
    """A part of a file, as a file."""

    def __init__(self, file: IO[bytes], begin: int, size: int) -> None:
        self._file, self._begin, self._size = file, begin, size

    def read(self, size: int) -> bytes:
        return self._file.read(max(0, min(size, self._size - self.tell())))

    def tell(self) -> int:
        return self._file.tell() - self._begin

    def seek(self, position: int) -> int:
        return self._file.seek(self._begin + position) - self._begin
