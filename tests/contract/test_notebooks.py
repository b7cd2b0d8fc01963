"""The notebooks: public names alone, outputs of a machine that nobody can name, links that lead."""

from __future__ import annotations

import ast
import importlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LARGEST = 300_000
"""Bytes; a page that shows it loads all of them."""
PLACES = re.compile(r"(?<![\w.])/(?:home|root|work|tmp|Users|mnt|opt|usr|var)/")
notebooks = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[dict]:
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in found if cell["cell_type"] == kind]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def private_names(code: str) -> list[str]:
    """Names of ours that are no package's public ones."""
    found, packages = [], {}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sightkit"):
            module = importlib.import_module(str(node.module))
            public = getattr(module, "__all__", ())
            for name in (alias.name for alias in node.names):
                place = ROOT.joinpath(*str(node.module).split(".")[1:], name, "__init__.pyi")
                if place.is_file():
                    packages[name] = importlib.import_module(f"{node.module}.{name}").__all__
                elif name not in public:
                    found.append(f"{node.module}.{name}")
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute):
            of = node.value.id if isinstance(node.value, ast.Name) else ""
            if node.attr.startswith("_") or node.attr not in packages.get(of, [node.attr]):
                found.append(f"{of}.{node.attr}")
    return found


def test_there_are_four_notebooks() -> None:
    assert [path.name[0] for path in NOTEBOOKS] == ["1", "2", "3", "4"]


@notebooks
def test_code_cells_use_public_names(path: Path) -> None:
    assert not private_names("\n".join(map(source, cells(path, "code"))))


@notebooks
def test_stored_outputs_are_of_one_run_without_errors(path: Path) -> None:
    code = cells(path, "code")
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    written = "".join("".join(o["text"]) for o in outputs if o["output_type"] == "stream")
    assert "WARNING" not in written and "Traceback" not in written
    shown = [output.get("data", {}) for output in outputs]
    tables = ["".join(each.get("text/html", "")) for each in shown]
    assert any("<table>" in table for table in tables)
    assert any("data:image/png" in table for table in tables)


@notebooks
def test_files_are_small_and_name_no_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < LARGEST
    text = re.sub(r"base64,[\w+/=]+|\"image/(?:png|jpeg)\": \"[^\"]*\"", "", text)
    assert not PLACES.search(text) and str(ROOT) not in text


@notebooks
def test_links_lead_to_files(path: Path) -> None:
    links = re.findall(
        r"\]\(([\w/.]+)(?:#[\w-]+)?\)", "".join(map(source, cells(path, "markdown")))
    )
    assert links
    for link in links:
        assert (path.parent / link).exists(), link


@pytest.mark.parametrize(
    "code",
    (
        "from sightkit.training.fit import fit",
        "from sightkit._errors import SightkitError",
        "from sightkit import training\ntraining.open_run()",
        "rows = []\nrows._repr_html_()",
    ),
)
def test_the_check_finds_private_names(code: str) -> None:
    assert private_names(code)
    assert not private_names("import sightkit\nfrom sightkit import io\nio.digits().read(0)")


def test_the_check_finds_places() -> None:
    assert PLACES.search('"/home/ann/photos"') and not PLACES.search("runs/home/x a/tmp/b")
