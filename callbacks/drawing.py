"""Pictures that are drawn beside the training, and never hold it up."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

from sightkit._errors import SightkitError

LEAST = 1.0
"""Seconds from one drawing to the next."""

_matplotlib = threading.Lock()  # its fonts and caches are shared: one drawing at a time


class Drawing:
    """Draws in a thread of its own, so that training goes on meanwhile.

    A drawing that would come within a second of the one before, or while that is under way, is
    left out, and so is one that cannot be written: the next one shows the same and more, and the
    last one is made, or fails, in ``finish``.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._begun = -LEAST

    def offer(self, draw: Callable[[], None]) -> bool:
        """Start a drawing if it is due; whether it was started."""
        now = time.monotonic()
        if self._thread is not None and self._thread.is_alive():
            return False
        if now - self._begun < LEAST:
            return False
        self._begun = now
        self._thread = threading.Thread(target=self._run, args=(draw,), daemon=True)
        self._thread.start()
        return True

    def finish(self, draw: Callable[[], None]) -> None:
        """Wait for a drawing that is under way, then draw here."""
        self.wait()
        with _matplotlib:
            draw()

    def wait(self) -> None:
        """Wait for a drawing that is under way, so that no half picture is left."""
        if self._thread is not None:
            self._thread.join()

    def _run(self, draw: Callable[[], None]) -> None:
        with _matplotlib, contextlib.suppress(SightkitError, OSError):
            draw()
