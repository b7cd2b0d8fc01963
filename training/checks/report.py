"""Results of the checks before a training, line by line."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from sightkit._scripts import as_given

PASSED, WARNED, FAILED = "passed", "warned", "failed"
WIDTH = 100


@dataclass(frozen=True)
class Line:
    """One check.

    Attributes:
        verdict: ``"passed"``, ``"warned"`` (it may be meant) or ``"failed"`` (it cannot be).
        found: what was measured, with the suspect where something is wrong.
        todo: next step; empty where all is well.
        name: of the check.
    """

    verdict: str
    found: str
    todo: str = ""
    name: str = ""


passed, warned, failed = (functools.partial(Line, each) for each in (PASSED, WARNED, FAILED))
"""Return the line of a check: of what was found, and what is to be done."""


@dataclass(frozen=True)
class Preflight:
    """All checks; ``print`` shows them as aligned text.

    Attributes:
        lines: the checks that were made, in order.
        left_out: (name, reason) of the others: they need what failed, or do not apply.
        seconds: that the checks took.
    """

    lines: tuple[Line, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """True where a line failed: training would waste its time."""
        return any(line.verdict == FAILED for line in self.lines)

    def __getitem__(self, name: str) -> Line:
        return next(line for line in self.lines if line.name == name)

    def __contains__(self, name: str) -> bool:
        return any(line.name == name for line in self.lines)

    def __str__(self) -> str:
        """Verdict, name, finding and what to do, wrapped at 100 columns."""
        return as_given("\n".join(self._rows()))

    def _rows(self) -> Iterator[str]:
        verdicts = [line.verdict for line in self.lines]
        counted = [f"{verdicts.count(v)} {v}" for v in (PASSED, WARNED, FAILED) if v in verdicts]
        counted += [f"{len(self.left_out)} not made"] if self.left_out else []
        yield f"Preflight: {', '.join(counted)} ({self.seconds:.1f} s)."
        names = [line.name for line in self.lines] + [name for name, _ in self.left_out]
        width = max(map(len, names), default=0)
        for line in self.lines:
            shout = line.verdict if line.verdict == PASSED else line.verdict.upper()
            yield from _wrapped(f"  {shout:<8}  {line.name:<{width}}  ", line.found)
            if line.todo:
                yield from _wrapped(f"  {'':<8}  {'':<{width}}  → ", line.todo)
        for name, reason in self.left_out:
            yield from _wrapped(f"  {'not made':<8}  {name:<{width}}  ", reason)


class LeftOut(Exception):
    """A check that cannot be made; the message says why."""


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
    )
