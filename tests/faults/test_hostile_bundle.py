"""Bundles of networks that were damaged, or made to harm: refused in a line, at no cost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
from hostile import Change, Changes, Trials, attack, bit_flips, damages, few, other_files, replaced
from hostile_arrays import edited, objects
from hostile_json import Raw, changed, json_texts, json_values, text_of
from hostile_numpy import npy_files

KERNEL = "layers/conv2d/vars/0"


def signed(description: Mapping[str, Any]) -> bytes:
    """Return a bundle.json with a hash that fits, as someone with bad intent would write it."""
    text = text_of({key: value for key, value in description.items() if key != "sha256"})
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    sha256 = description.get("sha256") if len(str(description.get("sha256"))) != 64 else digest
    more = f', "sha256": {text_of(sha256)}' if "sha256" in description else ""
    return f"{text[:-1]}{more}}}".encode("utf-8", "surrogatepass")


def resigned(change: Change) -> Change:
    """Return a change of a file of a bundle after which its hash fits again."""

    def wrapped(path: Path) -> None:
        change(path)
        about = path.with_name("bundle.json")
        description = json.loads(about.read_text())
        if path.is_file() and path.stat().st_size < 2**30:
            description["files"][path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        about.write_bytes(signed(description))

    return wrapped


def resigned_all(changes: Mapping[str, Change]) -> Changes:
    return {name: resigned(change) for name, change in changes.items()}


def descriptions(bundle: Path, count: int, named: Mapping[str, tuple[Any, ...]]) -> Changes:
    """Return changes of a bundle.json: drawn ones, named ones, other files."""
    text = (bundle / "bundle.json").read_text()
    found = json.loads(text)
    values = json_values(found, count) | {
        name: changed(found, tuple(place.split(".")), new) for name, (place, new) in named.items()
    }
    contents = {name: signed(value) for name, value in values.items()} | json_texts(text)
    return {name: replaced(content) for name, content in contents.items()} | other_files()


def lenet(**arguments: Any) -> tuple[str, Any]:
    own = {"input_shape": [8, 8, 3], "classes": 3}
    return "network", {"builder": "lenet", "arguments": own | arguments}


def mlp(hidden: Any) -> tuple[str, Any]:
    arguments = {"input_shape": [8, 8, 3], "classes": 3, "hidden": hidden}
    return "network", {"builder": "mlp", "arguments": arguments}


def resize(**fields: Any) -> tuple[str, Any]:
    own = {"name": "SimplePreprocessor", "width": 8, "height": 8, "interpolation": None}
    return "preprocessing", {"name": "Pipeline", "steps": [own | fields]}


def nested(depth: int) -> Any:
    config: Any = {"name": "ImageToArrayPreprocessor", "scale": 1.0}
    for _ in range(depth):
        config = {"name": "Pipeline", "steps": [config]}
    return config


DESCRIPTIONS = {
    "names twice": ("class_names", ["a", "a", "b"]),
    "names of whole numbers": ("class_names", [1, 2, 3]),
    "names of null": ("class_names", [None, "a", "b"]),
    "an empty name": ("class_names", ["", "a", "b"]),
    "four names": ("class_names", ["a", "b", "c", "d"]),
    "names of objects": ("class_names", [{}, {}, {}]),
    "a million names": ("class_names", [str(number) for number in range(10**6)]),
    "canary of texts": ("canary", ["a", "b", "c"]),
    "canary nested": ("canary", [[0.1], [0.2], [0.7]]),
    "canary of bigints": ("canary", [Raw("9" * 400), 0, 0]),
    "canary of true": ("canary", [True, False, False]),
    "canary of others": ("canary", [0.3, 0.3, 0.4]),
    "another builder": lenet(),
    "unknown builder": ("network", {"builder": "os.system", "arguments": {}}),
    "builder with dots": ("network", {"builder": "../lenet", "arguments": {}}),
    "40 GB of weights": mlp([100_000, 100_000]),
    "4 GB of weights": mlp([16_000, 16_000, 16_000]),
    "3,000 layers": mlp([1] * 3_000),
    "a layer of 10^30": mlp([Raw("1" + "0" * 30)]),
    "a layer of -1": mlp([-1]),
    "a layer of a text": mlp(["12"]),
    "no layers": mlp([]),
    "a large picture": lenet(input_shape=[10**6, 10**6, 3]),
    "no picture": lenet(input_shape=[0, 0, 0]),
    "shape of null": lenet(input_shape=[None, None, 3]),
    "shape of four": lenet(input_shape=[8, 8, 3, 1]),
    "10^9 classes": lenet(classes=10**9),
    "no classes": lenet(classes=0),
    "classes of a text": lenet(classes="3"),
    "name with a slash": lenet(name="a/b"),
    "name of a number": lenet(name=7),
    "name with a newline": lenet(name="a\nb"),
    "unknown argument": lenet(evil=1),
    "float64": lenet(precision="float64"),
    "deep resnet": ("network", {"builder": "resnet_cifar", "arguments": {"input_shape": [8, 8, 3], "classes": 3, "depth": 60_002}}),  # noqa: E501
    "surgery of surgery": ("network", {"builder": "surgery", "arguments": {"base": {"builder": "surgery"}}}),  # noqa: E501
    "a lambda": ("network", {"keras": {"class_name": "Functional", "config": {"layers": [{"class_name": "Lambda"}]}}}),  # noqa: E501
    "another module": ("network", {"keras": {"module": "os", "class_name": "system", "config": {}}}),  # noqa: E501
    "pictures of 10^9 pixels": resize(width=10**9, height=10**9),
    "pictures of 10^5 pixels": resize(width=10**5, height=10**5),
    "width of a text": resize(width="8"),
    "width of a list": resize(width=[8]),
    "unknown preprocessor": ("preprocessing", {"name": "os.system"}),
    "name of a list": ("preprocessing", {"name": ["Pipeline"]}),
    "random step": ("preprocessing", {"name": "Augment"}),
    "steps of texts": ("preprocessing", {"name": "Pipeline", "steps": ["a"]}),
    "200 pipelines": ("preprocessing", nested(90)),
    "a million steps": ("preprocessing", {"name": "Pipeline", "steps": [nested(0)] * 10**5}),
    "ten crops": ("preprocessing", {"name": "CropPreprocessor", "width": 8, "height": 8}),
    "mean of nan": ("preprocessing", {"name": "MeanPreprocessor", "red": Raw("NaN")}),
    "weights of another hash": ("weights_sha256", "0" * 64),
    "10^12 rows": ("training_rows", {"images": 10**12, "preprocessing": {}}),
    "rows without a chain": ("training_rows", {"images": 40}),
    "files elsewhere": ("files", {"../../etc/passwd": "0" * 64}),
    "no files": ("files", {}),
    "a newer schema": ("schema", 99),
    "a newer schema of 10^30": ("schema", Raw("1" + "0" * 30)),
    "another format": ("format", "evil"),
    "another kind": ("kind", "keras"),
    "the kind of heads": ("kind", "features_and_head"),
    "unknown kind": ("kind", "os.system"),
    "kind of a list": ("kind", ["classifier"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def bundle(trials: Trials) -> Path:
    return trials.make("network")


def weights_files() -> Changes:
    """Return weights that are others, of others' files."""
    values = {
        "kernel of another shape": lambda array: np.ones((1, 2, 3, 4), "f4"),
        "kernel turned": lambda array: array.T,
        "kernel not finite": lambda array: np.full_like(array, np.inf),
        "kernel of zeros": np.zeros_like,
        "kernel of float64": lambda array: array.astype("f8"),
        "kernel of 10^38": lambda array: np.full_like(array, 3e38),
    }

    def replaced_by(change: Any) -> Change:
        def edit(file: h5py.File) -> None:
            new = change(file[KERNEL][...])
            del file[KERNEL]
            file[KERNEL] = new

        return edited(edit)

    return {name: replaced_by(change) for name, change in values.items()} | {
        "layer missing": edited(lambda file: file.__delitem__("layers/conv2d")),
        "layer more": edited(lambda file: file["layers"].copy("conv2d", "conv2d_9")),
        "layers swapped": edited(
            lambda file: (
                file.move("layers/dense", "layers/x"),
                file.move("layers/conv2d", "layers/dense"),
                file.move("layers/x", "layers/conv2d"),
            )
        ),
        "nothing in it": edited(lambda file: file.clear()),
    }


