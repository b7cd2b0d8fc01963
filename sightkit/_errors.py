"""The error form and the exit codes. Standard library only: every folder may import this file."""

from __future__ import annotations

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
        epochs must be at least 1. Received: epochs=0. Give --epochs 20.
    """

    def __init__(self, rule: str, next_step: str = "", **received: object) -> None:
        values = ", ".join(f"{name}={_shown(value)}" for name, value in received.items())
        parts = [rule, f"Received: {values}." if values else "", next_step]
        super().__init__(" ".join(part for part in parts if part))


class Interrupted(Exception):
    """Training was stopped by a signal, after saving.

    ``exit_code`` is what a script exits with: 130 for SIGINT, 143 for SIGTERM.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def _shown(value: object) -> str:
    """One line, whatever the value holds (a file name may hold a newline)."""
    text = repr(value) if isinstance(value, str) else str(value)
    return " ".join(text.split()) if "\n" in text else text
