"""The scripts, as the command ``sightkit`` finds, lists and names them. Standard library only.

A script is a file of ``scripts/``, or of an application's folder in it: ``train_lenet_digits``,
``explain/attack``. Its line in the list is the first of its docstring: listing executes nothing.
"""

from __future__ import annotations

import ast
import difflib
import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType

from sightkit import _suggestions
from sightkit._errors import SightkitError, visible

PACKAGE = "sightkit.scripts"
FOLDER = Path(importlib.import_module(PACKAGE).__path__[0])
PROGRAMS = ("sightkit", "python -m sightkit")
TASKS = {
    "Check images and labels": ("verify_*", "augmentation_*", "suspicious_*"),
    "Build a dataset file": ("build_*",),
    "Train": ("train", "train_*", "ensemble", "launch", "search"),
    "Measure and reproduce": ("ledger",),
    "Reuse a pretrained network": ("advise", "classify", "extract_*", "finetune", "import_*"),
    "Evaluate and predict": ("evaluate", "*_ensemble", "predict"),
    "Inspect a network": ("inspect_*", "visualize_*"),
}
"""Heading in the list to the names below it; those of an application have their own."""
SWITCHES = {"bagging", "boosting", "overwrite", "resume", "smoke", "snapshots"}
"""Flags without a value, as messages name them."""
NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?(?!\w)"
VALUE = rf"{NUMBER}(?: {NUMBER})*|(?:on|off)\b|[A-Z][A-Z_]+\b"
FLAG = (
    r"(?P<script>\w+\.py(?: -[\w-]+(?:[ =](?!-)[^\s;,]+)?)+)"
    r"|(?<![\w-])--(?P<no>no-)?(?P<name>[a-z][a-z0-9-]*[a-z0-9])"
    rf"(?:=(?P<joined>\"[^\"]*\"|\w+(?:\.\w+)*)| (?P<value>{VALUE}))?"
)
"""A flag, with a value that is no word of the sentence; or a script with its flags.

A value in small letters is joined to its flag: ``--engine=keras``.
"""
command_line = False
"""Whether a script runs whose flags came from a command line (``_cli``)."""
flags: frozenset[str] | None = None
"""Names of that script's flags; None where no script runs."""
warned: set[str] = set()
"""Lines that were printed on stderr."""


def scripts(folder: Path = FOLDER) -> dict[str, Path]:
    """Return every script of a folder and of those in it: name to file, in the names' order."""
    return {
        path.relative_to(folder).with_suffix("").as_posix(): path
        for path in sorted([*folder.glob("*.py"), *folder.glob("*/*.py")])
        if not path.name.startswith("_")
    }


def by_task(folder: Path = FOLDER) -> dict[str, dict[str, str]]:
    """Return the scripts of each task: name to the first line of the docstring."""
    tasks: dict[str, dict[str, str]] = {task: {} for task in TASKS}
    for name, path in scripts(folder).items():
        fitting = (task for task, names in TASKS.items() if any(fnmatch(name, n) for n in names))
        task = name.rpartition("/")[0] or next(fitting, "Other")
        docstring = ast.get_docstring(ast.parse(path.read_bytes())) or ""
        tasks.setdefault(task, {})[name] = docstring.partition("\n")[0]
    return {task: lines for task, lines in tasks.items() if lines}


def find(name: str, folder: Path = FOLDER) -> str:
    """Return the full name of a script; the folder of one in a folder may be left out.

    Raises:
        SightkitError: no script has this name, or several have.
    """
    names = list(scripts(folder))
    matches = [name] if name in names else [full for full in names if _bare(full) == name]
    if len(matches) == 1:
        return matches[0]
    if former := _suggestions.suggestions()["scripts"].get(name):
        raise SightkitError("The script has another name today.", former, script=name)
    near = sorted(names, key=lambda n: -difflib.SequenceMatcher(None, name, _bare(n)).ratio())
    raise SightkitError(
        "The name must be that of one script.",
        f"The nearest are {', '.join(matches or near[:3])}; sightkit alone lists all.",
        script=name,
    )


