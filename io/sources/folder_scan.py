"""List a folder: images, folders, and everything else with the reason why it is left out.

``imutils.paths`` is not used here: it knows no GIF, WebP or AVIF, lists FIFOs and dangling links
as images, gives an order that differs between disks, and never reports what it left out.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sightkit._errors import SightkitError

IMAGE_ENDINGS = frozenset(
    ".jpg .jpeg .jpe .png .bmp .dib .gif .webp .tif .tiff .ppm .pgm .pbm .pnm .avif "
    ".heic .heif".split()  # these two are refused when they are read, with the way to convert them
)
MACOS_FOLDER = "__MACOSX"

NOT_AN_IMAGE = "no image, by the ending of its name"


@dataclass(frozen=True)
class Scan:
    """The content of a folder; names are relative to ``root``, with ``/``, and sorted by bytes.

    Attributes:
        root: the folder.
        images: name and size in bytes of each file that an image's ending names.
        folders: all folders that were entered.
        left_out: name and reason of everything else.
    """

    root: Path
    images: tuple[tuple[str, int], ...]
    folders: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


def scan_folder(folder: str | os.PathLike[str]) -> Scan:
    """List a folder and all folders below it; no file is opened and no link is followed.

    Raises:
        SightkitError: no such folder, or one below it that may not be read.
    """
    root = Path(folder)
    if not root.is_dir():
        raise SightkitError(
            "There must be a folder of images.", "Check the path.", folder=str(folder)
        )
    images: list[tuple[str, int]] = []
    folders: list[str] = []
    left_out: list[tuple[str, str]] = []
    waiting = [""]
    while waiting:
        below = waiting.pop()
        for entry in _entries(root, below):
            name = f"{below}/{entry.name}" if below else entry.name
            reason = _reason_to_leave(entry)
            if reason:
                left_out.append((name, reason))
            elif entry.is_dir(follow_symlinks=False):
                folders.append(name)
                waiting.append(name)
            else:
                images.append((name, entry.stat(follow_symlinks=False).st_size))
    return Scan(
        root,
        tuple(sorted(images, key=lambda image: os.fsencode(image[0]))),
        tuple(sorted(folders, key=os.fsencode)),
        tuple(sorted(left_out, key=lambda item: os.fsencode(item[0]))),
    )


def descend(scan: Scan) -> Scan:
    """Enter a folder that holds nothing but one folder of folders, as archives often do.

    ``SMILEs/positives/…`` and ``SMILEs/negatives/…`` become ``positives/…`` and ``negatives/…``.
    A folder with images of its own is never entered: it may be a class.
    """
    while True:
        top = [name for name in scan.folders if "/" not in name]
        if len(top) != 1 or not scan.images or any(name.count("/") < 2 for name, _ in scan.images):
            return scan
        cut = len(top[0]) + 1
        scan = Scan(
            scan.root / top[0],
            tuple((name[cut:], size) for name, size in scan.images),
            tuple(name[cut:] for name in scan.folders if name != top[0]),
            scan.left_out,
        )


def printable(name: str) -> str:
    """A file name as text that UTF-8 can hold; bytes that are no UTF-8 become ``\\xNN``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _entries(root: Path, below: str) -> list[os.DirEntry[str]]:
    folder = root / below
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise SightkitError(
            f"Each folder below the data must be readable ({error.strerror}).",
            "Change its permissions, or move it away.",
            folder=printable(str(folder)),
        ) from error


def _reason_to_leave(entry: os.DirEntry[str]) -> str:
    """Return why an entry is neither an image nor a folder to enter; empty if it is one."""
    if entry.is_symlink():
        return "a link, which is not followed"
    if entry.name.startswith("."):
        return "hidden"
    if entry.is_dir(follow_symlinks=False):
        return "the Finder's own folder" if entry.name == MACOS_FOLDER else ""
    if not entry.is_file(follow_symlinks=False):
        return "no regular file"
    if os.path.splitext(entry.name)[1].lower() not in IMAGE_ENDINGS:
        return NOT_AN_IMAGE
    return ""
