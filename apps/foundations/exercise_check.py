"""What is wrong with a function that a learner has written: a shape, a value, a gradient.

Formula: docs/foundations.md#exercises. Test: tests/apps/foundations/test_exercises.py.
Picture: none.
"""

from __future__ import annotations

import copy
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from sightkit.apps.foundations import exercise_file
from sightkit.apps.foundations.exercise_table import Exercise

SEEDS, TOLERANCE = 3, 1e-6


def check(exercise: Exercise, path: Path) -> str:
    """Return in a line what is wrong with the function in a file; nothing if all is right.

    It is called with random arguments and compared with the app's own, of which tests hold every
    gradient against finite differences.
    """
    with exercise_file.limited():
        try:
            theirs = exercise_file.load(path)
        except (Exception, SystemExit) as error:
            return f"the file cannot be imported ({exercise_file.where(error, path)})"
        try:
            return _tried(exercise, theirs)
        except NotImplementedError:
            return "it is not written yet"
        except (Exception, SystemExit) as error:
            if not exercise_file.lines(error, path):
                raise  # it is ours
            return f"it fails ({exercise_file.where(error, path)})"


def _tried(exercise: Exercise, theirs: ModuleType) -> str:
    ours = importlib.import_module(f"sightkit.apps.foundations.{exercise.module}")
    try:
        function = _function(theirs, exercise)
    except AttributeError:
        return f"the file has no {exercise.function} any more"
    for seed in range(SEEDS):
        given = exercise.arguments(theirs, np.random.default_rng(seed))
        same = exercise.arguments(ours, np.random.default_rng(seed))
        before = copy.deepcopy(given)
        for call in ("", "in the second call, "):  # an optimizer remembers the first
            found = function(*given)
            if wrong := _compared(exercise, _function(ours, exercise)(*same), found):
                return call + wrong
            for was, now in zip(before, given, strict=True):
                if isinstance(now, np.ndarray) and not np.array_equal(was, now):
                    return "it changes an array that it was given: work on a new one"
    return ""


def _compared(exercise: Exercise, wanted: Any, found: Any) -> str:
    """The first difference: how many there are, shape, value."""
    names = exercise.outputs
    if found is None:
        return "it returns nothing"
    if len(names) > 1 and not (isinstance(found, tuple) and len(found) == len(names)):
        return f"it must return {len(names)} arrays: {', '.join(names)}"
    backward = exercise.function.endswith("_backward")
    pairs = zip(wanted, found, strict=True) if len(names) > 1 else [(wanted, found)]
    for name, (right, answer) in zip(names, pairs, strict=True):
        of = f"the gradient by {name}" if backward else name
        try:
            right, answer = np.asarray(right), np.asarray(answer)
        except ValueError:
            return f"shape: {of} must be {np.shape(right)}, and has rows of several lengths"
        if answer.dtype.kind not in "biuf":
            return f"{of} must be numbers, and is {answer.dtype}"
        if answer.shape != right.shape:
            return f"shape: {of} must be {right.shape}, and is {answer.shape}"
        off = np.nan_to_num(np.abs(answer - right.astype(float)), nan=np.inf)
        if off.max(initial=0) > TOLERANCE * max(1.0, np.abs(right).max(initial=0)):
            place = np.unravel_index(off.argmax(), off.shape)
            at = f" at {list(map(int, place))}" if place else ""
            kind = "gradient" if backward or name == "gradient" else "value"
            return f"{kind}: {of}{at} must be {right[place] + 0.0:.6g}, and is {answer[place]:.6g}"
    return ""


def _function(module: ModuleType, exercise: Exercise) -> Any:
    found: Any = module
    for part in exercise.function.split("."):
        found = getattr(found, part)
    return found
