"""The scripts print their result and draw one picture; the files keep to their form."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import pytest

from sightkit import _scripts
from sightkit.apps import foundations

ROOT = Path(__file__).parents[3]
APP = Path(foundations.__file__).parent
PAGE = ROOT / "docs" / "foundations.md"
FILES = sorted(path for path in APP.glob("*.py") if path.name != "__init__.py")
DRAWING = [name for name in _scripts.scripts() if name.startswith("foundations/")]
DRAWING = [name for name in DRAWING if name != "foundations/exercise"]

QUICK = {"foundations/perceptron", "foundations/activations"}
"""Of the scripts, those that make test tries; make smoke runs all."""


def few(names):
    return [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in names]


@pytest.mark.slow
@pytest.mark.parametrize("name", few(DRAWING))
def test_a_script_prints_and_draws(name, script, tmp_path):
    result = script(name, "--smoke", "--output", "p.png", cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "p.png" and len(result.stdout.splitlines()) > 1
    picture = cv2.imread(str(tmp_path / "p.png"))
    assert picture is not None and picture.std() > 5
    again = script(name, "--smoke", "--output", "p.png", cwd=tmp_path)
    assert again.code == 2 and "--overwrite" in again.stderr
    assert script(name, "--output", "p.jpg", cwd=tmp_path).code == 2


@pytest.mark.parametrize(
    ("name", "flags", "message"),
    (
        ("digits", ("--epochs", 0), "--epochs must be at least 1"),
        ("recurrent", ("--steps", 1), "--steps must be at least 2"),
        ("convolutions", ("--image", "nowhere.jpg"), "path='nowhere.jpg'"),
        ("xor", ("--seed", -1), "--seed must be between 0"),
    ),
)
def test_flags_that_cannot_be_are_one_line(name, flags, message, script, tmp_path):
    result = script(f"foundations/{name}", *flags, cwd=tmp_path)
    assert result.code == 2 and message in result.stderr
    assert len(result.stderr.splitlines()) == 1 and result.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_short_and_its_head_leads_on(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 120
    head = " ".join(text.split('"""')[1].split())
    formula, test, picture = re.findall(r"(?:Formula|Test|Picture): (\S+?)(?:[.,] |[.]$|,? )", head)
    sections = {
        re.sub(r"[^\w -]", "", line.strip("# ")).lower().replace(" ", "-")
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("#")
    }
    if formula != "none":
        page, _, section = formula.partition("#")
        assert page == "docs/foundations.md" and section in sections, formula
    assert (ROOT / test).is_file(), test
    assert picture in ("none", "all") or (ROOT / picture).is_file(), picture
