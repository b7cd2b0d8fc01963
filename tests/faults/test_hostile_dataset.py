"""Dataset and feature files that were damaged, or made to harm: refused in a line, at no cost."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hostile import Change, Changes, Trials, attack, bit_flips, damages, few, other_files
from hostile_arrays import TEXT, amplify, array, edited, instead, objects
from hostile_json import Raw, json_texts, json_values, text_of

from sightkit._hdf5 import attribute
from sightkit.io.hdf5.values import attributes_sha256, identity, origins_sha256

JSON = ("splits", "preprocessing", "recipe")
COLUMNS = ("labels", "hashes", "sources", "class_names", "originals", "groups")


def signed(change: Change) -> Change:
    """Return a change after which the hashes of the file fit again, as far as they can be taken."""

    def wrapped(path: Path) -> None:
        change(path)
        with contextlib.suppress(Exception), h5py.File(path, "r+") as file:
            sign(file)

    return wrapped


def sign(file: h5py.File) -> None:
    with contextlib.suppress(Exception):
        names = tuple(file["class_names"].asstr()[...])
        groups = file["groups"][...] if "groups" in file else None
        splits = {name: tuple(ends) for name, ends in json.loads(file.attrs["splits"]).items()}
        file.attrs["labels_sha256"] = identity(
            file["labels"][...], file["hashes"][...], names, splits, groups
        )
    with contextlib.suppress(Exception):
        originals = file["originals"][...] if "originals" in file else None
        sources = file["sources"].asstr()[...]
        file.attrs["origins_sha256"] = origins_sha256(sources, originals)
    found = {name: attribute(file, name) for name in file.attrs if name != "attributes_sha256"}
    file.attrs["attributes_sha256"] = attributes_sha256(found)


def set_attribute(name: str, value: Any) -> Change:
    def edit(file: h5py.File) -> None:
        if value is ...:
            del file.attrs[name]
        else:
            file.attrs[name] = value

    return signed(edited(edit))


VALUES: dict[str, Any] = {
    "missing": ...,
    "a text": "x",
    "an empty text": "",
    "bytes": np.bytes_(b"\xff\xfe"),
    "a control text": "a\x1b]0;b\x07\n",
    "a long text": "x" * 60_000,
    "minus one": -1,
    "a half": 0.5,
    "infinity": np.inf,
    "nan": np.nan,
    "a list": [1, 2, 3],
    "texts": ["a", "b"],
    "nothing": h5py.Empty("f4"),
    "void": np.void(b"abc"),
    "10^18": 10**18,
    "a truth": True,
    "a complex": 1j,
}
SPLITS = {
    "floats": {"train": [0, 20.5], "validation": [20.5, 26], "test": [26, 31]},
    "texts": {"train": ["0", "20"]},
    "three ends": {"train": [0, 20, 31]},
    "one end": {"train": [0]},
    "a number": {"train": 31},
    "overlapping": {"train": [0, 31], "test": [20, 31]},
    "a hole": {"train": [0, 20], "test": [25, 31]},
    "beyond": {"train": [0, 10**9]},
    "below zero": {"train": [-5, 31]},
    "turned": {"train": [31, 0]},
    "empty": {"train": [0, 31], "test": [31, 31]},
    "none": {},
    "a list": [[0, 31]],
    "null": None,
    "bigint": {"train": [0, Raw("9" * 5000)]},
    "10^18": {"train": [0, 10**18]},
    "true": {"train": [False, 31]},
    "no name": {"": [0, 31]},
    "many": {f"s{number}": [number, number + 1] for number in range(1_500)},
}
RECIPES = {
    "left_out of a text": {"left_out": "x"},
    "left_out of a list": {"left_out": [1]},
    "left_out of texts": {"left_out": {"a": "b"}},
    "left_out below zero": {"left_out": {"a": -1}},
    "near_copies of a list": {"near_copies": [1]},
    "near_copies of a number": {"near_copies": {"text": 1}},
    "place of a number": {"place": 1},
    "a list": [1],
    "a text": "x",
    "null": None,
}
MEANS = {
    "of two": [1.0, 2.0],
    "of five": [1.0] * 5,
    "of texts": ["a", "b", "c"],
    "of nan": [np.nan] * 3,
    "of others": [1.0, 2.0, 3.0],
    "of ten thousand": [1.0] * 7_000,
    "of two dimensions": np.ones((3, 3)),
    "a number": 1.0,
}
CHAINS = {
    "unknown": {"name": "os.system"},
    "of a list": {"name": ["a"]},
    "a text": "x",
    "a list": [1],
    "10^9 pixels": {"name": "SimplePreprocessor", "width": 10**9, "height": 10**9},
    "no size": {"name": "SimplePreprocessor"},
    "random": {"name": "Augment"},
}


def column(name: str, change: Callable[[Any], Any], **options: Any) -> Change:
    """Return a change of what a column holds."""

    def edit(file: h5py.File) -> None:
        owner, key = file[name].parent, name.rpartition("/")[2]
        text = h5py.check_string_dtype(file[name].dtype) is not None
        new = change(file[name].asstr()[...] if text else file[name][...])
        del owner[key]
        owner.create_dataset(key, data=new, **options)

    return edited(edit)


def first(value: Any) -> Callable[[Any], Any]:
    def change(found: Any) -> Any:
        found = found.copy()
        found[0] = value
        return found

    return change


CONTENTS: dict[str, Change] = {
    "a label far away": column("labels", first(10**9)),
    "a label below zero": column("labels", first(-1)),
    "fewer labels": column("labels", lambda found: found[:-1]),
    "more labels": column("labels", lambda found: np.concatenate([found, found])),
    "no labels": column("labels", lambda found: found[:0]),
    "labels of int32": column("labels", lambda found: found.astype("i4")),
    "labels of floats": column("labels", lambda found: found.astype("f8")),
    "labels of two dimensions": column("labels", lambda found: found[:, np.newaxis]),
    "labels big endian": column("labels", lambda found: found.astype(">i8")),
    "fewer hashes": column("hashes", lambda found: found[:-1]),
    "hashes of 16 bytes": column("hashes", lambda found: found[:, :16]),
    "hashes of others": column("hashes", lambda found: found[::-1]),
    "hashes of a million": column("hashes", lambda found: np.zeros((10**6, 32), "u1")),
    "fewer sources": column("sources", lambda found: list(found[:-1]), dtype=TEXT),
    "sources of numbers": column("sources", lambda found: np.arange(31)),
    "names twice": column("class_names", lambda found: ["a", "a", "b"], dtype=TEXT),
    "an empty name": column("class_names", lambda found: ["", "a", "b"], dtype=TEXT),
    "fewer names": column("class_names", lambda found: ["a", "b"], dtype=TEXT),
    "no names": column("class_names", lambda found: [], dtype=TEXT),
    "names of bytes": column("class_names", lambda found: np.array([b"a", b"\xff", b"c"])),
    "names of numbers": column("class_names", lambda found: [1, 2, 3]),
    "names no utf-8": column("class_names", lambda found: [b"\xff\xfe", b"b", b"c"], dtype=TEXT),
    "names of a megabyte": column("class_names", lambda found: ["x" * 10**6, "b", "c"], dtype=TEXT),
    "sources that are one text": amplify("sources", count=31, size=10**7),
    "names that are one text": amplify("class_names", count=1_000, size=10**6),
    "sources often one text": amplify("sources", count=10_000, size=10**5),
}


def rows(key: str) -> dict[str, Change]:
    return {
        "rows of two dimensions": column(key, lambda found: found.reshape(len(found), -1)),
        "rows of one dimension": column(key, lambda found: found.reshape(len(found), -1)[:, 0]),
        "rows of six dimensions": column(key, lambda found: found[..., None, None]),
        "rows of floats": column(key, lambda found: found.astype("f4")),
        "rows of int64": column(key, lambda found: found.astype("i8")),
        "rows of truths": column(key, lambda found: found > 3),
        "rows of nothing": column(key, lambda found: found[:, :0]),
        "fewer rows": column(key, lambda found: found[:-1]),
        "rows in chunks": column(key, lambda found: found, chunks=True),
        "rows compressed": column(key, lambda found: found, compression="gzip"),
        "rows in place of the labels": edited(lambda file: file.move("labels", "other")),
        "two channels": column(key, lambda found: found[..., :2]),
    }


def keys() -> dict[str, Change]:
    """Return other paths of the rows: out of the file, through links, to what is no rows."""

    def key(name: str, make: Callable[[h5py.File], Any] = lambda file: None) -> Change:
        def edit(file: h5py.File) -> None:
            make(file)
            file.attrs["data_key"] = name

        return edited(edit)

    def link(file: h5py.File, target: Any) -> None:
        file["g"] = target

    def behind(path: Path) -> None:
        os.mkfifo(path.with_name("pipe"))
        key("g/images", lambda file: link(file, h5py.ExternalLink("pipe", "/")))(path)

    names = ("labels", "hashes", "sources", "class_names", "", "/", ".", "..", "nowhere", "a/b/c",
             "/images/", "images/..", "//images", "complete", "x" * 5_000, "\x1b[2J")  # fmt: skip
    return {f"key {name[:20]!a}": key(name) for name in names} | {
        "key behind a pipe": behind,
        "key behind a soft link": key("g/images", lambda f: link(f, h5py.SoftLink("/"))),
        "key behind a file": key("g/x", lambda f: link(f, h5py.ExternalLink("/etc/passwd", "/"))),
        "key behind a loop": key("g/images", lambda f: link(f, f["/"])),
        "key of a group": key("g", lambda f: f.create_group("g")),
        "key of a type": key("g", lambda f: link(f, np.dtype("u1"))),
    }


def attributes(path: Path, count: int) -> dict[str, Change]:
    """Return changes of attributes, each with hashes that fit again."""
    with h5py.File(path) as file:
        values = {name: file.attrs[name] for name in file.attrs}
    found: dict[str, Change] = {}
    for name in values:
        for label, value in VALUES.items():
            found[f"{name}: {label}"] = set_attribute(name, value)
    for name, cases in {"splits": SPLITS, "recipe": RECIPES, "preprocessing": CHAINS}.items():
        for label, value in cases.items():
            found[f"{name} {label}"] = set_attribute(name, text_of(value)[:64_000])
    found |= {f"mean {label}": set_attribute("mean", value) for label, value in MEANS.items()}
    for name in JSON:
        for label, value in json_values(json.loads(values[name]), count).items():
            if len(text_of(value)) < 60_000:
                text = text_of(value).encode("utf-8", "surrogatepass").decode("utf-8", "replace")
                found[f"{name}.{label}"] = set_attribute(name, text)
        for label, text in json_texts(values[name]).items():
            if len(text) < 60_000 and b"\0" not in text:
                found[f"{name} as {label}"] = set_attribute(name, np.bytes_(text))
    return found | {"schema of the future": set_attribute("schema", 99)}


def contents(key: str) -> dict[str, Change]:
    """Return changes of what the file holds."""
    found: dict[str, Change] = {**other_files(), **CONTENTS, **rows(key), **keys(), **objects(key)}
    for name in COLUMNS[:4]:
        cases: Mapping[str, Any] = {
            "gone": lambda owner, key: None,
            "a group": lambda owner, key: owner.create_group(key),
            "a number": array(3),
            "a soft link": lambda owner, key: owner.__setitem__(key, h5py.SoftLink("/")),
        }
        found |= {f"{name} {label}": instead(name, make) for label, make in cases.items()}
    return {name: signed(change) for name, change in found.items()}


@pytest.mark.faults
def test_a_few(trials: Trials) -> None:
    path = trials.make("dataset")
    names = ("key behind a pipe", "chunk bomb beside", "sources often one text", "fifo")
    changes = few(contents("images"), *names) | few(attributes(path, 0), "splits floats")
    attack("dataset files, few", trials, "dataset", path, changes | bit_flips(5))


@pytest.mark.slow
def test_a_few_features(trials: Trials) -> None:
    path = trials.make("features")
    changes = few(contents("features"), "rows of six dimensions") | bit_flips(3, 1)
    attack("feature files, few", trials, "features", path, changes | few_networks(path, 2))


def few_networks(path: Path, count: int) -> Changes:
    """Return changes of the network that features are of."""
    with h5py.File(path) as file:
        recipe = json.loads(file.attrs["recipe"])
    values = json_values(recipe, count, seed=3)
    texts = {name: text_of(value) for name, value in values.items()}
    return {
        f"recipe {name}": set_attribute("recipe", text.encode("utf-8", "replace").decode())
        for name, text in texts.items()
        if len(text) < 60_000
    }


@pytest.mark.faults
def test_attributes_of_a_dataset(trials: Trials) -> None:
    path = trials.make("dataset")
    attack("1d attributes of a dataset, re-signed", trials, "dataset", path, attributes(path, 60))


@pytest.mark.faults
def test_contents_of_a_dataset(trials: Trials) -> None:
    changes = contents("images")
    attack(
        "1d contents of a dataset, re-signed", trials, "dataset", trials.make("dataset"), changes
    )


@pytest.mark.faults
def test_bits_and_damages_of_a_dataset(trials: Trials) -> None:
    changes = bit_flips(300) | damages(120)
    attack("1d bits and damages of a dataset", trials, "dataset", trials.make("dataset"), changes)


@pytest.mark.faults
def test_features(trials: Trials) -> None:
    path = trials.make("features")
    changes = contents("features") | few_networks(path, 60)
    attack("1e feature files, re-signed", trials, "features", path, changes)
    changes = bit_flips(120) | damages(60)
    attack("1e bits and damages of features", trials, "features", path, changes)
