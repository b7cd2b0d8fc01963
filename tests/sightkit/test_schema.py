from __future__ import annotations

import os
import re
from typing import Any, Literal, NotRequired

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import TypedDict

from sightkit import _schema
from sightkit._errors import SightkitError


class Example(TypedDict):
    schema: Literal[2]
    names: _schema.Names
    share: float
    more: NotRequired[dict[str, Any]]


GOOD = '{"schema": 2, "names": ["ä"], "share": 1, "more": {"a": [null, 1e300]}}'


def test_what_is_of_the_type_is_returned():
    found = _schema.parse(GOOD, Example)
    assert found == {"schema": 2, "names": ["ä"], "share": 1.0, "more": {"a": [None, 1e300]}}


@pytest.mark.parametrize(
    ("text", "reason"),
    (
        (GOOD.replace("2,", "2.5,", 1), "schema: input should be 2"),
        (GOOD.replace("2,", "true,", 1), "schema: input should be 2"),
        (GOOD.replace("2,", '"2",', 1), "schema: input should be 2"),
        (GOOD.replace("2,", "3,", 1), "newer version"),
        ("[]", "^the whole: input should be an object$"),
        (GOOD.replace('["ä"]', "[]"), "names: list should have at least 1 item"),
        (GOOD.replace('["ä"]', '["a", 1]'), r"names\.1: input should be a valid string"),
        (GOOD.replace('"ä"', f'"{"a" * 1001}"'), r"names\.0: string should have at most"),
        (GOOD.replace('"share": 1', '"share": true'), "share: input should be a valid number"),
        (GOOD.replace('"share"', '"part"'), "share: field required, and 1 more"),
        (GOOD.replace("1e300", "NaN"), "expected value"),
        (GOOD.replace("1e300", "-Infinity"), "line 1"),
        (GOOD.replace("1e300", "1" * 5000), "number out of range"),
        (GOOD.replace("1e300", "[" * 300 + "]" * 300), "recursion limit"),
        (GOOD.replace("ä", "\\ud800"), "surrogate|hex escape"),
        (GOOD + "{}", "trailing"),
        ("[" * 100_000, "recursion limit"),
        ("", "EOF"),
        ("[]", "should be an object"),
        (b"\xff\xfe{}", "expected value"),
    ),
)
def test_what_is_not_is_refused_in_a_line(text, reason):
    with pytest.raises(ValueError, match=reason) as refused:
        _schema.parse(text, Example)
    assert "\n" not in str(refused.value)


def test_other_fields_are_kept_where_they_may_be_there():
    text = GOOD.replace("}}", '}, "flag": 1}')
    assert _schema.parse(text, Example, more=True)["flag"] == 1
    with pytest.raises(ValueError, match="flag: extra inputs"):
        _schema.parse(text, Example)


@pytest.mark.parametrize("kind", ("missing", "folder", "pipe", "damaged", "newer"))
def test_a_file_is_named_with_a_next_step(kind, tmp_path):
    path = tmp_path / "it.json"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind != "missing":
        path.write_text("{" if kind == "damaged" else GOOD.replace("2,", "9,", 1))
    step = "Update sightkit." if kind == "newer" else "Make it anew."
    with pytest.raises(
        SightkitError, match=rf"it\.json must be as it was written.*{step}"
    ) as error:
        _schema.read(path, Example, "Make it anew.")
    assert re.search(r"path=\S*it\.json", str(error.value))


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_bytes_are_a_value_or_a_line(text):
    try:
        _schema.parse(text, dict[str, Any])
    except ValueError as error:
        assert "\n" not in str(error)