def canaries() -> Changes:
    """Return other pictures."""
    rng = np.random.default_rng(0)
    pictures = {
        "another": rng.integers(0, 256, (20, 30, 3)),
        "grey": rng.integers(0, 256, (20, 30, 1)),
        "with alpha": rng.integers(0, 256, (20, 30, 4)),
        "of a pixel": rng.integers(0, 256, (1, 1, 3)),
        "long": rng.integers(0, 256, (1, 9_000, 3)),
    }

    def png(picture: np.ndarray, ending: str = ".png", kind: str = "uint8") -> bytes:
        return cv2.imencode(ending, picture.astype(kind))[1].tobytes()

    found = {f"{name} canary": png(picture) for name, picture in pictures.items()}
    whole = png(pictures["another"])
    found |= {
        "16-bit canary": png(pictures["another"] * 257, kind="uint16"),
        "jpeg canary": png(pictures["another"], ".jpg"),
        "canary of a lying size": whole[:16] + (10**5).to_bytes(4, "big") * 2 + whole[24:],
        "canary of 10^9 pixels": whole[:16] + (10**9).to_bytes(4, "big") * 2 + whole[24:],
        "canary cut": whole[:200],
    }
    return {name: replaced(content) for name, content in found.items()}


FILES = {
    "model.weights.h5": lambda: {**other_files(), **objects(KERNEL), **weights_files()},
    "canary.png": lambda: {**other_files(), **canaries()},
    "training_rows.npy": lambda: {**other_files(), **npy_files()},
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ("network", pytest.param("keras_network", marks=pytest.mark.slow)))
def test_a_few_descriptions(kind: str, trials: Trials) -> None:
    bundle = trials.make(kind)
    names = ("names of objects", "4 GB of weights", "canary nested", "deep", "fifo")
    changes = few(descriptions(bundle, 0, DESCRIPTIONS), *names)
    attack(f"bundle.json of a {kind}, few", trials, "bundle", bundle, changes, "bundle.json")


