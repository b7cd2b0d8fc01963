"""Run folders that were damaged, or made to harm: refused, or resumed to the same weights."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile import Change, Changes, Trials, attack, bit_flips, damages, few, other_files, replaced
from hostile_json import changed, json_texts, json_values, text_of
from hostile_numpy import npz_files

NEWEST = "epoch-00002-batch-000001.npz"


@pytest.fixture(scope="module")
def run(trials: Trials) -> Path:
    """A folder with data, and a run that was stopped in its third epoch."""
    folder = trials.make("run_data")
    if not (folder / "run").exists():
        begun = trials.run("begin", folder)
        assert begun["text"] == "interrupted", begun
        assert (folder / "run" / "checkpoints" / NEWEST).is_file()
    return folder


def digest(arrays: dict[str, np.ndarray]) -> str:
    found = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        found.update(f"{name} {array.dtype} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def head(change: Callable[[dict[str, Any]], Any]) -> Change:
    """Return a change of the JSON of a checkpoint."""

    def rewrite(path: Path) -> None:
        with np.load(path) as stored:
            arrays = dict(stored)
        state = change(json.loads(arrays.pop("state").tobytes()))
        text = state if isinstance(state, str) else text_of(state)
        encoded = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
        np.savez(path, state=encoded, **arrays)  # type: ignore[arg-type]

    return rewrite


def arrays(change: Callable[[dict[str, np.ndarray]], Any]) -> Change:
    """Return a change of the arrays of a checkpoint, whose hash fits again."""

    def rewrite(path: Path) -> None:
        with np.load(path) as stored:
            found = dict(stored)
        state = json.loads(found.pop("state").tobytes())
        change(found)
        state["sha256"] = digest(found)
        encoded = np.frombuffer(json.dumps(state).encode(), np.uint8)
        np.savez(path, allow_pickle=True, state=encoded, **found)  # type: ignore[arg-type]

    return rewrite


FIRST = "variable-00000"
ARRAYS = {
    "a variable missing": lambda found: found.pop(FIRST),
    "a variable more": lambda found: found.__setitem__("variable-99999", np.ones(3)),
    "another shape": lambda found: found.__setitem__(FIRST, np.ones((2, 2), "f4")),
    "no numbers": lambda found: found.__setitem__(FIRST, found[FIRST].astype("U9")),
    "complex numbers": lambda found: found.__setitem__(FIRST, found[FIRST].astype("c16")),
    "objects": lambda found: found.__setitem__(FIRST, found[FIRST].astype(object)),
    "a structure": lambda found: found.__setitem__(
        FIRST, np.zeros(found[FIRST].shape, [("a", "f4")])
    ),
    "a metric missing": lambda found: found.pop("metric-00000"),
    "a metric more": lambda found: found.__setitem__("metric-99999", np.ones(3)),
    "a metric of another shape": lambda found: found.__setitem__("metric-00000", np.ones(3)),
    "a metric of texts": lambda found: found.__setitem__("metric-00000", np.array("x")),
    "a name with a path": lambda found: found.__setitem__("../x", np.ones(3)),
}


def heads(path: Path, count: int) -> Changes:
    with np.load(path) as stored:
        text = stored["state"].tobytes().decode()
    state = json.loads(text)
    values = json_values(state, count) | {
        "another run's": changed(state, ("owner",), "0" * 16),
        "another step's": changed(state, ("position",), [1, 0]),
        "a step of 10^9": changed(state, ("position",), [10**9, 0]),
        "no callbacks": changed(state, ("callbacks",), []),
        "callbacks of another": changed(state, ("callbacks",), [["os.system", "echo"]]),
        "a newer schema": changed(state, ("schema",), 99),
    }
    texts = {name: value.decode("latin-1") for name, value in json_texts(text).items()}
    del texts["large"]
    return {
        name: head(lambda found, value=value: value) for name, value in {**values, **texts}.items()
    }


def renamed(name: str, *, copied: bool = False) -> Change:
    def change(path: Path) -> None:
        (shutil.copy2 if copied else shutil.move)(path, path.with_name(name))

    return change


NAMES = {
    f"{'copied' if copied else 'renamed'} to {name}": renamed(name, copied=copied)
    for copied in (True, False)
    for name in ("epoch-99999.npz", "epoch-00003.npz", "epoch-00002.npz", "epoch-.npz",
                 "epoch-00009-batch-.npz", "epoch-" + "9" * 100 + ".npz")
}  # fmt: skip


def checkpoints(path: Path, count: int) -> Changes:
    return {
        **other_files(),
        **heads(path, count),
        **{name: arrays(change) for name, change in ARRAYS.items()},
        **npz_files(f"{FIRST}.npy"),
        **NAMES,
    }


def descriptions(path: Path, count: int) -> Changes:
    text = path.read_text()
    contents = {
        name: text_of(value).encode("utf-8", "surrogatepass")
        for name, value in json_values(json.loads(text), count).items()
    } | json_texts(text)
    return {name: replaced(content) for name, content in contents.items()} | other_files()


FILES = {
    "config.json": "run/config.json",
    "environment.json": "run/environment.json",
    "plan.json": "run/checkpoints/plan.json",
}


@pytest.mark.faults
def test_a_few(trials: Trials, run: Path) -> None:
    path = f"run/checkpoints/{NEWEST}"
    names = ("fifo", "another run's", "another shape", "copied to epoch-99999.npz")
    changes = few(checkpoints(run / path, 0), *names) | bit_flips(1)
    attack("checkpoints, few", trials, "resume", run, changes, path)
    changes = few(descriptions(run / FILES["config.json"], 0), "deep", "fifo")
    attack("config.json, few", trials, "resume", run, changes, FILES["config.json"])


@pytest.mark.faults
def test_checkpoints(trials: Trials, run: Path) -> None:
    path = f"run/checkpoints/{NEWEST}"
    attack("1f checkpoints", trials, "resume", run, checkpoints(run / path, 40), path)


@pytest.mark.faults
@pytest.mark.parametrize("name", FILES)
def test_descriptions(name: str, trials: Trials, run: Path) -> None:
    path = FILES[name]
    attack(f"1f {name}", trials, "resume", run, descriptions(run / path, 50), path)


@pytest.mark.faults
def test_bits_and_damages_of_checkpoints(trials: Trials, run: Path) -> None:
    path = f"run/checkpoints/{NEWEST}"
    changes = bit_flips(60) | damages(30)
    attack("1f bits and damages of checkpoints", trials, "resume", run, changes, path)
