"""The epoch of a history whose weights were saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

Row = TypeVar("Row", bound=Mapping[str, float])


def best_row(rows: Sequence[Row]) -> Row | None:
    """Return the row of the best epoch, which the last row names; None where it names none."""
    best = rows[-1].get("best_epoch") if rows else None
    return next((row for row in rows if row["epoch"] == best), None)
