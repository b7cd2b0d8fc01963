"""Checks of arguments that many functions take."""

from __future__ import annotations

import operator
from typing import Any

from sightkit._errors import SightkitError


def whole_number(name: str, value: Any, *, at_least: int) -> int:
    """An int from whatever counts as one (NumPy's integers do, True and 2.0 do not)."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < at_least:
        rule = f"{name} must be a whole number of at least {at_least}."
        raise SightkitError(rule, "", **{name: value})
    return number


def share(name: str, value: Any) -> float:
    """A share between 0 and 1, as a float; NaN is none."""
    if not 0 <= value <= 1:
        flag = f"--{name.replace('_', '-')}"
        rule = f"{flag} must be a share between 0 and 1."
        raise SightkitError(rule, f"Give {flag} 0.01.", **{name: value})
    return float(value)
