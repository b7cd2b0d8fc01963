"""Show objects in a notebook: self-contained HTML, on light and on dark pages.

Standard library only: every folder may import this file.
"""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Callable, Iterable
from html import escape
from typing import Any, BinaryIO

MOST_ROWS = 40
"""Of a table: longer ones push the rest of a notebook away."""
# Colours are the page's own, lines a grey that shows on white and on black; pictures are white.
STYLE = """
.sightkit{display:flex;flex-wrap:wrap;gap:.4em 2em;align-items:flex-start}
.sightkit p{margin:.2em 0;flex-basis:100%}
.sightkit .scroll{overflow-x:auto;max-width:100%}
.sightkit table{width:auto;margin:0;border-collapse:collapse;font-variant-numeric:tabular-nums}
.sightkit th,.sightkit td{padding:.2em .7em;text-align:right;white-space:nowrap;
border-bottom:1px solid rgba(128,128,128,.35)}
.sightkit th:first-child,.sightkit .words{text-align:left}
.sightkit tbody th{font-weight:inherit;max-width:24em;overflow:hidden;text-overflow:ellipsis}
.sightkit .words{white-space:normal;max-width:44em;overflow-wrap:anywhere}
.sightkit img{max-width:100%;height:auto;background:#fff;border-radius:6px}
"""


def in_notebook(parts: Callable[[Any], Iterable[str]]) -> Callable[[Any], str | None]:
    """Make a ``_repr_html_`` of a method that returns parts of HTML.

    What cannot be shown never stops a cell: the notebook then shows the text form.
    """

    @functools.wraps(parts)
    def html(self: Any) -> str | None:
        try:
            content = "\n".join(part for part in parts(self) if part)
        except Exception:
            return None
        # Names of files may hold bytes that are no text, which no notebook file can store.
        content = content.encode("utf-8", "backslashreplace").decode()
        return f'<div class="sightkit"><style>{STYLE}</style>\n{content}\n</div>'

    return html


def line(text: str) -> str:
    """Return a line of text, escaped."""
    return f"<p>{escape(text)}</p>"


def drawing(draw: Callable[[BinaryIO], None], alternative: str, *, width: int) -> str:
    """Return a picture that a function draws.

    Args:
        draw: writes a PNG to a binary file.
        alternative: text of the picture.
        width: pixels at most.
    """
    file = io.BytesIO()
    draw(file)
    return picture(data_uri(file.getvalue()), alternative, width=width)


def picture(source: str, alternative: str, *, width: int, pixelated: bool = False) -> str:
    """Return a picture of a data URI, ``width`` pixels wide at most."""
    rendering = ";image-rendering:pixelated" if pixelated else ""
    return f'<img src="{source}" alt="{escape(alternative)}" style="width:{width}px{rendering}">'


def data_uri(png: bytes) -> str:
    """Encode the bytes of a PNG file as a data URI."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
