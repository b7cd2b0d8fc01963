"""Bundles of networks with a head that were damaged, or made to harm: refused, at no cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile import Changes, Trials, attack, bit_flips, damages, few, other_files
from hostile_arrays import objects
from hostile_json import Raw
from hostile_numpy import npz_files, with_array
from test_hostile_bundle import descriptions, resigned_all

KINDS = {"logistic": "weights", "random_forest": "values", "knn": "samples"}
LARGE = 10**9


def in_identity(**fields: Any) -> tuple[str, Any]:
    """Return a change of the identity of the first network; ``...`` deletes a field."""
    return "identity", fields


DESCRIPTIONS: dict[str, tuple[str, Any]] = {
    "four names": ("class_names", ["a", "b", "c", "d"]),
    "names twice": ("class_names", ["a", "a"]),
    "networks of a text": ("networks", "evil"),
    "no networks": ("networks", []),
    "networks of null": ("networks", [None]),
    "a thousand networks": ("networks", "often"),
    "weights of another hash": in_identity(weights_sha256="0" * 64),
    "dimensions of 10^9": in_identity(dimensions=LARGE),
    "dimensions of -1": in_identity(dimensions=-1),
    "dimensions of 1": in_identity(dimensions=1),
    "unknown layer": in_identity(layer="nowhere"),
    "layer of a list": in_identity(layer=["pool1"]),
    "the input as layer": in_identity(layer="input"),
    "unknown pool": in_identity(pool="max"),
    "crops of 10^9": in_identity(crops=LARGE),
    "crops of true": in_identity(crops=True),
    "crops of 10": in_identity(crops=10),
    "unknown builder": in_identity(network={"builder": "os.system", "arguments": {}}),
    "network of a hash": in_identity(network={"keras": "0" * 64}),
    "network of nothing": in_identity(network={}),
    "40 GB of weights": in_identity(
        network={"builder": "mlp", "arguments": {"input_shape": [28, 28, 1], "classes": 10, "hidden": [10**5, 10**5]}}  # noqa: E501
    ),
    "a lambda": in_identity(network={"keras": {"class_name": "Lambda", "config": {}}}),
    "preprocessing of nothing": in_identity(preprocessing={}),
    "preprocessing of a text": in_identity(preprocessing="x"),
    "unknown preprocessor": in_identity(preprocessing={"name": "os.system"}),
    "before of a text": ("before", "x"),
    "before of another": ("before", {"name": "os.system"}),
    "before of 10^5 pixels": ("before", {"name": "SimplePreprocessor", "width": 10**5, "height": 10**5}),  # noqa: E501
    "unknown head": ("head", {"kind": "os.system"}),
    "head of a list": ("head", {"kind": ["linear"]}),
    "head of nothing": ("head", {}),
    "head of a text": ("head", "linear"),
    "another head": ("head", {"kind": "trees", "dimensions": 1}),
}  # fmt: skip
SETTINGS: dict[str, dict[str, Any]] = {
    "10^9 classes": {"classes": LARGE},
    "10^9 classes in pairs": {"classes": LARGE, "multiclass": "ovo"},
    "no classes": {"classes": 0},
    "classes of true": {"classes": True},
    "unknown rule": {"multiclass": "evil"},
    "temperature of a text": {"temperature": "1"},
    "temperature without end": {"temperature": Raw("1e999")},
    "temperature of a bigint": {"temperature": Raw("9" * 400)},
    "sigmoids of a number": {"sigmoids": 1},
    "unknown setting": {"evil": 1},
    "k of 10^9": {"k": LARGE},
    "k of 0": {"k": 0},
    "dimensions of 10^9": {"dimensions": LARGE},
    "boosted of a text": {"boosted": "x"},
}


def heads_descriptions(bundle: Path, count: int) -> Changes:
    found = json.loads((bundle / "bundle.json").read_text())
    named: dict[str, tuple[str, Any]] = {}
    for name, (place, new) in DESCRIPTIONS.items():
        if place in ("identity", "before"):
            entry = found["networks"][0]
            new = {**entry, place: entry[place] | new if place == "identity" else new}
            place, new = "networks", [new, *found["networks"][1:]]
        elif new == "often":
            new = found["networks"] * 500
        named[name] = (place, new)
    for name, fields in SETTINGS.items():
        named[f"setting: {name}"] = ("head", found["head"] | fields)
    return descriptions(bundle, count, named)


def at(index: Any, value: Any) -> Any:
    def change(array: np.ndarray) -> np.ndarray:
        array = array.copy()
        array[index] = value
        return array

    return change


GENERAL = {
    "of one dimension": lambda array: array.ravel(),
    "of three dimensions": lambda array: array[..., np.newaxis],
    "of no dimensions": lambda array: array.ravel()[0],
    "of float16": lambda array: array.astype("f2"),
    "of texts": lambda array: array.astype("U8"),
    "of objects": lambda array: array.astype(object),
    "of complex numbers": lambda array: array.astype("c16"),
    "of bytes": lambda array: array.astype("u1"),
    "turned": lambda array: array.T if array.ndim > 1 else array[::-1][:-1],
    "of no rows": lambda array: array[:0],
    "longer": lambda array: np.concatenate([array, array]),
    "not finite": lambda array: np.full_like(array, np.nan if array.dtype.kind == "f" else -7),
}
PARTICULAR: dict[str, dict[str, tuple[str, Any]]] = {
    "logistic": {
        "intercepts of another length": ("intercepts", lambda array: np.zeros(7)),
        "weights of infinity": ("weights", at((0, 0), np.inf)),
    },
    "random_forest": {
        "a node its own child": ("left", at(0, 0)),
        "a circle": ("right", at(1, 0)),
        "a child far away": ("left", at(0, LARGE)),
        "a child below zero": ("left", at(0, -9)),
        "one child alone": ("right", at(0, -1)),
        "a feature far away": ("feature", at(0, LARGE)),
        "a feature below zero": ("feature", at(0, -3)),
        "a root far away": ("roots", at(-1, LARGE)),
        "roots twice": ("roots", lambda array: np.repeat(array, 2)),
        "roots turned": ("roots", lambda array: array[::-1]),
        "no votes": ("votes", lambda array: array * 0),
        "10^6 votes": ("votes", lambda array: np.ones(10**6)),
        "values of nothing": ("values", lambda array: array * 0),
    },
    "knn": {
        "a label far away": ("labels", at(0, LARGE)),
        "a label below zero": ("labels", at(0, -1)),
        "no scale": ("scale", lambda array: array * 0),
        "scale not finite": ("scale", at(0, np.inf)),
        "samples of another class": ("labels", lambda array: array * 0 + 5),
    },
}
DISTANCE = {
    "of no photos": ("photos", lambda array: array * 0),
    "of 10^18 photos": ("photos", lambda array: array * 0 + 10**18),
    "of -5 photos": ("photos", lambda array: array * 0 - 5),
    "photos of a list": ("photos", lambda array: np.array([1, 2])),
    "of three levels": ("known", lambda array: array[:3]),
    "levels not finite": ("known", at(3, np.nan)),
    "means of another width": ("means", lambda array: array[:, :2]),
    "means of another class": ("means", lambda array: np.concatenate([array, array])),
    "means of nothing": ("means", lambda array: array * 0),
}


def head_files(kind: str) -> Changes:
    array = KINDS[kind]
    cases = {f"{array} {name}": (array, change) for name, change in GENERAL.items()}
    changes = {name: with_array(*each) for name, each in {**cases, **PARTICULAR[kind]}.items()}
    return {**other_files(), **npz_files(f"{array}.npy"), **changes}


@pytest.mark.slow
def test_a_few(trials: Trials) -> None:
    place = trials.make("heads")
    names = ("networks of a text", "setting: 10^9 classes in pairs")
    changes = few(heads_descriptions(place / "logistic", 0), *names)
    attack(
        "bundle.json of a head, few", trials, "bundle", place / "logistic", changes, "bundle.json"
    )
    names = ("a node its own child", "bomb")
    changes = resigned_all(few(head_files("random_forest"), *names))
    attack("head of a bundle, few", trials, "bundle", place / "random_forest", changes, "head.npz")


@pytest.mark.faults
@pytest.mark.parametrize("kind", KINDS)
def test_descriptions(kind: str, trials: Trials) -> None:
    bundle = trials.make("heads") / kind
    changes = heads_descriptions(bundle, 40)
    attack(f"1c bundle.json of {kind}", trials, "bundle", bundle, changes, "bundle.json")


@pytest.mark.faults
@pytest.mark.parametrize("kind", KINDS)
def test_heads(kind: str, trials: Trials) -> None:
    bundle = trials.make("heads") / kind
    changes = resigned_all(head_files(kind) | bit_flips(20) | damages(10))
    attack(f"1c head.npz of {kind}, re-signed", trials, "bundle", bundle, changes, "head.npz")


@pytest.mark.faults
def test_distances_and_weights(trials: Trials) -> None:
    bundle = trials.make("heads") / "logistic"
    changes = {name: with_array(*each) for name, each in DISTANCE.items()}
    changes |= npz_files("means.npy") | bit_flips(20) | damages(10)
    attack("1c distance.npz", trials, "bundle", bundle, resigned_all(changes), "distance.npz")
    changes = resigned_all(objects("layers/conv2d/vars/0") | bit_flips(20) | damages(10))
    attack("1c weights of a head's network", trials, "bundle", bundle, changes,
           "network-0.weights.h5")  # fmt: skip
