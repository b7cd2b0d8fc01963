"""Homes of Keras, ensembles and compiled networks that were damaged, or made to harm."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from hostile import Changes, Trials, attack, bit_flips, damages, few, other_files, replaced
from hostile_arrays import edited, objects
from hostile_json import changed, json_texts, json_values, text_of

WEIGHTS = "models/mobilenet_2_5_224_tf.h5"
CLASSES = "models/imagenet_class_index.json"
KERNEL = "conv1/conv1/kernel"
ENSEMBLE = {
    "format": "sightkit-ensemble",
    "schema": 1,
    "experiment": "train_lenet_digits",
    "kind": "seeds",
    "members": ["member-1/bundle", "member-2/bundle"],
    "data": "/somewhere/data.h5",
    "config": {"epochs": 3},
}


@pytest.fixture(scope="module")
def home(trials: Trials) -> Path:
    return trials.make("keras_home")


def weights(path: Path) -> Changes:
    """Return changes of a file of weights that Keras 2 wrote."""
    with h5py.File(path) as file:
        kernel = next(name for name in _names(file) if name.endswith("kernel"))
        names = list(map(str, np.array(file.attrs["layer_names"], str)))

    def named(*layers: str) -> Changes:
        value = np.array([layer.encode() for layer in layers])
        label = ", ".join(layers)[:40]
        return {f"layers {label}": edited(lambda f: f.attrs.__setitem__("layer_names", value))}

    other = {
        **named(*names[:-1]),
        **named(*reversed(names)),
        **named("../evil"),
        **named("nowhere"),
        **named(*(names * 3)),
        "layers of numbers": edited(lambda f: f.attrs.__setitem__("layer_names", [1, 2])),
        "layers of a text": edited(lambda f: f.attrs.__setitem__("layer_names", "x")),
        "layers of nothing": edited(lambda f: f.attrs.__setitem__("layer_names", h5py.Empty("f4"))),
        "no layers": edited(lambda f: f.attrs.__delitem__("layer_names")),
        "a kernel that ends early": edited(
            lambda f: f.move(kernel, "x") or f.create_dataset(kernel, data=f["x"][..., :1])
        ),
    }
    return {**other_files(), **objects(kernel), **other}


def _names(file: h5py.File) -> list[str]:
    found: list[str] = []
    file.visititems(lambda name, each: found.append(name) if hasattr(each, "dtype") else None)
    return found


def texts(value: object, count: int) -> Changes:
    contents = {
        name: text_of(each).encode("utf-8", "surrogatepass")
        for name, each in json_values(value, count).items()
    } | json_texts(json.dumps(value))
    return {name: replaced(content) for name, content in contents.items()}


@pytest.fixture(scope="module")
def ensemble(trials: Trials) -> Path:
    place = trials.scratch / "sound-ensemble"
    for member in ("member-1", "member-2"):
        shutil.copytree(trials.make("network"), place / member / "bundle")
    (place / "ensemble.json").write_text(json.dumps(ENSEMBLE))
    return place


def ensembles(count: int) -> Changes:
    """Return changes of the description of an ensemble."""
    members = {
        "dot": ["."],
        "above": ["../member-1/bundle", "../../x"],
        "absolute": ["/etc", "/tmp"],
        "twice": ["member-1/bundle", "member-1/bundle"],
        "none": [],
        "one": ["member-1/bundle"],
        "of a newline": ["a\nb"],
        "long": ["x" * 5_000],
        "with a zero byte": ["a\0b"],
        "missing": ["member-1/bundle", "member-9/bundle"],
        "of objects": [{}],
    }
    values = {
        f"members {name}": changed(ENSEMBLE, ("members",), new) for name, new in members.items()
    }
    texts_ = {name: replaced(text_of(value).encode()) for name, value in values.items()}
    return {**texts_, **texts(ENSEMBLE, count), **other_files()}


@pytest.fixture(scope="module")
def compiled(trials: Trials) -> Path:
    pytest.importorskip("openvino")
    place = trials.scratch / "sound-compiled"
    shutil.copytree(trials.make("network"), place / "bundle")
    made = trials.run("compiled", place)
    assert made["outcome"] == "answered", made
    (form,) = (place / "cache").iterdir()
    form.rename(place / "cache" / form.name)
    return place


@pytest.mark.slow
def test_a_few_weights(trials: Trials, home: Path) -> None:
    changes = few(weights(home / WEIGHTS), "fifo", "external link beside")
    attack("weights in KERAS_HOME, few", trials, "pretrained", home, changes, WEIGHTS)


@pytest.mark.slow
def test_a_few_ensembles(trials: Trials, ensemble: Path) -> None:
    changes = few(ensembles(0), "members dot", "members of objects", "deep", "fifo")
    attack("ensemble.json, few", trials, "ensemble", ensemble, changes, "ensemble.json")


@pytest.mark.faults
def test_home_of_keras(trials: Trials, home: Path) -> None:
    attack("1k weights", trials, "pretrained", home, weights(home / WEIGHTS), WEIGHTS)
    index = json.loads((home / CLASSES).read_text())
    changes = texts(index, 30) | other_files()
    attack("1k names of classes", trials, "pretrained", home, changes, CLASSES)


@pytest.mark.faults
def test_ensembles(trials: Trials, ensemble: Path) -> None:
    attack("1l ensemble.json", trials, "ensemble", ensemble, ensembles(100), "ensemble.json")


@pytest.mark.faults
def test_compiled_networks(trials: Trials, compiled: Path) -> None:
    (form,) = (compiled / "cache").iterdir()
    changes = other_files() | bit_flips(20) | damages(20)
    del changes["sparse"]  # no larger than a compiled network may be
    inside = os.path.join("cache", form.name)
    anew = changes["missing"]
    attack("1l compiled networks", trials, "compiled", compiled, changes, inside, anew)
