"""What scripts advise: each flag is one of the script that says so, each script exists.

The texts that a script can show are read from the source, by rapid type analysis. From a script's
file on, every name that is read is followed to what it names, through imports and the packages'
stubs. Of a class that is reached those methods are, whose name is read as an attribute somewhere in
what is reached: too many rather than too few.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

from sightkit import _scripts

ROOT = Path(__file__).parents[2]
SCRIPTS = tuple(_scripts.scripts())
FOLDERS = (
    *("sightkit", "zoo", "preprocessing", "io", "callbacks", "inference", "training"),
    *("evaluation", "experiments", "transfer", "apps", "scripts"),
)
NEVER_SHOWN = {
    ("launch", "sightkit._files._way_on"),
    ("deploy/serve", "sightkit._files._way_on"),
    ("deploy/serve", "sightkit._folders.read_own"),
    ("deploy/serve", "sightkit._folders.require_no_others"),
}
"""Script and place of messages on paths, of scripts that have no flag for one."""
Symbol = tuple[str, str]
"""Module, as ``io.build.dataset``, and name in it: of a definition, or ``Class.method``."""


@dataclass(frozen=True)
class Message:
    """A text of the source; what is put in when it is shown is ``{}``.

    Attributes:
        place: module and definition.
        steps: the text, or the alternatives of an error's next step.
        alternatives: whether a script shows those whose flags it has.
    """

    place: str
    steps: tuple[str, ...]
    alternatives: bool = False


@functools.cache
def messages_of(script: str) -> tuple[Message, ...]:
    """Return the texts that a script can show."""
    module = f"scripts.{script}"
    todo: list[Symbol] = [(module, name) for name in definitions(module)]
    reached: set[Symbol] = set()
    read = set()
    waiting: dict[str, list[Symbol]] = defaultdict(list)
    while todo:
        symbol = todo.pop()
        if symbol in reached:
            continue
        reached.add(symbol)
        home, name = symbol
        node = definitions(home).get(name)
        if isinstance(node, ast.ClassDef):
            for part in node.body:
                if function(part):
                    method = (home, f"{name}.{part.name}")
                    if part.name.startswith("__") or part.name in read:
                        todo.append(method)
                    waiting[part.name].append(method)
        attributes, named = references(home, name)
        todo += named
        for attribute in attributes - read:
            read.add(attribute)
            todo += waiting[attribute]
    found = (message for symbol in sorted(reached) for message in messages_in(*symbol))
    return tuple(dict.fromkeys(found))


@functools.cache
def tree(module: str) -> ast.Module:
    """Return the source of a module; of a package its stub, which names what it exports."""
    path = ROOT.joinpath(*module.split("."))
    file = path / "__init__.pyi" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text()) if file.is_file() else ast.Module([], [])


@functools.cache
def definitions(module: str) -> dict[str, ast.AST]:
    """Name to node of all that a module defines; methods as ``Class.method``."""
    found: dict[str, ast.AST] = {}
    for node in tree(module).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                found |= {n.id: node for n in ast.walk(target) if isinstance(n, ast.Name)}
        elif not isinstance(node, (ast.Import, ast.ImportFrom)):
            found[f"<line {node.lineno}>"] = node
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{part.name}": part for part in node.body if function(part)}
    return found


@functools.cache
def imports(module: str) -> dict[str, Symbol]:
    """Local name to what it was imported from; a package or module has the name ``""``."""
    found: dict[str, Symbol] = {}
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sightkit"):
            home = module_of(node.module or "")
            for alias in node.names:
                inner = f"{home}.{alias.name}" if home != "sightkit" else alias.name
                inner = inner if is_module(inner) else f"sightkit.{alias.name}"
                local = alias.asname or alias.name
                if is_module(inner) and alias.name not in definitions(home):
                    found[local] = (inner, "")
                else:
                    found[local] = (home, alias.name)
    return found


def module_of(dotted: str) -> str:
    """``sightkit.io.images`` is ``io.images`` in the repository; ``sightkit._files`` stays."""
    rest = dotted.removeprefix("sightkit").removeprefix(".")
    return rest if rest and rest.split(".")[0] in FOLDERS else dotted


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def resolved(module: str, name: str) -> Symbol | None:
    if name in definitions(module):
        return module, name
    return imports(module).get(name)


@functools.cache
def references(module: str, name: str) -> tuple[frozenset[str], tuple[Symbol, ...]]:
    """Attributes that a definition reads, and what its names name."""
    node = definitions(module).get(name)
    if node is None:
        symbol = resolved(module, name)
        return frozenset(), (symbol,) if symbol and symbol != (module, name) else ()
    attributes: set[str] = set()
    named: set[Symbol] = set()
    for part in without_annotations(node):
        if isinstance(part, ast.Attribute):
            attributes.add(part.attr)
            if isinstance(part.value, ast.Name):
                home = imports(module).get(part.value.id, ("", "-"))
                if not home[1] and (symbol := resolved(home[0], part.attr)):
                    named.add(symbol)
        elif isinstance(part, ast.Name) and (symbol := resolved(module, part.id)):
            named.add(symbol)
    return frozenset(attributes), tuple(sorted(s for s in named if s[1]))


def without_annotations(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a definition; of a class its methods are left out, which are symbols of their own."""
    todo = [node]
    while todo:
        part = todo.pop()
        yield part
        for field, value in ast.iter_fields(part):
            if field in ("annotation", "returns"):
                continue
            children = value if isinstance(value, list) else [value]
            todo += [
                child
                for child in children
                if isinstance(child, ast.AST)
                and not (part is node and isinstance(node, ast.ClassDef) and function(child))
            ]


