"""The terminal: what is printed is text, whatever names hold. Standard library only."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from sightkit._errors import visible


class Terminal(io.TextIOWrapper):
    """A stream that shows control characters escaped, line feeds and tabs excepted."""

    draws = False
    """Whether control characters are those of a progress bar, and pass."""
    before: TextIO
    """The stream that this one stands for; it would close both if it were let go."""

    def write(self, text: str, /) -> int:
        """Write a text; see the class."""
        return super().write(text if self.draws else visible(text, lines=True))


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Let a library draw on stdout and stderr: a progress bar, a coloured ``--help``.

    Messages of ours are escaped before they come to a stream (``SightkitError``, ``warn``).
    """
    before = {s: s.draws for s in (sys.stdout, sys.stderr) if isinstance(s, Terminal)}
    for stream in before:
        stream.draws = True
    try:
        yield
    finally:
        for stream, drew in before.items():
            stream.draws = drew


def prepare() -> None:
    """Print ``?`` for what the terminal cannot show; read names of files as UTF-8 all the same.

    How Python reads names is settled when it starts, by the locale: where that is no UTF-8, it is
    started once more, and the terminal keeps its encoding.
    """
    if sys.stdout is None or sys.stderr is None:  # closed by the caller
        sys.stdout, sys.stderr = (
            stream or open(os.devnull, "w") for stream in (sys.stdout, sys.stderr)
        )
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1":
        encoding = f"{sys.stdout.encoding}:replace"
        environment = {**os.environ, "PYTHONUTF8": "1", "PYTHONIOENCODING": encoding}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
    sys.stdout, sys.stderr = map(_guarded, (sys.stdout, sys.stderr))


def discard(stream: TextIO) -> None:
    """Let what a stream still holds, and all that follows, go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _guarded(stream: TextIO) -> TextIO:
    if isinstance(stream, Terminal) or not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.flush()
    guarded = Terminal(
        stream.buffer,
        encoding=stream.encoding,
        errors=stream.errors if stream.errors == "backslashreplace" else "replace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    guarded.before = stream
    return guarded
