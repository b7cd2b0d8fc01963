"""List a folder: images, folders, and everything else with the reason why it is left out.

``imutils.paths`` is not used here: it knows no GIF, WebP or AVIF, lists FIFOs and dangling links
as images, gives an order that differs between disks, and never reports what it left out.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import re
import unicodedata
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from sightkit._errors import SightkitError, printable
from sightkit._regular_file import open_regular
from sightkit.io.image_kinds import (
    HEAD_BYTES,
    KIND_BY_ENDING,
    ending_of,
    kind_of,
    reason_not_to_decode,
)

MACOS_FOLDER = "__MACOSX"
MOST_FOLDERS = 100_000
"""Folders behind one link in which images are counted."""

HIDDEN = "hidden"
LINK = "a link, which is not followed (cp -rL copies what it leads to)"
OWN = "a folder that sightkit wrote"
OWN_JSON = re.compile(
    rb'{\n  "format": "sightkit-(run|bundle|evaluation|detector-evaluation|ensemble|search|export)"'
)
"""Beginning of the file that says what such a folder is; enlarged pictures are photos."""
NOT_AN_IMAGE = "no image, by its content"

Named = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Scan:
    """The content of a folder; names are relative to ``root``, with ``/``, and sorted by bytes.

    Attributes:
        root: the folder.
        images: name and size in bytes of each file to decode.
        folders: all folders that were entered, and links to folders of images.
        lost: name and reason of each image that is not in ``images``: hidden, behind a link, of a
            kind that cannot be decoded here.
        left_out: name and reason of everything else.
        prefix: what the names in ``lost`` and ``left_out`` begin with, if they are below ``root``.
        exclude: classes, folders' paths and patterns to leave out.
        met: those of them that something fitted.
    """

    root: Path
    images: tuple[tuple[str, int], ...]
    folders: tuple[str, ...]
    lost: Named
    left_out: Named
    prefix: str = ""
    exclude: tuple[str, ...] = ()
    met: frozenset[str] = frozenset()


def scan_folder(
    folder: str | os.PathLike[str], exclude: Sequence[str] = (), *, follow_links: bool = False
) -> Scan:
    """List a folder and all folders below it, save those that sightkit wrote: runs, bundles.

    A file whose name ends as an image's is one to decode; the first bytes of every other file tell
    whether it is an image.

    Args:
        folder: what is listed.
        exclude: folders' paths and patterns to leave out, in this folder and in one that is
            entered; they need not be there.
        follow_links: look behind links, save into the folder itself or where another led.

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
    lost: list[tuple[str, str]] = []
    left_out: list[tuple[str, str]] = []
    waiting, places = [""], [os.path.realpath(root)]
    while waiting:
        below = waiting.pop()
        entries = _entries(root, below)
        if below and any(map(_is_own, entries)):
            folders.remove(below)
            left_out.append((below, OWN))
            continue
        for entry in entries:
            name = f"{below}/{entry.name}" if below else entry.name
            follow = follow_links and entry.is_symlink() and _leads_elsewhere(entry, places)
            reason = _reason_to_leave(entry, follow)
            if reason:
                found = list(_images_in(entry, root))
                lost += [(f"{name}/{image}" if image else name, reason) for image in found]
                if not found:
                    left_out.append((name, reason))
                elif entry.is_symlink() and os.path.isdir(entry.path):
                    folders.append(name)  # a class, if it is one, that has no images
            elif entry.is_dir(follow_symlinks=follow):
                folders.append(name)
                waiting.append(name)
            elif why := _reason_not_to_read(entry):
                (left_out if why == NOT_AN_IMAGE else lost).append((name, why))
            else:
                images.append((name, entry.stat(follow_symlinks=follow).st_size))
    ours = [name for name, why in left_out if why == OWN or name.endswith(".h5")]
    behind = _above(ours) - _above(name for name, _ in (*images, *lost))
    for listed in (images, lost, left_out):
        listed.sort(key=lambda item: os.fsencode(item[0]))
    names = tuple(sorted({*folders} - behind, key=os.fsencode))
    wanted = tuple(dict.fromkeys(composed(name).strip("/") for name in exclude))
    met = frozenset(
        each for name in (*behind, *ours) for each in excluding(f"{composed(name)}/", wanted)
    )
    scan = Scan(root, tuple(images), names, tuple(lost), tuple(left_out), exclude=wanted, met=met)
    return _without(scan)


def _above(names: Iterable[str]) -> set[str]:
    """Return the folders that hold some files or folders, and those that hold these."""
    return {name[: end.start()] for name in names for end in re.finditer("/", name)}


def descend(scan: Scan, stop: Container[str] = ()) -> Scan:
    """Enter a folder that alone holds folders of images, as archives often do.

    ``SMILEs/positives/…`` and ``SMILEs/negatives/…`` become ``positives/…`` and ``negatives/…``.
    Folders of other files may lie beside it. A folder with images of its own is never entered: it
    may be a class; nor is one whose name, in lower case, is in ``stop``.
    """
    while scan.images:
        images = {name.partition("/")[0] for name, _ in scan.images}
        lost, other = (
            {name.removeprefix(scan.prefix).partition("/")[0] for name, _ in named}
            for named in (scan.lost, scan.left_out)
        )
        top = [name for name in scan.folders if "/" not in name]
        top = [name for name in top if name in images or name in lost or name not in other]
        if len(top) != 1 or top[0].lower() in stop:
            break
        if any(name.count("/") == 1 and name.startswith(f"{top[0]}/") for name, _ in scan.images):
            break
        scan = enter(scan, top[0])
    return scan


