"""The file of an exercise: import it, end what does not end, name the line of an error.

Formula: docs/foundations.md#exercises. Test: tests/apps/foundations/test_exercises.py.
Picture: none.
"""

from __future__ import annotations

import contextlib
import importlib.util
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from sightkit._errors import in_a_line

SECONDS = 30
"""What no exercise needs, and a loop without an end does."""


def load(path: Path) -> ModuleType:
    """Import a file anew, whatever its name."""
    name = f"sightkit_exercise_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{path} cannot be imported.")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # where dataclasses look
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Raise a TimeoutError in code that does not end; where signals cannot, Ctrl-C ends it."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise TimeoutError(f"not done after {SECONDS} s; is there a loop without an end?")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def lines(error: BaseException, path: Path) -> list[int | None]:
    """Return the lines of the file that an error came through; tracebacks have absolute paths."""
    frames = traceback.extract_tb(error.__traceback__)
    return [each.lineno for each in frames if each.filename == str(path.absolute())]


def where(error: BaseException, path: Path) -> str:
    """Return an error in a line, with the number of the last of the file's that it came through."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: " * bool(error.lineno) + in_a_line(type(error)(error.msg))
    line = [None, *lines(error, path)][-1]
    return f"line {line}: " * bool(line) + in_a_line(error).rstrip(": ")
