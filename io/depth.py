"""Values of 12 bits in files of 16, as medical and industrial cameras write: nearly black."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit._scripts import warn
from sightkit.io.image_header import read_header

LARGEST = 4095
SPREAD = 4
"""Bits by which 12-bit values are shifted to fill 16."""

ENDING = {"PNG": ".png", "TIFF": ".tiff"}

_watching: list[Depth] = []
_lock = threading.Lock()


class Depth:
    """What the 16-bit files hold that are decoded within ``watch_depth``.

    Attributes:
        files: their number.
        largest: value among them.
    """

    files = 0
    largest = 0

    def describe(self) -> str:
        """Return a line if all values are of 12 bits, with what helps; empty if they are not."""
        if not 0 < self.largest <= LARGEST:
            return ""
        return (
            f"The {self.files:,} files of 16 bits hold values up to {self.largest:,} of 65,535, of "
            "12 bits or less: they are read nearly black. Spread them, and what is predicted "
            'later, in a copy: python -c "from sightkit import io; '
            "io.spread_12_bits('PHOTOS', 'COPY')\"."
        )


@contextlib.contextmanager
def watch_depth() -> Iterator[Depth]:
    """Watch all 16-bit files that are decoded, in any thread."""
    depth = Depth()
    with _lock:
        _watching.append(depth)
    try:
        yield depth
    finally:
        with _lock:
            _watching.remove(depth)


@contextlib.contextmanager
def report_depth() -> Iterator[None]:
    """Warn at the end if all 16-bit files that were decoded hold values of 12 bits."""
    with watch_depth() as depth:
        yield
    if line := depth.describe():
        warn(line)


def note_depth(image: np.ndarray) -> None:
    """Report the values of a 16-bit file to those who watch."""
    if _watching:
        largest = int(image.max())
        with _lock:
            for depth in _watching:
                depth.files += 1
                depth.largest = max(depth.largest, largest)


def spread_12_bits(folder: str | os.PathLike[str], output: str | os.PathLike[str]) -> int:
    """Copy a folder, and multiply the values of its 16-bit PNG and TIFF files by 16.

    Args:
        folder: of images whose values are 4,095 at most where they have 16 bits.
        output: folder to write; it must not exist.

    Returns:
        Number of files that were multiplied.

    Raises:
        SightkitError: no such folder, one that exists already, or a value above 4,095.
    """
    source, target = Path(folder), Path(output)
    if not source.is_dir() or target.exists():
        raise SightkitError(
            "There must be a folder to copy, and none of the copy's name.",
            "Check the paths.",
            folder=str(folder),
            output=str(output),
        )
    partial = target.with_name(target.name + _files.PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)
    try:
        shutil.copytree(source, partial, symlinks=True)
        count = sum(map(_spread, sorted(path for path in partial.rglob("*") if path.is_file())))
        os.replace(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return count


def _spread(path: Path) -> bool:
    from sightkit.io.images import decoded, turned  # which notes depths here

    data = b"" if path.is_symlink() else path.read_bytes()
    header = read_header(data)
    if header is None or header.kind not in ENDING:
        return False
    image = decoded(data, cv2.IMREAD_UNCHANGED)
    if image is None or image.dtype != np.uint16:
        return False
    if image.max() > LARGEST:
        raise SightkitError(
            f"Values of 12 bits are {LARGEST:,} at most; this file has larger ones.",
            "Leave it out of the folder.",
            path=path.name,
            largest=int(image.max()),
        )
    spread = turned(image << SPREAD, header.orientation)
    _files.write_bytes(path, cv2.imencode(ENDING[header.kind], spread)[1].tobytes())
    return True
