"""Files that are complete or absent: atomic replacement, sync, checks of rights and free space.

Standard library only: every folder may import this file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from sightkit import _scripts
from sightkit._errors import FULL, SightkitError, printable
from sightkit._faults import crash_point
from sightkit._regular_file import open_no_link, open_regular

PARTIAL = ".partial"
ROOM = 40
"""Bytes that a name has more while it is written, or as that of a lock or a list beside it."""
SCREEN = 100
"""Dots an inch of a figure in a notebook, whose file holds all of its pictures."""
flags: dict[str, Any] = {}
"""The paths of the running command, its defaults too, by their flags."""


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Replace a file atomically: the name holds the old content or the new, never a part of it.

    Yields a temporary path beside ``path``, which keeps the ending of the name. After the block
    the file is synced, renamed onto ``path`` and the folder is synced. If the block raises, the
    temporary file is removed and the old file stays.
    """
    path = Path(path)
    temporary = partial_of(path)
    try:
        yield temporary
        crash_point("file.written")
        sync(temporary)
        crash_point("file.synced")
        os.replace(temporary, path)
        crash_point("file.renamed")
        sync(path.parent)
    except OSError as error:
        if error.errno in FULL:
            raise no_space(path, error) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def partial_of(path: Path) -> Path:
    """Return a name beside ``path`` for what is written, or deleted: new, so that nothing is there.

    ``is_partial`` knows it, and it keeps the ending of the name.
    """
    return path.with_name(f".{secrets.token_hex(4)}{PARTIAL}.{path.name}")


def as_paths(config: Any) -> None:
    """Let the paths of a frozen dataclass be given as strings."""
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if "Path" in str(field.type) and isinstance(value, str):
            object.__setattr__(config, field.name, Path(value))


def link(path: Path, name: Path) -> None:
    """Give a file a second name, atomically; another file of that name loses it."""
    temporary = partial_of(name)
    try:
        os.link(path, temporary)
    except OSError:  # a file system without hard links
        shutil.copyfile(path, temporary)
    os.replace(temporary, name)
    sync(name.parent)


def remove(path: Path) -> None:
    """Remove a file, or a folder with its content; nothing if there is neither."""
    if is_own_folder(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def is_own_folder(path: Path) -> bool:
    """Return True for a folder; False for a link to one, which leads to what may not be ours."""
    with contextlib.suppress(OSError):
        return stat.S_ISDIR(path.lstat().st_mode)
    return False


def open_to_append(path: Path) -> FileIO:
    """Open a file that we have named to append to it, unbuffered; a link there is refused."""
    return open(path, "ab", buffering=0, opener=open_no_link)


def is_partial(name: str) -> bool:
    """Return True for the name of a temporary file of ``replacing``."""
    return name.startswith(".") and f"{PARTIAL}." in name


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Replace the content of ``path`` atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Replace the content of ``path`` atomically, as UTF-8; what is none becomes ``\\udcXX``."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Replace ``path`` atomically by JSON; NaN and infinity are refused: JSON has none."""
    write_text(path, json_text(value, indent=2, allow_nan=False) + "\n")


def json_text(value: Any, **options: Any) -> str:
    """Return JSON that UTF-8 holds: bytes of a name that are no UTF-8 are the text ``\\udcXX``."""
    text = json.dumps(value, ensure_ascii=False, **options)
    return re.sub("[\ud800-\udfff]", lambda found: rf"\\u{ord(found[0]):x}", text)


def save_figure(path: str | os.PathLike[str] | BinaryIO, figure: Any) -> None:
    """Replace ``path`` atomically by a Matplotlib figure, as PNG; or write it to an open file."""
    if not isinstance(path, str | os.PathLike):
        figure.savefig(path, format="png", dpi=SCREEN)
        return
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png")


def stored_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; an empty one where there is no file."""
    from sightkit import _schema

    return _schema.read(path, dict[str, Any]) if path.is_file() else {}


def sync(path: Path) -> None:
    """Force a file's or a folder's content to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def no_space(path: Path, error: OSError) -> SightkitError:
    """Return the error for a full disk, a quota or a size limit, with the bytes that are free."""
    free = shutil.disk_usage(existing_parent(path)).free
    return SightkitError(
        f"{path.name} could not be written: {os.strerror(error.errno or errno.ENOSPC)}.",
        f"An existing file is unchanged; {free:,} bytes are free: "
        "free some, or choose another folder.",
        path=str(path),
    )


def user_cache(name: str) -> Path:
    """Return the folder ``~/.cache/sightkit/NAME``, whose files may always be deleted.

    For a user without a home it is a folder that cannot be made: nothing is cached.
    """
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        cache = Path(os.devnull)
    return cache / "sightkit" / name


def existing_parent(path: str | os.PathLike[str]) -> Path:
    """Return the nearest existing folder above ``path``, or ``path`` itself."""
    folder = Path(path).absolute()
    while not _is_folder(folder):
        folder = folder.parent
    return folder


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except PermissionError as error:
        raise SightkitError(
            f"The folder must be accessible ({error.strerror}).",
            "Choose another folder, or change its permissions.",
            folder=str(path),
        ) from error


def require_writable(
    folder: str | os.PathLike[str], *, of: str | os.PathLike[str] | None = None
) -> None:
    """Raise unless ``folder``, or the nearest parent that exists, can be written to.

    ``of`` is the file that will be written into it, where the user named that.
    """
    way = _way_on(Path(of or folder))
    parent = existing_parent(folder)
    above = (Path(folder), *Path(folder).parents)
    blocking = next((p for p in above if os.path.lexists(p) and not p.is_dir()), None)
    if blocking is not None:
        raise SightkitError(
            "The path must be a folder, and there is a file (or a broken link).",
            f"{way}.",
            folder=str(folder),
            file=str(blocking),
        )
    probe = parent / f".sightkit-probe-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SightkitError(
            f"The folder must be writable ({error.strerror}).",
            f"{way}, or change its permissions.",
            folder=str(parent),
        ) from error


