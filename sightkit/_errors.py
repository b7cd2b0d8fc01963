"""The error form and the exit codes. Standard library only: every folder may import this file."""

from __future__ import annotations

from collections.abc import Sequence

EXIT_USER = 2
"""The user must change something."""


class SightkitError(Exception):
    """An error that the user can fix, in one line: the rule, the values received, the next step.

    Args:
        rule: the rule that was broken, a sentence.
        next_step: action that fixes it, a sentence; may be empty.
        **received: the offending values by name.

    Example:
        >>> print(SightkitError("epochs must be at least 1.", "Give --epochs 20.", epochs=0))
        epochs must be at least 1. Received: epochs=0. Give epochs=20.
    """

    def __init__(self, rule: str, next_step: str = "", **received: object) -> None:
        values = ", ".join(f"{name}={_shown(value)}" for name, value in received.items())
        super().__init__(rule, next_step)
        self._values = f"Received: {values}." if values else ""

    def __str__(self) -> str:
        """The parts in one line, with flags as flags in a script, as arguments elsewhere."""
        from sightkit._scripts import as_given  # which raises these errors itself

        rule, next_step = map(as_given, self.args)
        return " ".join(part for part in (rule, self._values, next_step) if part)


class Interrupted(Exception):
    """Training was stopped by a signal, after saving.

    ``exit_code`` is what a script exits with: 130 for SIGINT, 143 for SIGTERM.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def few(names: Sequence[str], most: int = 5) -> str:
    """Return the first names of many, for a line of text."""
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def _shown(value: object) -> str:
    """One line, whatever the value holds (a file name may hold a newline)."""
    text = repr(value) if isinstance(value, str) else str(value)
    return " ".join(text.split()) if "\n" in text else text
