"""Who may import whom: the table of the house, enforced."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
LEAVES = {"zoo", "preprocessing", "io", "callbacks", "inference"}

# folder: (our folders, outside packages)
TABLE: dict[str, tuple[set[str], set[str]]] = {
    "sightkit": (set(), {"keras", "tyro", "numpy", "h5py", "pydantic", "pydantic_core"}),
    "preprocessing": (set(), {"numpy", "cv2"}),
    "zoo": (set(), {"keras", "numpy"}),
    "io": (
        set(),
        {"numpy", "cv2", "h5py", "PIL", "pillow_heif", "imutils", "sklearn", "keras", "rich"},
    ),
    "callbacks": (set(), {"keras", "numpy", "matplotlib"}),
    "inference": (set(), {"keras", "numpy", "openvino"}),
    "training": (LEAVES, {"keras", "numpy", "optuna", "rich"}),
    "evaluation": (
        {"zoo", "preprocessing", "io", "inference"},
        {"numpy", "keras", "sklearn", "matplotlib", "imutils"},
    ),
    "experiments": (LEAVES | {"training", "evaluation"}, {"keras", "numpy", "scipy", "tyro"}),
    "transfer": (
        LEAVES | {"training", "evaluation"},
        {"keras", "numpy", "scipy", "sklearn", "cv2", "h5py", "rich", "threadpoolctl"},
    ),
}
# Applications stand on all of these, do not know each other, and can be deleted.
BELOW_APPS = {*TABLE} - {"sightkit"}
TABLE |= {
    "apps/deploy": (
        BELOW_APPS,
        {
            *("keras", "numpy", "onnx", "onnxruntime", "ai_edge_litert"),
            *("huggingface_hub", "safetensors", "starlette", "uvicorn"),
        },
    ),
    "apps/captcha": (BELOW_APPS, {"keras", "numpy", "cv2", "matplotlib", "scipy"}),
    "apps/explain": (
        BELOW_APPS,
        {"keras", "numpy", "scipy", "sklearn", "cv2", "matplotlib", "umap", "tyro"},
    ),
    "apps/foundations": (BELOW_APPS, {"numpy", "sklearn", "matplotlib"}),
    "apps/detection": (
        BELOW_APPS,
        {"keras", "numpy", "scipy", "sklearn", "cv2", "matplotlib", "PIL", "tyro"},
    ),
    "apps/generative": (
        BELOW_APPS,
        {"keras", "numpy", "scipy", "cv2", "matplotlib", "PIL", "tyro"},
    ),
}
# Only these files speak to a backend by name.
BACKEND_FILES = {
    "apps/deploy/litert_format.py",
    "apps/deploy/saved_model_format.py",
    "training/jax_group.py",
    "training/tensorflow_group.py",
    "training/gradients.py",
    "zoo/batch_normalization.py",
}
# What types of descriptions are written with, open to all.
TYPES = {"annotated_types", "typing_extensions"}
BACKENDS = {"tensorflow", "jax", "torch"}
# Pure functions of a history: drawn while a network is trained, reported when it is evaluated.
SINGLE_MODULES = {
    ("evaluation", "sightkit.callbacks.best_epoch"),
    ("evaluation", "sightkit.callbacks.curve_diagnosis"),
}
# In io, Keras belongs to the generator; everywhere else in it, inside functions.
KERAS_AT_TOP_OF_IO = {"io/batches.py"}


FOLDERS = (
    "sightkit",
    *LEAVES,
    "training",
    "evaluation",
    "experiments",
    "transfer",
    "apps",
    "scripts",
)
FOLDERS += ("tests",)


class Import(NamedTuple):
    module: str
    line: int
    at_top: bool


def imports_of(source: str) -> Iterator[Import]:
    """Every import of a file, those in functions and under TYPE_CHECKING too."""
    tree = ast.parse(source)
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, id(node) in top)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield Import("a relative import", node.lineno, id(node) in top)
            elif node.module == "sightkit":
                for alias in node.names:
                    yield Import(f"sightkit.{alias.name}", node.lineno, id(node) in top)
            else:
                yield Import(node.module or "", node.lineno, id(node) in top)


def violations(folder: str, name: str, source: str) -> list[str]:
    ours, outside = TABLE[folder]
    found = []
    for module, line, at_top in imports_of(source):
        first, *rest = module.split(".")
        if first == "sightkit":
            private = {
                "sightkit",
                "_arrays",
                "_errors",
                "_files",
                "_hdf5",
                "_folders",
                "_locks",
                "_regular_file",
                "_schema",
                "_run_files",
                "_faults",
                "_scripts",
                "_terminal",
                "_lazy",
                "_suggestions",
                "_network",
                "_output_folder",
                "__version__",
                "_cli",
                "_csv",
                "_display",
                "_keras",
                "_tables",
            }
            target = rest[0] if rest else "sightkit"
            target = "/".join(rest[:2]) if target == "apps" else target
            allowed = target in ours or target == folder or target in private
            allowed = allowed or (folder, module) in SINGLE_MODULES
            if target in ("_cli", "_keras"):  # of those who know whether Keras is needed
                floors = ("experiments", "inference") if target == "_keras" else ()
                allowed = folder in ("sightkit", *floors)
        elif first in BACKENDS:
            allowed = name in BACKEND_FILES
        else:
            allowed = first in outside or first in TYPES or first in sys.stdlib_module_names
        if first == "keras" and folder == "io" and at_top:
            allowed = name in KERAS_AT_TOP_OF_IO
        if not allowed:
            found.append(f"{name}:{line} imports {module}")
    return found


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("folder", [f for f in TABLE if (ROOT / f).is_dir()])
def test_a_folder_imports_only_what_the_table_allows(folder: str) -> None:
    found = [
        violation
        for path in sources(folder)
        for violation in violations(
            folder, path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        )
    ]
    assert not found, "\n".join(found)


def test_umbrella_files_import_the_standard_library_alone() -> None:
    names = (
        "_csv",
        "_display",
        "_errors",
        "_faults",
        "_files",
        "_lazy",
        "_folders",
        "_locks",
        "_regular_file",
        "_suggestions",
        "_run_files",
        "_scripts",
        "_tables",
        "_terminal",
        "__init__",
    )
    for name in (f"{name}.py" for name in names):
        for module, line, _ in imports_of((ROOT / "sightkit" / name).read_text(encoding="utf-8")):
            first = module.split(".")[0]
            assert first in sys.stdlib_module_names or module.startswith("sightkit._"), (name, line)


def test_every_package_folder_stands_in_the_table() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders <= set(TABLE) | {"apps", "scripts", "tests"}
    apps = {f"apps/{path.parent.name}" for path in ROOT.glob("apps/*/__init__.py")}
    assert apps <= set(TABLE)
    assert not [*imports_of((ROOT / "apps/__init__.py").read_text(encoding="utf-8"))]


@pytest.mark.slow
def test_an_application_can_be_deleted() -> None:
    """With its scripts and its tests: nothing else imports it or names it in a path."""
    for path in ROOT.glob("apps/*/__init__.py"):
        app = path.parent.name
        own = [ROOT / folder / app for folder in ("apps", "scripts", "tests/apps")]
        for source in (path for folder in FOLDERS for path in sources(folder)):
            if not any(source.is_relative_to(folder) for folder in own):
                named = {module for module, *_ in imports_of(source.read_text(encoding="utf-8"))}
                assert not {m for m in named if f"{m}.".startswith(f"sightkit.apps.{app}.")}, source


@pytest.mark.parametrize(
    ("folder", "name", "source"),
    [
        ("zoo", "zoo/x.py", "import cv2"),
        ("zoo", "zoo/x.py", "def f():\n    from sightkit.io import split"),
        ("evaluation", "evaluation/x.py", "from sightkit import training"),
        ("evaluation", "evaluation/x.py", "from sightkit.callbacks import TrainingMonitor"),
        ("training", "training/x.py", "import tensorflow as tf"),
        ("io", "io/x.py", "import keras"),
        ("io", "io/x.py", "from . import images"),
        ("preprocessing", "preprocessing/x.py", "from sightkit import _cli"),
        ("training", "training/x.py", "from sightkit._keras import start_keras"),
        ("training", "training/x.py", "from sightkit import experiments"),
        ("experiments", "experiments/x.py", "from sightkit import transfer"),
        ("transfer", "transfer/x.py", "from sightkit import experiments"),
        ("transfer", "transfer/x.py", "from sightkit.apps import foundations"),
        ("zoo", "zoo/x.py", "import sightkit.apps.foundations"),
        ("apps/foundations", "apps/foundations/x.py", "from sightkit.apps import explain"),
        ("apps/foundations", "apps/foundations/x.py", "from sightkit.apps.explain import x"),
        ("apps/foundations", "apps/foundations/x.py", "from sightkit.scripts import x"),
        ("apps/foundations", "apps/foundations/x.py", "import keras"),
        ("apps/explain", "apps/explain/x.py", "import sightkit.apps.foundations"),
    ],
)
def test_the_check_finds_what_is_forbidden(folder: str, name: str, source: str) -> None:
    assert violations(folder, name, source)


def test_the_check_allows_what_is_allowed() -> None:
    assert not violations("io", "io/x.py", "def f():\n    import keras")
    assert not violations("training", "training/x.py", "import json\nfrom sightkit import zoo")
    source = "from sightkit import io\nfrom sightkit.apps.foundations.perceptron import Perceptron"
    assert not violations("apps/foundations", "apps/foundations/x.py", source)