def require_place(path: str | os.PathLike[str]) -> None:
    """Raise, before any work, unless a file or folder of this path can be written.

    A name must leave room for what it has more while the file is written, and be UTF-8: files
    and reports record it.
    """
    path = Path(path)
    if printable(str(path)) != str(path):
        raise SightkitError("The path must be UTF-8.", f"{_way_on(path)}.", path=str(path))
    require_writable(path if path.is_dir() else path.parent, of=path)
    folder = existing_parent(path)
    most = os.pathconf(folder, "PC_NAME_MAX") - ROOM
    longest = max((len(os.fsencode(part)), part) for part in ("", *path.parts))
    whole = len(os.fsencode(path.absolute())) + ROOM
    if longest[0] > most or whole >= os.pathconf(folder, "PC_PATH_MAX"):
        raise SightkitError(
            f"A name in the path may have {most} bytes, and the path as many as the system allows.",
            f"{_way_on(path)}, which is shorter.",
            path=str(path),
        )


def _way_on(path: Path) -> str:
    """Return what helps where ``path`` cannot be written: the flag that named it, or a folder."""
    folders = (path, *path.parents)
    named = {flag: Path(value) for flag, value in flags.items() if value is not None}
    fitting = {flag: folders.index(value) for flag, value in named.items() if value in folders}
    if fitting:
        return f"Choose another {min(fitting, key=lambda flag: fitting[flag])}"
    if flags.get("--output", path) is None:
        return "Give --output"
    if not flags and "output" in (_scripts.flags or ()):  # while the values are being checked
        return "Choose another --output"
    if not _scripts.command_line:
        return "Choose another path"
    return "Choose another folder" if path.is_absolute() else "Run the command in another folder"


def require_free_space(folder: str | os.PathLike[str], needed: int, purpose: str) -> None:
    """Raise unless the disk under ``folder`` has ``needed`` bytes free."""
    free = shutil.disk_usage(existing_parent(folder)).free
    if free < needed:
        raise SightkitError(
            f"The disk is too small for {purpose}: {needed:,} bytes are needed, {free:,} are free "
            f"({needed - free:,} missing).",
            "Free some space, or choose another folder.",
            folder=str(folder),
        )
