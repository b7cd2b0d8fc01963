"""A folder that photos come into: each new one is answered once it is complete."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files, io
from sightkit._errors import SightkitError, visible
from sightkit._scripts import warn
from sightkit.evaluation.outputs import require_file
from sightkit.evaluation.photo_folder import PART, answers_of, lines_of

LOOK = 1.0
"""Seconds between two looks; a file that is the same in both is complete."""

EMPTY = 10.0
"""Seconds after which an empty file is no beginning of one that is still written."""

State = tuple[int, int, int]
"""Of a file: inode, bytes, time of its last change."""


def require_watchable(
    folder: str | os.PathLike[str], output: str | os.PathLike[str] | None
) -> None:
    """Check, before any work, a folder to watch and the file of its answers.

    Raises:
        SightkitError: no folder; or a file in it, which would come in itself, that cannot be
            written to, or whose name does not end in ``.jsonl``.
    """
    if os.path.isfile(folder):
        raise SightkitError(
            "A folder is watched, and this is a file.",
            "Give its folder, or name the file without --watch.",
            watch=os.fspath(folder),
        )
    _states(folder)
    if output is None:
        return
    require_file(output, (".jsonl",), overwrite=True)
    if Path(output).resolve().is_relative_to(Path(folder).resolve()):
        raise SightkitError(
            "The file of --output must not be in the folder that is watched.",
            "Choose another folder for it.",
            output=os.fspath(output),
        )


def watch_folder(
    folder: str | os.PathLike[str], *, follow_links: bool = False, seconds: float = LOOK
) -> Iterator[list[Path]]:
    """Yield, look after look, the files that have come into a folder, or into one below it.

    A file comes when it is the same in two looks, however it came: written, renamed or replaced.
    One that is changed later comes again. Those that are there at first do not come, nor do
    hidden ones; one that is empty comes when it has been so for ten seconds.

    Args:
        folder: to watch; it must stay.
        follow_links: look into folders behind links.
        seconds: between two looks.
    """
    before = done = _states(folder, follow_links)
    while True:
        time.sleep(seconds)
        now = _states(folder, follow_links)
        ready = [
            path
            for path, state in now.items()
            if before.get(path) == state and done.get(path) != state and not _is_begun(state)
        ]
        done = {path: now[path] for path in now if path in ready or done.get(path) == now[path]}
        before = now
        yield sorted(ready)


def watch_photos(
    bundle: Any,
    folder: str | os.PathLike[str],
    *,
    top: int = 5,
    threshold: float = 0.0,
    reject: float | None = None,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    follow_links: bool = False,
) -> dict[str, int]:
    """Classify each photo that comes into a folder, until Ctrl-C; return how many there were.

    Each is a line on stdout, and one of JSON in a file: ``{"picture": path, "classes": [{"class":
    name, "probability": p}, …]}``, or ``{"picture": path, "error": reason}`` for what is no image,
    which is a line on stderr.

    Args:
        bundle: as ``predict_photos`` takes it.
        folder: see ``watch_folder``.
        top: classes a photo.
        threshold: see ``predict_photos``.
        reject: see ``predict_photos``.
        output: file that lines are added to, made where it is missing.
        overwrite: begin the file anew.
        follow_links: take what links lead to.
    """
    if output and overwrite:
        Path(output).unlink(missing_ok=True)
    answered = 0
    print(f"Put photos into {visible(os.fspath(folder))}, and end with Ctrl-C here.", flush=True)
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(KeyboardInterrupt))
        log = stack.enter_context(_files.open_to_append(Path(output))) if output else None

        def write(**entry: Any) -> None:
            if log is not None:
                log.write(f"{_files.json_text(entry)}\n".encode())

        for ready in watch_folder(folder, follow_links=follow_links):
            for start in range(0, len(ready), PART):
                part: dict[str, np.ndarray] = {}
                for path in ready[start : start + PART]:
                    try:
                        part[str(path)] = _read(path, follow_links)
                    except SightkitError as error:
                        warn(error)
                        write(picture=str(path), error=str(error))
                options = {"top": top, "threshold": threshold, "reject": reject}
                for photo, answer in answers_of(bundle, part, **options).items():
                    print("  ".join(line.strip() for line in lines_of(photo, answer)), flush=True)
                    classes = [{"class": name, "probability": p} for name, p in answer.items()]
                    write(picture=photo, classes=classes)
                answered += len(part)
    print(f"{answered:,} photo{'s' * (answered != 1)} classified.")
    return {"photos": answered}


def _read(path: Path, follow_links: bool) -> np.ndarray:
    if path.is_symlink() and not follow_links:
        raise SightkitError(
            "A link in the folder is not followed.", "Give --follow-links.", path=str(path)
        )
    return io.read_image(path)


def _is_begun(state: State) -> bool:
    _, size, changed = state
    return not size and time.time() - changed / 1e9 < EMPTY


def _states(folder: str | os.PathLike[str], follow_links: bool = False) -> dict[Path, State]:
    """Return the files of a folder and of those below it, with what changes when they do."""
    if not os.path.isdir(folder):
        raise SightkitError(
            "The folder that is watched must be there, and stay.",
            "Make it, or check the path.",
            watch=os.fspath(folder),
        )
    found: dict[Path, State] = {}
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=follow_links):
        if (real := os.path.realpath(place)) in seen:  # a link to a folder above it
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(place, name)
            with contextlib.suppress(OSError):  # gone, or a dead link
                facts = path.stat() if follow_links else path.lstat()
                if not name.startswith(".") and not stat.S_ISDIR(facts.st_mode):
                    found[path] = facts.st_ino, facts.st_size, facts.st_mtime_ns
    return found
