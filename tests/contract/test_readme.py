"""README.md and docs/ are true of today's code."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sightkit import _scripts

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOT_HERE = {"start_epoch"}
"""Flags of the books that pages name."""
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


@pytest.mark.slow
def test_the_notebook_code_runs_and_prints_what_the_readme_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, printed = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", README, re.DOTALL)[0]
    monkeypatch.chdir(tmp_path)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(code, {})
    received, promised = ast.literal_eval(output.getvalue()), ast.literal_eval(printed)
    assert received.keys() == promised.keys() and received["count"] == promised["count"]
    # Another processor rounds differently and so learns differently; the accuracy is the same.
    assert received["rank1"] == pytest.approx(promised["rank1"], abs=0.03)


def test_the_code_for_own_photos_runs(
    write_dataset: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = re.findall(r"## Your own photos.*?```python\n(.*?)```", README, re.DOTALL)
    monkeypatch.chdir(write_dataset("photos.h5", shape=(8, 8, 3)).parent)
    names: dict[str, Any] = {}
    exec(code, names)
    images, labels = names["train"][0]
    assert images.shape == (20, 8, 8, 3)
    assert len(labels) == 20


@pytest.mark.slow
def test_the_table_of_results_is_the_ledgers() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "tables.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_name_files_and_targets_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path in re.findall(r"`?python ((?:scripts|benchmarks)/[\w/.]+)", text):
        assert (ROOT / path).exists(), path
    for name in re.findall(r"^sightkit ([\w/]+)", text, re.MULTILINE):
        assert _scripts.find(name, ROOT / "scripts"), name
    for path in re.findall(r"\]\(([\w/.]+)\)", text):
        assert (page.parent / path).exists(), path
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make (\w[\w-]*)", text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for folder in re.findall(r"^\| `(\w+)/` \|", text, re.MULTILINE):
        assert (ROOT / folder).is_dir(), folder


def test_readme_is_short() -> None:
    written = re.sub(r"<!-- results: begin -->.*<!-- results: end -->", "", README, flags=re.DOTALL)
    assert written.count("\n") <= 225


def test_readme_lists_every_training_script() -> None:
    scripts = [path.stem for path in (ROOT / "scripts").glob("train_*.py")]
    missing = [name for name in sorted(scripts) if f"`{name}`" not in README]
    assert not missing, "Add them to the table of chapters in README.md."


def test_pages_name_flags_that_exist() -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("scripts", "experiments", "training", "io", "apps", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
    )
    fields = set(re.findall(r"^    (\w+): ", code, re.MULTILINE))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if page.stem == "from_the_books":  # what is there, is not here
            text = "\n".join(line.split(" | ", 1)[-1] for line in text.splitlines())
        flags = {name.replace("-", "_") for name in re.findall(r"(?<![\w-])--([a-z][\w-]*)", text)}
        unknown = {name for name in flags if name.removeprefix("no_") not in fields}
        assert unknown <= {"help", *NOT_HERE}, (page.name, unknown)
