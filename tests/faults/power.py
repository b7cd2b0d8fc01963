"""A disk that loses in a power failure what was not synced, and what it holds at each moment."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import Any

from sightkit import _run_files


class Disk:
    """Follows a folder of this process, and writes down what a power failure would leave of it.

    After each sync, rename and removal there are two: the entries of the folders as they were last
    synced, and as they are now; a file's content is in both what was last synced, else nothing.

    Args:
        folder: that is followed, with the folders in it.
        snapshots: new folder; each state that differs from all others becomes a folder in it.
    """

    def __init__(self, folder: Path, snapshots: Path) -> None:
        self.folder = folder.resolve()
        self.snapshots = snapshots
        self.entries: dict[Path, dict[str, int]] = {}
        self.contents: dict[int, bytes] = {}
        self._held: list[int] = []  # open, so that no inode's number is given to another file
        self._known: set[str] = set()
        self._lock = threading.Lock()  # curves are drawn in a thread of their own

    def install(self) -> None:
        """Stand between this process and its disk."""
        fsync, replace, unlink = os.fsync, os.replace, os.unlink

        def synced(descriptor: int) -> None:
            with self._lock:
                fsync(descriptor)
                self._keep(descriptor)

        def replaced(*args: Any, **more: Any) -> None:
            with self._lock:
                replace(*args, **more)
                self._write_down()

        def removed(*args: Any, **more: Any) -> None:
            with self._lock:
                unlink(*args, **more)
                self._write_down()

        os.fsync, os.replace, os.unlink = synced, replaced, removed  # type: ignore[assignment]

    def _keep(self, descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if not path.is_relative_to(self.folder):
            return
        if path.is_dir():
            self.entries[path] = self._present(path)
        else:
            self._held.append(os.dup(descriptor))
            self.contents[os.fstat(descriptor).st_ino] = path.read_bytes()
        self._write_down()

    def _present(self, folder: Path) -> dict[str, int]:
        return {
            entry.name: entry.inode()
            for entry in os.scandir(folder)
            if entry.name != _run_files.LOCK
        }

    def _write_down(self) -> None:
        if not self.folder.is_dir():
            return
        for present in (False, True):
            self._write(self._files(self.folder, present))

    def _files(self, folder: Path, present: bool) -> dict[str, bytes | None]:
        """Content by path; None for a folder."""
        found: dict[str, bytes | None] = {}
        entries = self._present(folder) if present else self.entries.get(folder, {})
        for name, inode in entries.items():
            path = folder / name
            if path.is_dir():
                found[str(path.relative_to(self.folder))] = None
                found |= self._files(path, present)
            else:
                found[str(path.relative_to(self.folder))] = self.contents.get(inode, b"")
        return found

    def _write(self, files: dict[str, bytes | None]) -> None:
        digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()
        if digest in self._known:
            return
        self._known.add(digest)
        place = self.snapshots / f"{len(self._known):04d}"
        place.mkdir(parents=True)
        for name, content in sorted(files.items()):
            if content is None:
                (place / name).mkdir(exist_ok=True)
            else:
                (place / name).write_bytes(content)
