"""The error form and the exit codes. Standard library only: every folder may import this file."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import Any

EXIT_USER = 2
"""The user must change something."""


class SightkitError(Exception):
    """An error that the user can fix, in one line: the rule, the values received, the next step.

    Args:
        rule: the rule that was broken, a sentence.
        next_step: action that fixes it, a sentence; may be empty. Or several, clauses in small
            letters, of which a script names those whose flags it has.
        **received: the offending values by name.

    Example:
        >>> print(SightkitError("epochs must be at least 1.", "Give --epochs 20.", epochs=0))
        epochs must be at least 1. Received: epochs=0. Give epochs=20.
    """

    def __init__(self, rule: str, next_step: str | Sequence[str] = "", **received: object) -> None:
        values = ", ".join(f"{name}={_shown(value)}" for name, value in received.items())
        super().__init__(rule, next_step)
        self._values = f"Received: {values}." if values else ""

    def __str__(self) -> str:
        """The parts in one line, with flags as flags in a script, as arguments elsewhere."""
        from sightkit._scripts import as_given, possible  # which raise these errors themselves

        rule, next_step = as_given(self.args[0]), as_given(possible(self.args[1]))
        return " ".join(part for part in (rule, self._values, next_step) if part)


NEXT_STEPS = {
    **dict.fromkeys(
        (errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "Free some space, or choose another folder."
    ),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS),
        "Change its permissions, or choose another path.",
    ),
    **dict.fromkeys(
        (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS),
        "The file system cannot do it: choose a folder on another one, a local disk for example.",
    ),
    **dict.fromkeys(
        (errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT, errno.EREMOTEIO),
        "Check the disk or the network share, then give the same command again.",
    ),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "Close other programs, or raise ulimit -n."),
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.ENOTDIR: "Check the path: a folder is expected where a file is.",
    errno.EISDIR: "Check the path: a file is expected where a folder is.",
    errno.ELOOP: "Remove the link, or choose another path.",
}
"""What helps where the system refuses a file; other errors of the system are our own."""


def of_the_system(error: OSError, path: object = None) -> SightkitError | None:
    """Return the error for a file that the system refuses; None where the user cannot help it.

    ``path`` is what was read or written, for errors that name no file.
    """
    step = NEXT_STEPS.get(error.errno or 0)
    if step is None:
        return None
    if error.filename is not None:
        path = os.fsdecode(error.filename)
    received = {} if path is None else {"path": str(path)}
    reason = os.strerror(error.errno or 0)
    return SightkitError(f"A file cannot be read or written ({reason}).", step, **received)


class Interrupted(Exception):
    """Training was stopped by a signal, after saving.

    ``exit_code`` is what a script exits with: 130 for SIGINT, 143 for SIGTERM.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def printable(name: str) -> str:
    """Return a text as UTF-8 holds it: bytes of a name that are no UTF-8 become ``\\udcXX``."""
    return name.encode("utf-8", "backslashreplace").decode()


def require_at_least(config: Any, **lowest: float) -> None:
    """Raise for a flag of a script that is below its lowest value."""
    for name, least in lowest.items():
        if not getattr(config, name) >= least:
            flag = f"--{name.replace('_', '-')}"
            default = type(config).__dataclass_fields__[name].default
            raise SightkitError(
                f"{flag} must be at least {least}.",
                f"Give {flag} {default}, the default, for example.",
                **{name: getattr(config, name)},
            )


def in_a_line(error: Exception) -> str:
    """Return an error in one line of 200 characters at most."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]


def few(names: Sequence[str], most: int = 5) -> str:
    """Return the first names of many, and how many more there are, for a line of text."""
    shown = ", ".join(map(printable, names[:most])) or "none"
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _shown(value: object) -> str:
    """One line, whatever the value holds (a file name may hold a newline)."""
    text = repr(value) if isinstance(value, str) else str(value)
    return " ".join(text.split()) if "\n" in text else text