def enter(scan: Scan, folder: str) -> Scan:
    """Return the scan of a folder below; images outside of it are lost."""
    start = f"{folder}/"
    outside = [
        (scan.prefix + name, f"outside of {printable(folder)}")
        for name, _ in scan.images
        if not name.startswith(start)
    ]
    inside = [image for image in scan.images if image[0].startswith(start)]
    entered = dataclasses.replace(
        scan,
        root=scan.root / folder,
        images=tuple((name[len(start) :], size) for name, size in inside),
        folders=tuple(name[len(start) :] for name in scan.folders if name.startswith(start)),
        lost=(*scan.lost, *outside),
        prefix=scan.prefix + start,
    )
    return _without(entered)


def _without(scan: Scan) -> Scan:
    """Leave out what is excluded."""
    left_out, met = list(scan.left_out), set(scan.met)

    def kept(path: str, name: str = "") -> bool:
        fitting = excluding(path, scan.exclude)
        met.update(fitting)
        if fitting and name:
            left_out.append((name, f"{printable(fitting[0])} is excluded"))
        return not fitting

    return dataclasses.replace(
        scan,
        images=tuple(item for item in scan.images if kept(item[0], item[0])),
        lost=tuple(item for item in scan.lost if kept(item[0].removeprefix(scan.prefix), item[0])),
        folders=tuple(name for name in scan.folders if kept(f"{name}/")),
        left_out=tuple(left_out),
        met=frozenset(met),
    )


def excluding(name: str, excluded: Iterable[str], label: str = "") -> list[str]:
    """What is excluded and fits a file's class or one of its folders; empty if nothing does.

    One with ``*`` or ``?`` is a pattern (``fnmatch``, by case), for the file's own path too; ``*``
    stands for ``/`` as well.
    """
    path = composed(name)
    whole = {label, *(path[: end.start()] for end in re.finditer("/", path))} - {""}
    return [
        each
        for each in excluded
        if each in whole
        or (("*" in each or "?" in each) and any(fnmatchcase(one, each) for one in (*whole, path)))
    ]


def composed(name: str) -> str:
    """Return a name with composed accents (NFC): macOS decomposes them, other systems do not."""
    return unicodedata.normalize("NFC", name)


def _entries(root: Path, below: str) -> list[os.DirEntry[str]]:
    folder = root / below
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        raise SightkitError(
            f"Each folder below the data must be readable ({error.strerror}).",
            "Change its permissions, or move it away.",
            folder=str(folder),
        ) from error


def _is_own(entry: os.DirEntry[str]) -> bool:
    """Return whether a file says that its folder is a run, a bundle or other output of ours."""
    if not entry.name.endswith(".json") or not entry.is_file(follow_symlinks=False):
        return False
    with contextlib.suppress(OSError):
        return OWN_JSON.match(_head(entry.path)) is not None
    return False


def _leads_elsewhere(entry: os.DirEntry[str], places: list[str]) -> bool:
    """Return True if a link leads to a file or folder that is nowhere in ``places``; note it."""
    place = os.path.realpath(entry.path)
    if any(os.path.commonpath((place, each)) in (place, each) for each in places):
        return False
    if os.path.isdir(place):
        places.append(place)
    return os.path.exists(place)


def _reason_to_leave(entry: os.DirEntry[str], follow: bool) -> str:
    """Return why an entry is neither a file to look at nor a folder to enter; empty if it is."""
    if entry.is_symlink() and not follow:
        return LINK
    if entry.name.startswith("."):
        return HIDDEN
    if entry.is_dir(follow_symlinks=follow):
        return "the Finder's own folder" if entry.name == MACOS_FOLDER else ""
    return "" if entry.is_file(follow_symlinks=follow) else "no regular file"


def _reason_not_to_read(entry: os.DirEntry[str]) -> str:
    """Return why a regular file is no image to decode; empty if it is one."""
    named = KIND_BY_ENDING.get(os.path.splitext(entry.name)[1].lower())
    if named and named != "HEIC":
        return ""
    try:
        kind = kind_of(_head(os.path.realpath(entry.path))) or named
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return reason_not_to_decode(kind) if kind else NOT_AN_IMAGE


def _head(path: str) -> bytes:
    """The first bytes of a regular file; a link is not followed."""
    with open_regular(path, follow_links=False) as file:
        return file.read(HEAD_BYTES)


def _images_in(entry: os.DirEntry[str], root: Path) -> Iterator[str]:
    """Images in what is left out: their names below a folder, or "" for the entry itself.

    The content decides. Behind a link no file is opened: there the ending does.
    """
    if not os.path.isdir(entry.path):
        if entry.is_symlink():
            names = (entry.name, os.path.realpath(entry.path))
            found = any(ending_of(name) in KIND_BY_ENDING for name in names)
        else:
            found = entry.is_file() and _is_image(entry.path)
        if found:
            yield ""
        return
    place, inside = os.path.realpath(entry.path), os.path.realpath(root)
    if entry.is_symlink() and os.path.commonpath((place, inside)) in (place, inside):
        return  # what it leads to is listed where it is
    for folder, _, files in itertools.islice(os.walk(entry.path), MOST_FOLDERS):
        for file in sorted(files):
            path = os.path.join(folder, file)
            if ending_of(file) in KIND_BY_ENDING if entry.is_symlink() else _is_image(path):
                yield os.path.relpath(path, entry.path)


def _is_image(path: str) -> bool:
    try:
        return kind_of(_head(path)) is not None
    except OSError:
        return False
