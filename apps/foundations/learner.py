"""What knows nothing before it was called a first time says so.

Formula: none. Test: tests/apps/foundations/test_arguments.py. Picture: none.
"""

from __future__ import annotations

from typing import Any

from sightkit._errors import SightkitError
from sightkit._suggestions import next_step


class NotLearned(SightkitError, AttributeError):
    """An attribute that is not there, or not yet."""


class Learner:
    """A model whose attributes appear by ``first``."""

    first = "fit(x, y)"

    def __getattr__(self, name: str) -> Any:
        """Answer for what is not there."""
        near = next_step((), name, dir(type(self)))
        rule = f"{type(self).__name__} has no {name}: what it learns is there after {self.first}."
        raise NotLearned(rule, near or f"Call {self.first} first.")