def load(name: str, folder: Path = FOLDER) -> ModuleType:
    """Import a script by its name, or one of the user's own by its path (``mine/train_x.py``).

    Raises:
        SightkitError: no script has this name, or several have.
    """
    own = name.endswith(".py") and Path(name).is_file()
    full = Path(name).stem if own else find(name, folder)
    path = Path(name) if own else scripts(folder)[full]
    module_name = ".".join((PACKAGE, *full.split("/")))
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{path} cannot be imported.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # where dataclasses look up annotations
    spec.loader.exec_module(module)
    return module


def program() -> str:
    """Return ``sightkit`` or ``python -m sightkit`` where it runs this script, else nothing."""
    first = sys.argv[0].rpartition(" ")[0]
    return first if first in PROGRAMS else ""


def command(name: str) -> list[str]:
    """Return the words that start a script as the running one was started.

    Args:
        name: a script, with or without its folder; or one of the user's own, or its path.
    """
    names = scripts()
    ours = {**{_bare(full): full for full in names}, **{full: full for full in names}}
    running = Path(sys.argv[0])
    if name in ours and program():
        return [*program().split(), ours[name]]
    if running.stem == name:
        return ["python", sys.argv[0]]
    if name in ours and running.resolve().is_relative_to(FOLDER.resolve()):
        path = os.path.relpath(FOLDER.resolve() / f"{ours[name]}.py", running.resolve().parent)
        return ["python", os.path.join(running.parent, path)]
    if name in ours:
        return [PROGRAMS[0], ours[name]]
    own = getattr(sys.modules.get(f"{PACKAGE}.{name}"), "__file__", f"{name}.py")
    return ["python", name if name.endswith(".py") else own]


def as_given(text: str) -> str:
    """Return a text as the reader can act on it.

    Under ``sightkit`` scripts are named as its commands. Where no script was started from a command
    line (a notebook, one's own program), flags become arguments: ``--epochs 20`` ``epochs=20``,
    ``--overwrite`` ``overwrite=True``, ``another --output`` ``another output``; those of a script
    that is named stay.
    """
    if not command_line:
        text = re.sub(FLAG, _as_argument, re.sub(r"(?<!-)\bflag(s?)\b", r"argument\1", text))
    pattern = r"(?<![\w/'\"])(python )?scripts/([\w/*]+)\.py"
    return re.sub(pattern, rf"{program()} \2", text) if program() else text


def possible(steps: str | Sequence[str]) -> str:
    """Return several next steps as one sentence, without those that the running script lacks."""
    if isinstance(steps, str):
        return steps
    left = [step for step in steps if flags is None or flags_in(step) <= flags]
    text = ", or ".join((", ".join(left[:-1]), left[-1]) if left[1:] else left)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def flags_in(text: str) -> set[str]:
    """Return the flags that a text names, without those of a script that it names."""
    found = (flag["name"] for flag in re.finditer(FLAG, text) if not flag["script"])
    return {name for name in found if name not in ("help", "debug")}


def warn(text: object, *, once: bool = False) -> None:
    """Print a line for the user on stderr, ``as_given``; with ``once`` one time a process."""
    line = visible(as_given(str(text)), lines=True)
    if not (once and line in warned):
        warned.add(line)
        print(line, file=sys.stderr)


def _as_argument(flag: re.Match[str]) -> str:
    if flag["script"] or flag["name"] == "help":
        return flag[0]
    name, value = flag["name"].replace("-", "_"), flag["joined"] or flag["value"]
    if flag["no"] or value in ("on", "off"):
        return f"{name}={value == 'on'}"
    if value is None:
        return f"{name}=True" if name in SWITCHES else name
    if re.fullmatch(r"[\d.e -]+ [\d.e -]+", value):
        return f"{name}=({value.replace(' ', ', ')})"
    return f"{name}={value!r}" if value[0].islower() else f"{name}={value}"


def _bare(name: str) -> str:
    return name.rpartition("/")[2]
