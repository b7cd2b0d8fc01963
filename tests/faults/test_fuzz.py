"""Mutated descriptions and arrays: one line each, whatever they hold."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import strategies as st

from sightkit import _arrays, _run_files, io, training
from sightkit._errors import SightkitError
from sightkit.experiments.boosting import VOTE, read_vote
from sightkit.experiments.ensemble import DESCRIPTION as ENSEMBLE
from sightkit.experiments.ensemble import read_ensemble
from sightkit.training import bundle_format
from sightkit.training.environment import read_environment
from sightkit.training.execution_plan import _read_plan
from sightkit.training.run_folder import read_config
from sightkit.training.state import _read_checkpoint

SHA = "0" * 64
DESCRIBED: dict[str, tuple[str, dict[str, Any], Any]] = {
    "environment": (
        _run_files.ENVIRONMENT,
        {
            "python": "3.11.2",
            "system": "Linux",
            "backend": "tensorflow",
            "versions": {"keras": "3", "openvino": None},
            "device": "CPU",
            "processor_flags": ["avx2"],
            "cores": 2,
            "threads": "2",
            "commit": None,
            "script": {"file": "x.py", "sha256": SHA},
            "command": "python x.py",
            "folder": "/tmp",
            "data": {"file": "a.h5", "sha256": SHA},
            "resumed": [{"threads": "2"}],
        },
        read_environment,
    ),
    "plan": (
        "plan.json",
        {"schema": 2, "jit": False, "steps_per_execution": 4, "seconds_per_step": {"1": 0.1}},
        lambda folder: _read_plan(folder / "plan.json"),
    ),
    "ensemble": (
        ENSEMBLE,
        {
            "format": "sightkit-ensemble",
            "schema": 1,
            "experiment": "train_lenet_digits",
            "kind": "seeds",
            "members": ["member-1/bundle", "member-2/bundle"],
            "data": "digits.h5",
            "config": {"epochs": 2},
        },
        read_ensemble,
    ),
    "vote": (
        VOTE,
        {
            "format": "sightkit-vote",
            "schema": 1,
            "weights_sha256": [SHA, SHA],
            "dataset_sha256": SHA,
            "error": 0.1,
            "vote": 4.4,
            "mistakes": "gA==",
        },
        read_vote,
    ),
    "config": (
        _run_files.CONFIG,
        {"format": "sightkit-run", "schema": 2, "id": "0" * 16, "experiment": "train_lenet_digits"},
        read_config,
    ),
}
DEEP = 2_000
HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from((10**400, -1, 0, 2**31, 2**63, 2**64)),
    st.floats(),
    st.text(st.characters(codec=None), max_size=20),
    st.sampled_from(("", "\x1b[2J", "\ud800", "a\nb", "../../x", "/", "\0", "x" * 10_000)),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.just([[[[[]]]]]),
)


def mutated(draw, value):
    """Return a description with one place of it replaced, taken out, or added to."""
    value = copy.deepcopy(value)
    parent: Any = {"": value}
    key: Any = ""
    while isinstance(parent[key], (dict, list)) and parent[key] and draw(st.integers(0, 4)):
        parent = parent[key]
        keys = list(parent) if isinstance(parent, dict) else range(len(parent))
        key = draw(st.sampled_from(keys))
    match draw(st.integers(0, 5)):
        case 0 if isinstance(parent, dict):
            del parent[key]
        case 1 if isinstance(parent, dict):
            parent[draw(st.text(max_size=5))] = draw(HOSTILE)
        case 2 if isinstance(parent[key], list):
            parent[key] *= draw(st.sampled_from((0, 2)))
        case _:
            parent[key] = draw(HOSTILE)
    return parent.get("", value) if isinstance(parent, dict) and "" in parent else value


@st.composite
def descriptions(draw, sound, sign=None):
    """Return the bytes of a mutated description, sometimes with damaged text."""
    value: Any = sound
    for _ in range(draw(st.integers(1, 2))):
        value = mutated(draw, value)
    if sign and isinstance(value, dict):
        with contextlib.suppress(Exception):  # what cannot be signed stays as it is
            value = {**value, "sha256": sign({k: v for k, v in value.items() if k != "sha256"})}
    text = json.dumps(value).encode()
    if draw(st.integers(0, 9)) == 0:
        text = draw(damaged(text))
    elif draw(st.integers(0, 40)) == 0:
        text = text.replace(b"{", b"[" * DEEP + b"{", 1)
    return text


@st.composite
def damaged(draw, data):
    """Return bytes with a few flipped, set, cut off, doubled or put in."""
    found = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(0, len(found) - 1)))
        match draw(st.integers(0, 5)):
            case 0 if found:
                found[place] ^= 1 << draw(st.integers(0, 7))
            case 1 if found:
                found[place : place + 8] = draw(st.sampled_from((b"\0" * 8, b"\xff" * 8)))
            case 2:
                del found[place:]
            case 3:
                found[place:place] = found[place : place + draw(st.integers(1, 64))]
            case 4:
                found[place:place] = draw(st.binary(min_size=1, max_size=8))
            case _ if found:
                found[place] = draw(st.integers(0, 255))
    return bytes(found)


@pytest.mark.parametrize("name", DESCRIBED)
def test_descriptions(name, fuzz, refused, tmp_path):
    file, sound, read = DESCRIBED[name]

    def attempt(text):
        (tmp_path / file).write_bytes(text)
        with refused():
            read(tmp_path)

    attempt(json.dumps(sound).encode())
    read(tmp_path)
    fuzz(attempt, descriptions(sound))


def test_descriptions_of_bundles(fuzz, refused, trained_bundles, tmp_path):
    _, (bundle,) = trained_bundles(tmp_path, 1)
    path = bundle / bundle_format.DESCRIPTION

    def attempt(text):
        path.write_bytes(text)
        with refused():
            training.check_bundle(bundle)

    sound = json.loads(path.read_bytes())
    fuzz(attempt, descriptions(sound, bundle_format.digest))
    path.write_text(json.dumps(sound))
    training.check_bundle(bundle)


def test_attributes_of_datasets(fuzz, refused, write_dataset):
    path = write_dataset(train=6, validation=3, test=3)
    sound = path.read_bytes()
    with h5py.File(path) as file:
        names = sorted(file.attrs)
        told = {name: value for name in names if isinstance(value := file.attrs[name], str)}

    def attempt(name, text, value, what):
        path.write_bytes(sound)
        with h5py.File(path, "r+") as file, contextlib.suppress(TypeError, ValueError, OSError):
            if what and name in told:
                file.attrs[name] = text.decode("utf-8", "replace")
            elif value is None:
                del file.attrs[name]
            else:
                file.attrs[name] = value
        with refused():
            io.DatasetFile.open(path)

    texts = st.sampled_from(sorted(told)).flatmap(lambda name: st.just(told[name]))
    values = texts.flatmap(
        lambda text: descriptions(json.loads(text)) if text[:1] in "{[" else st.binary(max_size=9)
    )
    other = st.one_of(st.none(), st.integers(-5, 2**62), st.floats(), st.text(max_size=9))
    fuzz(attempt, st.sampled_from(names), values, other, st.booleans())


def sound_arrays(folder, write_dataset):
    """Yield name, file and reader of small sound files of arrays."""
    arrays = {"weights": np.ones((3, 2), np.float32), "labels": np.arange(3)}
    np.savez(folder / "a.npz", **arrays)
    np.save(folder / "a.npy", arrays["weights"])
    state = {
        "schema": 2,
        "owner": "x",
        "position": [1, 0],
        "finished": False,
        "sha256": SHA,
        "callbacks": [["a", {}]],
    }
    np.savez(folder / "c.npz", state=np.frombuffer(json.dumps(state).encode(), np.uint8))
    dataset = write_dataset(train=6, validation=3, test=3)

    def rows(path):
        file = io.DatasetFile.open(path)
        file.read(np.arange(len(file.labels)))

    return {
        "npz": (folder / "a.npz", _arrays.read_npz, ValueError),
        "npy": (folder / "a.npy", _arrays.read_npy, ValueError),
        "checkpoint": (folder / "c.npz", _read_checkpoint, ValueError),
        "h5": (dataset, rows, SightkitError),
    }


@pytest.mark.parametrize("name", ("npz", "npy", "checkpoint", "h5"))
def test_arrays(name, fuzz, refused, tmp_path, write_dataset):
    path, read, error = sound_arrays(tmp_path, write_dataset)[name]
    sound = path.read_bytes()

    def attempt(data):
        path.write_bytes(data)
        with refused(error):
            read(path)

    fuzz(attempt, damaged(sound))
