"""Exercises: a file of this app with one function left out, for the learner to write.

Formula: docs/foundations.md#exercises. Test: tests/apps/foundations/test_exercises.py.
Picture: none.
"""

from __future__ import annotations

import ast
from pathlib import Path

from sightkit.apps.foundations import arguments
from sightkit.apps.foundations.exercise_table import EXERCISES, Exercise

FOLDER = Path(__file__).parent
LEFT_OUT = "raise NotImplementedError"


def find(name: str) -> Exercise:
    """Return an exercise by its name; an unknown one is answered by the nearest."""
    return EXERCISES[arguments.choice("exercise", name, EXERCISES)]


def left_out(exercise: Exercise, command: str) -> str:
    """Return the source of an exercise's file without the body of its function.

    Args:
        exercise: see ``EXERCISES``.
        command: what tests it, for the first line.
    """
    source = (FOLDER / f"{exercise.module}.py").read_text(encoding="utf-8")
    node = _definition(ast.parse(source), exercise.function)
    first, last = node.body[0], node.body[-1]
    if ast.get_docstring(node) is not None and node.body[1:]:
        first = node.body[1]
    lines = source.splitlines()
    indent = " " * first.col_offset
    lines[first.lineno - 1 : last.end_lineno] = [
        f"{indent}{LEFT_OUT}  # yours: {exercise.function}"
    ]
    return "\n".join([f"# Write {exercise.function}, then: {command}", *lines, ""])


def _definition(tree: ast.AST, function: str) -> ast.FunctionDef:
    *owner, name = function.split(".")
    for node in ast.walk(tree):
        if owner and isinstance(node, ast.ClassDef) and node.name == owner[0]:
            return _definition(node, name)
        if not owner and isinstance(node, ast.FunctionDef) and node.name == name:
            return node
    raise RuntimeError(f"There is no {function}.")
