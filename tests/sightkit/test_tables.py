"""One table as text and HTML: the same cells, escaped and aligned."""

from __future__ import annotations

import math

import pytest

from sightkit._tables import cell, html_table, text_table

ROWS = [
    {"class": "a & <b>", "recall": 1 / 3, "images": 1234},
    {"class": "c", "recall": math.nan, "images": 5},
    {"class": "d", "recall": None, "images": 0},
]


@pytest.mark.parametrize(
    ("value", "text"),
    ((0.25, "0.250"), (math.nan, "–"), (None, "–"), (12345, "12,345"), (0, "0"), ("1.0", "1.0")),
)
def test_cell_formats_a_value(value, text):
    assert cell(value) == text


def test_text_table_aligns_names_left_and_numbers_right():
    assert text_table(ROWS).splitlines() == [
        "class    recall  images",
        "a & <b>   0.333   1,234",
        "c             –       5",
        "d             –       0",
    ]


@pytest.mark.parametrize(("longest", "lines"), ((2, 4), (3, 4), (None, 4), (1, 3)))
def test_text_table_counts_the_rows_left_out(longest, lines):
    shown = text_table(ROWS, longest=longest, more="report.html").splitlines()
    assert len(shown) == lines
    assert (f"… {3 - (longest or 3)} more in report.html" in shown) == (longest in (1, 2))


def test_html_table_escapes_and_heads_each_row():
    text = html_table(ROWS)
    assert '<tr><th scope="row">a &amp; &lt;b&gt;</th><td>0.333</td><td>1,234</td></tr>' in text
    assert text.count("<tr>") == 4