@pytest.mark.slow
def test_a_few_files(trials: Trials, bundle: Path) -> None:
    names = ("hard loop in place", "4 GB in eight", "chunk bomb beside")
    changes = resigned_all(few(objects(KERNEL), *names) | bit_flips(2))
    inside = "model.weights.h5"
    attack("weights of a bundle, few", trials, "bundle", bundle, changes, inside)


@pytest.mark.faults
@pytest.mark.parametrize("kind", ("network", "keras_network"))
def test_descriptions(kind: str, trials: Trials) -> None:
    bundle = trials.make(kind)
    changes = descriptions(bundle, 80, DESCRIPTIONS)
    attack(f"1a bundle.json of a {kind}", trials, "bundle", bundle, changes, "bundle.json")


@pytest.mark.faults
@pytest.mark.parametrize("file", FILES)
def test_files(file: str, trials: Trials, bundle: Path) -> None:
    changes = resigned_all(FILES[file]())
    attack(f"1b {file} of a bundle, re-signed", trials, "bundle", bundle, changes, file)


@pytest.mark.faults
@pytest.mark.parametrize("file", FILES)
def test_bits_and_damages_of_files(file: str, trials: Trials, bundle: Path) -> None:
    changes = resigned_all(bit_flips(60) | damages(30))
    attack(f"1b {file}, bits and damages", trials, "bundle", bundle, changes, file)
