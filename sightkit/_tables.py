"""One table, written two ways: lines for the terminal, HTML for report and notebook."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from sightkit._errors import visible

Rows = Sequence[Mapping[str, Any]]
"""At least one row; the keys of the first name the columns of all."""


def text_table(rows: Rows, *, longest: int | None = None, more: str = "") -> str:
    """Align a table for the terminal: the first column to the left, the others to the right.

    Args:
        rows: of the table.
        longest: largest number of rows.
        more: file that holds all rows, for the last line.
    """
    lines = [list(rows[0]), *([visible(cell(v)) for v in row.values()] for row in rows[:longest])]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = [
        "  ".join(
            f"{entry:<{width}}" if k == 0 else f"{entry:>{width}}"
            for k, (entry, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    if longest is not None and len(rows) > longest:
        text.append(f"… {len(rows) - longest:,} more in {more}")
    return "\n".join(text)


def html_table(rows: Rows, *, words: int = 1) -> str:
    """Format a table as HTML, which scrolls where it is wider than the page.

    Args:
        rows: of the table.
        words: number of first columns that hold words, in place of numbers.
    """
    kinds = ["", *[' class="words"'] * (words - 1), *[""] * (len(rows[0]) - words)]
    heads = zip(kinds, rows[0], strict=True)
    head = "".join(f'<th scope="col"{kind}>{escape(name)}</th>' for kind, name in heads)
    body = ""
    for row in rows:
        first, *others = map(escape, map(cell, row.values()))
        cells = "".join(
            f"<td{kind}>{text}</td>" for kind, text in zip(kinds[1:], others, strict=True)
        )
        body += f'<tr><th scope="row">{first}</th>{cells}</tr>'
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def cell(value: Any) -> str:
    """Format a measure with three digits, a count with commas; a dash where there is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def percent(share: float) -> str:
    """Format a share, 0 to 1: ``97.50 %``."""
    return f"{100 * share:.2f} %"
