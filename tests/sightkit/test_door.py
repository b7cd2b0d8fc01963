"""The door of the scripts: every error is one line and exit code 2, and names are only data."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightkit import _csv, _files
from sightkit._errors import SightkitError, few, visible
from sightkit._scripts import warn

PROGRAM = '''
"""Raise what the flag says."""
import io, json, sys, zipfile
from dataclasses import dataclass
from pathlib import Path
from sightkit import _cli
@dataclass(frozen=True)
class Config:
    data: Path | None = None
def deep(): deep()
def sklearn():
    from sklearn.linear_model import LogisticRegression
    LogisticRegression(C=-1).fit([[0]], [1])
def h5py():
    import h5py
    h5py.File(__file__)
def cv2():
    import cv2, numpy
    cv2.resize(numpy.zeros((0, 0, 3), "uint8"), (1, 1))
def main(config):
    print("\\x1b]0;title\\x07\\x1b[2J\\x9b1m\\r\\u202eé 漢字\\n\\tmore")
    print("\\x1b[31m", file=sys.stderr)
    {body}
_cli.run(main, Config)
'''
BODIES = {
    "open('/nowhere/x\\n')": "No such file or directory). Received: path='/nowhere/x\\n'",
    "deep()": "nested too deeply",
    "bytearray(2**62)": "memory is too small",
    "b'\\xff'.decode()": "A text is not in the encoding",
    "zipfile.ZipFile(io.BytesIO(b'x'))": "zipfile gave up (BadZipFile",
    "json.loads('{')": "json gave up (JSONDecodeError",
    "sklearn()": "sklearn gave up (InvalidParameterError",
    "h5py()": "h5py gave up (OSError",
    "cv2()": "cv2 gave up (error",
    "{}['x']": "This is a bug: KeyError: 'x' (program.py, in main). Received: data=",
    "raise ValueError('a\\n\\x1b[2J')": "This is a bug: ValueError: a \\x1b[2J",
    "raise type('Full', (Exception,), {})('x')": "This is a bug: Full: x",
    "raise OSError('a\\nb')": "This is a bug: OSError: a b",
}


def run(body, folder, *flags):
    path = folder / "program.py"
    path.write_text(PROGRAM.replace("{body}", body), encoding="utf-8")
    command = [sys.executable, str(path), "--data", str(folder), *flags]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("body", BODIES)
def test_any_error_is_one_line_and_exit_code_2(body, tmp_path):
    result = run(body, tmp_path)
    colour, *lines = result.stderr.splitlines()
    assert (result.returncode, colour, len(lines)) == (2, "\\x1b[31m", 1), result.stderr
    assert BODIES[body] in lines[0]
    assert "--debug" in lines[0] or "Check" in lines[0] or "memory" in lines[0]


def test_debug_shows_the_traceback(tmp_path):
    result = run("{}['x']", tmp_path, "--debug")
    assert result.returncode == 2
    assert "Traceback" in result.stderr and "program.py" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("This is a bug: KeyError")


def test_what_a_script_prints_is_text(tmp_path):
    result = run("pass", tmp_path)
    assert result.stdout == "\\x1b]0;title\\x07\\x1b[2J\\x9b1m\\r\\u202eé 漢字\n\tmore\n"
    assert result.stderr == "\\x1b[31m\n"
    assert result.returncode == 0


def test_messages_are_text_in_a_notebook_too(capsys):
    name = "b\nSPOOFED 100 %\x1b]0;x\x07\u202e"
    shown = r"b\nSPOOFED 100 %\x1b]0;x\x07\u202e"
    assert str(SightkitError(f"{name}.", f"{name}.", name=name)).count(shown) == 3
    assert few([name]) == shown
    warn(SightkitError(name))
    assert capsys.readouterr().err == f"{shown}\n"


@given(st.text(st.characters(codec=None, categories=("Cc", "Cf", "Cs", "Zl", "Zp", "L", "So"))))
def test_visible_leaves_nothing_that_moves_the_cursor(text):
    for lines in (False, True):
        shown = visible(text, lines=lines)
        left = {
            letter for letter in shown if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")
        }
        assert left <= ({"\n", "\t"} if lines else set())
        assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
        assert visible(shown, lines=lines) == shown


@pytest.mark.parametrize(
    "name", ("漢字", "👩‍👩‍👧", "naïve", "a\u00a0b", "a\u3000b", "می‌خواهم", "ﷺ")
)
def test_sound_names_are_shown_as_they_are(name):
    assert visible(name) == name


@given(st.lists(st.text("=+-@\t\r\n'\",ab1.eé\udce9"), min_size=1, max_size=5))
def test_no_cell_is_a_formula_and_each_is_read_again(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    _csv.write_csv(path, [{"a": cell, "number": -1.5, "none": None} for cell in cells])
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, cell in zip(rows, cells, strict=True):
        number = _csv.NUMBER.fullmatch(row["a"])
        assert number or not row["a"].startswith(("=", "+", "-", "@", "\t", "\r"))
        text = cell.encode("utf-8", "backslashreplace").decode()
        assert _csv.without_apostrophe(row["a"]) == text
        assert (row["number"], row["none"]) == ("-1.5", "")


@given(st.text('\udce9\ud800a\\u"é\n'), st.text("\udce9b\\"))
def test_json_holds_any_name_and_is_read_again(tmp_path_factory, key, value):
    path = tmp_path_factory.mktemp("json") / "a.json"
    _files.write_json(path, {key: value})
    (found,) = json.loads(path.read_bytes().decode("utf-8")).items()
    assert found == tuple(x.encode("utf-8", "backslashreplace").decode() for x in (key, value))


@pytest.mark.parametrize("bytes_", (1, 100, 214))
def test_a_place_with_room_for_its_partial_is_taken(bytes_, tmp_path):
    _files.require_place(tmp_path / ("n" * bytes_))
    _files.require_place(tmp_path / "new" / "folders" / "café.h5")
    assert not any(Path(tmp_path).iterdir())