def function(node: ast.AST) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))


@functools.cache
def messages_in(module: str, name: str) -> tuple[Message, ...]:
    """Return all texts in a definition save docstrings, errors' alternatives together."""
    node = definitions(module).get(name)
    if node is None:
        return ()
    place, found, seen = f"{module}.{name}", [], set()
    for part in without_annotations(node):
        if isinstance(part, ast.Call) and getattr(part.func, "id", "").endswith("Error"):
            for given in part.args[1:2]:
                if isinstance(given, (ast.Tuple, ast.List)):
                    seen |= set(ast.walk(given))
                    found.append(Message(place, tuple(map(text, given.elts)), True))
        elif isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant):
            seen.add(part.value)
        elif isinstance(part, (ast.Constant, ast.JoinedStr)) and part not in seen:
            seen |= set(ast.walk(part))
            found.append(Message(place, (text(part),)))
    return tuple(found)


def text(node: ast.AST) -> str:
    """Return what an expression reads, with ``{}`` for what is put in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(text, node.values))
    if isinstance(node, ast.Starred):
        return " ".join(
            text(part) for part in ast.walk(node) if isinstance(part, ast.JoinedStr | ast.Constant)
        )
    return str(node.value) if isinstance(node, ast.Constant) else "{}"


OF_OTHERS = {"error-unmatch", "quiet", "no"}
"""Flags of git, which the source names too; and what begins a flag that is put together."""
ONLY_WITH = {
    "apps.detection.annotation_files.read_annotations": "images",
    "evaluation.evaluation_data.open_file": "exclude",
    "evaluation.folder_batches.labels_of": "exclude",
    "experiments.scripts.parse_flags": "flags",
    "io.groups.": "groups",
    "io.sources.label_": "labels",
    "io.sources.folder_dataset.": "layout",
    "training.checks.": "preflight",
    "training.checks.labels.balance": "class-weights",
    "training.environment.": "resume",
    "training.phase._check": "preflight",
    "training.preparation.": "precision",
    "training.run.Run._require_checkpoints": "resume",
    "training.run_config.RunConfig": "resume",
    "training.run_folder.CONTENTS": "resume",
}
"""Places that a script comes to only if it has a flag."""
OF_THE_EXPERIMENT = {"search", "ensemble", "augmentation_demo"}
"""Scripts that load a training script's ``Config``, with its flags in ``--flags``, or none."""
NAMED = re.compile(r"(?<![\w/<])(?:scripts/)?([a-z][\w*/]*)\.py(?![\w:])((?: --[a-z-]+(?:=\w+)?)*)")


@functools.cache
def flags_of(script: str) -> frozenset[str]:
    """Return the names of a script's flags."""
    types = [_scripts.load(script).Config]
    types += [_scripts.load("train_lenet_digits").Config] if script in OF_THE_EXPERIMENT else []
    names = (field.name for each in types for field in dataclasses.fields(each))
    return frozenset(name.replace("_", "-") for name in names)


def wrong(script: str, message: Message) -> str:
    """Return what a script cannot do of what it advises; nothing where all is well."""
    for step in message.steps:
        for name, flags in NAMED.findall(step):
            named = [each for each in SCRIPTS if fnmatch(each, name)]
            if not named and "scripts/" in step:
                return f"there is no script {name}"
            for flag in re.findall(r"--([a-z-]+)", flags):
                if not all(flag in flags_of(each) for each in named):
                    return f"{name} has no --{flag}"
    if any(
        message.place.startswith(place) and flag not in flags_of(script)
        for place, flag in ONLY_WITH.items()
    ):
        return ""
    sentences = [step for step in message.steps if " " in step] or [""]
    lacking = [_scripts.flags_in(step) - OF_OTHERS - flags_of(script) for step in sentences]
    if all(lacking):
        return f"it has no {', '.join(sorted(set.union(*lacking)))}: {' / '.join(message.steps)}"
    return ""


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_advises_flags_and_scripts_that_exist(script):
    found = {
        f"{message.place}: {reason}"
        for message in messages_of(script)
        if (reason := wrong(script, message)) and (script, message.place) not in NEVER_SHOWN
    }
    assert not found, "\n".join(sorted(found))


def test_the_source_is_read_as_far_as_scripts_reach():
    for script, place in (
        ("train_lenet_digits", "io.splits._deal"),
        ("finetune", "io.sources.labelled._refuse_poor"),
        ("train_logistic", "transfer.heads.fitting.stratified_folds"),
        ("evaluate", "evaluation.folder_batches.labels_of"),
    ):
        assert place in {message.place for message in messages_of(script)}, place
    assert "io.splits._deal" not in {message.place for message in messages_of("classify")}


@pytest.mark.parametrize(
    ("text", "script", "fits"),
    (
        ("Give --folds 1.", "train_logistic", True),
        ("Give --folds 1.", "build_folder", False),
        ("Leave it out (build_folder.py --exclude NAME).", "train_logistic", True),
        ("Leave it out by scripts/train_logistic.py --exclude NAME.", "build_folder", False),
        ("Build it with scripts/build_photos.py.", "train_logistic", False),
        ("Give --preflight off.", "train_lenet_digits", True),
    ),
)
def test_a_step_that_cannot_be_taken_is_found(text, script, fits):
    assert (not wrong(script, Message("somewhere", (text,)))) == fits
