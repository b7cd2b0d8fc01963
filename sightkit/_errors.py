"""The error form and the exit codes. Standard library only: every folder may import this file."""

from __future__ import annotations

import errno
import os
import re
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

EXIT_USER = 2
"""The user must change something."""
LONGEST = 1_000
"""Characters of a value in a message."""


DEBUG = "--debug"
"""The flag of every script that shows the traceback of an error."""
OURS = ("sightkit", "__main__")
"""Packages of what is ours: sightkit, and the running script."""
MOST = 2**31 - 1
"""What any number of a flag may be."""
CHECK = f"Check the files and the flags; if they are right, this is a bug: {DEBUG} shows where."
OF_DATA = (
    (
        {"MemoryError", "ResourceExhaustedError"},  # the second is TensorFlow's
        "The memory is too small",
        "Take smaller images or batches, or close other programs.",
    ),
    ({"RecursionError"}, "Something is nested too deeply", CHECK),
    ({"UnicodeError"}, "A text is not in the encoding that it should have", CHECK),
)
"""Errors that data cause wherever they are raised: names of classes, rule, next step."""


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
        return visible(" ".join(part for part in (rule, self._values, next_step) if part))


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""A full disk, a quota, a size limit."""
NEXT_STEPS = {
    **dict.fromkeys(FULL, "Free some space, or choose another folder."),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS), "Change its permissions, or choose another path."
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


def explained(error: Exception, paths: Mapping[str, str]) -> SightkitError:
    """Return an error that nobody foresaw as one of one line, which says whose it is.

    Args:
        error: of the system, of a library, or of our own.
        paths: the files and folders of the command, by their flags.
    """
    if isinstance(error, SightkitError):
        return error
    if isinstance(error, OSError) and error.errno:
        return of_the_system(error) or SightkitError(
            f"A file cannot be read or written ({os.strerror(error.errno)}).",
            "Check the path.",
            **({"path": os.fsdecode(error.filename)} if error.filename else paths),
        )
    text = in_a_line(error)
    for kinds, rule, step in OF_DATA:
        if kinds & {kind.__name__ for kind in type(error).__mro__}:
            return SightkitError(f"{rule} ({text}).", step, **paths)
    called = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    names = [str(frame.f_globals.get("__name__")).partition(".")[0] for frame in called]
    raising = (type(error).__module__ or "").partition(".")[0]
    if raising == "builtins" and names:
        raising = names[-1]
    if raising not in OURS:
        return SightkitError(f"{raising} gave up ({text}).", CHECK, **paths)
    code = [frame.f_code for frame, name in zip(called, names, strict=True) if name in OURS][-1]
    place = f"{Path(code.co_filename).name}, in {code.co_name}"
    return SightkitError(
        f"This is a bug: {text} ({place}).",
        f"Give the same command with {DEBUG}, which shows the traceback, and report it.",
        **paths,
    )


class Interrupted(Exception):
    """Training was stopped by a signal, after saving.

    ``exit_code`` is what a script exits with: 130 for SIGINT, 143 for SIGTERM.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # also ESC, BEL, line feed
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the order of writing
    "\u2028\u2029\ufeff\ud800-\udfff]"  # separators of lines, and what is no UTF-8
)
LINES = frozenset("\n\t")


def visible(text: str, *, lines: bool = False) -> str:
    """Return a text as a terminal shows it: control characters become ``\\x1b``, ``\\n``.

    With ``lines`` line feeds and tabs stay: of a text that has several lines.
    """

    def escaped(found: re.Match[str]) -> str:
        stays = lines and found[0] in LINES
        return found[0] if stays else repr(found[0])[1:-1]

    return CONTROL.sub(escaped, text)


def printable(name: str) -> str:
    """Return a text as UTF-8 holds it: bytes of a name that are no UTF-8 become ``\\udcXX``."""
    return name.encode("utf-8", "backslashreplace").decode()


def require_at_least(config: Any, **lowest: float) -> None:
    """Raise for a flag of a script that is given, and below its lowest value."""
    for name, least in lowest.items():
        value = getattr(config, name)
        if value is not None and not value >= least:
            flag = f"--{name.replace('_', '-')}"
            default = type(config).__dataclass_fields__[name].default
            given = f"Give {flag} {default}, the default, for example."
            raise SightkitError(
                f"{flag} must be at least {least}.",
                f"Leave {flag} out." if default is None else given,
                **{name: getattr(config, name)},
            )


def require_read(
    config: Any,
    choice: str,
    readers: Mapping[str, Sequence[str]],
    default_of: Callable[[str], object] | None = None,
) -> None:
    """Raise for a choice that there is not, or for a given flag that the choice does not read.

    Args:
        config: flags of a script.
        choice: one of them, ``method``.
        readers: each of its values to the flags that it reads.
        default_of: default of a flag, by which it is known whether it is given.
    """
    chosen = getattr(config, choice)
    if chosen not in readers:
        raise SightkitError(f"--{choice} must be one of {', '.join(readers)}.", **{choice: chosen})
    for name in dict.fromkeys(name for names in readers.values() for name in names):
        default = default_of(name) if default_of else config.__dataclass_fields__[name].default
        if name not in readers[chosen] and getattr(config, name) != default:
            flag = name.replace("_", "-")
            reading = [each for each, names in readers.items() if name in names]
            raise SightkitError(
                f"--{flag} is for --{choice}={', '.join(reading)}.",
                f"Leave it out, or give --{choice}={reading[0]}.",
                **{choice: chosen, name: getattr(config, name)},
            )


def require_numbers(config: Any) -> None:
    """Raise for a flag that is no number, or beyond 2147483647; for a seed below 0."""
    for name, value in vars(config).items():
        for each in value if isinstance(value, tuple) else (value,):
            lowest = 0 if name.endswith("seed") else -MOST
            if isinstance(each, int | float) and not lowest <= each <= MOST:
                raise SightkitError(
                    f"--{name.replace('_', '-')} must be between {lowest} and {MOST}.",
                    **{name: value},
                )


def in_a_line(error: BaseException) -> str:
    """Return an error in one line of 200 characters at most."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]


def few(names: Sequence[str], most: int = 5) -> str:
    """Return the first names of many, and how many more there are, for a line of text."""
    shown = ", ".join(map(visible, names[:most])) or "none"
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
