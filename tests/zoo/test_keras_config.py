"""Of a description in JSON only layers of keras.layers and plain values are taken."""

from __future__ import annotations

import copy
import json

import keras
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.zoo.budget import limited_weights
from sightkit.zoo.keras_config import ARGUMENTS, LAYERS, checked_config
from sightkit.zoo.keras_network import build_from_config


def layer(name, config=None, **more):
    entry = {"module": "keras.layers", "class_name": name, "config": config or {}, **more}
    return {"registered_name": None, **entry}


def sequential(*layers, shape=(8, 8, 3)):
    images = layer("InputLayer", {"batch_shape": [None, *shape], "name": "images"})
    config = {"name": "net", "layers": [images, *layers]}
    return {"module": "keras", "class_name": "Sequential", "config": config}


DENSE = layer("Dense", {"units": 3, "name": "dense"})
LAMBDA = layer("Lambda", {"function": {"class_name": "__lambda__", "config": {"value": "4wEA"}}})
RELU = {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "relu"}


def test_every_listed_class_is_one_of_keras():
    for name in LAYERS:
        assert issubclass(getattr(keras.layers, name), keras.layers.Layer), name
    for module, names in ARGUMENTS.items():
        for name in names:
            assert isinstance(getattr(getattr(keras, module.partition(".")[2]), name), type)


def test_no_listed_class_reads_files_or_code():
    out = {"Lambda", "TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper", "StringLookup"}
    assert not LAYERS & out


@pytest.mark.parametrize(
    ("config", "named"),
    (
        (sequential(LAMBDA), "keras.layers.Lambda"),
        (sequential(layer("TimeDistributed", {"layer": LAMBDA})), "keras.layers.Lambda"),
        (
            sequential(layer("Bidirectional", {"layer": layer("RNN", {"cell": LAMBDA})})),
            "keras.layers.Lambda",
        ),
        (sequential(layer("Dense", {"units": 3, "harmless": [[LAMBDA]]})), "keras.layers.Lambda"),
        (
            sequential(layer("Dense", {"units": 3, "activation": LAMBDA["config"]["function"]})),
            "__lambda__",
        ),
        (sequential(layer("TFSMLayer", {"filepath": "/etc"})), "keras.layers.TFSMLayer"),
        (sequential(layer("StringLookup", {"vocabulary": "/etc/passwd"})), "StringLookup"),
        (sequential(layer("Layer")), "keras.layers.Layer"),
        (sequential(layer("Mine", registered_name="pkg>Mine")), "pkg>Mine"),
        (sequential(layer("Dense", {"units": 3}, registered_name="pkg>Dense")), "pkg>Dense"),
        (sequential({**DENSE, "module": "os"}), "os.Dense"),
        (sequential({**DENSE, "module": "keras.src.layers.core.dense"}), "keras.src"),
        (sequential({**DENSE, "module": "keras.layers.core", "class_name": "Dense"}), "core"),
        (sequential({"module": "os", "class_name": "system", "config": {}}), "os.system"),
        (sequential({"module": "keras.utils", "class_name": "get_file", "config": {}}), "get_file"),
        (
            sequential(
                layer(
                    "Dense",
                    {"units": 3, "activation": {**RELU, "module": "os", "config": "system"}},
                )
            ),
            "os.",
        ),
        (
            sequential(
                layer("Dense", {"units": 3, "activation": {**RELU, "registered_name": "p>relu"}})
            ),
            "p>relu",
        ),
        (sequential(layer("Dense", {"units": 3, "activation": "p>mine"})), "p>mine"),
        (sequential(layer("Dense", {"units": 3, "kernel_initializer": DENSE})), ""),
        (
            sequential({"module": "keras.initializers", "class_name": "Dense", "config": {}}),
            "Dense",
        ),
        ({**sequential(DENSE), "module": "mine", "class_name": "Net"}, "mine.Net"),
        ({**sequential(DENSE), "registered_name": "mine>Net"}, "mine>Net"),
    ),
)
def test_other_classes_are_refused_by_name(config, named):
    with pytest.raises(SightkitError) as error:
        build_from_config(config, nested=True)
    assert named in str(error.value)


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "config",
    (
        sequential(layer("Dense", {"units": deep(200)})),
        sequential(layer("Dense", {"units": [0] * 600_000})),
        sequential(*[DENSE] * 5_001),
        sequential(layer("Dense", {"units": 10**400})),
        sequential(layer("Dense", {"units": float("nan")})),
        sequential(layer("Dense", {"units": {"a": b"bytes"}})),
        sequential(layer("Dense", {"x" * 2_000: 1})),
        sequential({"class_name": "Dense"}),
        sequential({"class_name": ["Dense"], "config": {}}),
        sequential({**DENSE, "config": None}),
        sequential({**DENSE, "surprise": 1}),
        sequential(sequential(DENSE)),
        DENSE,
        {},
        [],
        None,
        "Model",
    ),
)
def test_damaged_and_large_descriptions_are_refused(config):
    with pytest.raises(SightkitError, match=r"description of the network|keras\.layers"):
        checked_config(config)


@pytest.mark.parametrize(
    ("layers", "shape"),
    (
        ((layer("Dense", {"units": 10**9}),), (8, 8, 3)),
        ((layer("Dense", {"units": 10**12}),), (8, 8, 3)),
        ((layer("Conv2D", {"filters": 10**6, "kernel_size": [8, 8]}),), (8, 8, 3)),
        ((layer("UpSampling2D", {"size": [10**5, 10**5]}),), (8, 8, 3)),
        ((layer("ZeroPadding2D", {"padding": 10**6}),), (8, 8, 3)),
        ((layer("Flatten"), layer("RepeatVector", {"n": 10**9})), (8, 8, 3)),
        ((layer("Embedding", {"input_dim": 10**9, "output_dim": 100}),), (8,)),
        ((layer("Dense", {"units": -1}),), (8, 8, 3)),
        ((layer("Dense", {"units": "three"}),), (8, 8, 3)),
        ((layer("Dense", {"unit": 3}),), (8, 8, 3)),
        ((layer("Conv2D", {"filters": 3, "kernel_size": 99}),), (8, 8, 3)),
    ),
)
def test_a_network_too_large_or_impossible_is_refused_unmade(layers, shape):
    with pytest.raises(SightkitError), limited_weights([np.empty(10**4)] * 100, "file"):
        build_from_config(sequential(*layers, shape=shape))


def test_a_graph_that_runs_in_a_circle_is_refused():
    images = keras.Input((8, 8, 3), name="images")
    x = keras.layers.Conv2D(3, 1, name="a")(images)
    x = keras.layers.Conv2D(3, 1, name="b")(x)
    config = json.loads(json.dumps(keras.Model(images, x).get_config()))
    tensor = config["layers"][1]["inbound_nodes"][0]["args"][0]["config"]
    tensor["keras_history"][0] = "b"
    with pytest.raises(SightkitError, match="cannot build"):
        build_from_config({"module": "keras", "class_name": "Functional", "config": config})


def test_what_is_read_is_not_changed():
    config = sequential(layer("Dense", {"units": 3, "dtype": "mixed_bfloat16"}))
    before = copy.deepcopy(config)
    checked = checked_config(config)
    assert config == before
    assert checked == checked_config(checked)
    assert checked["config"]["layers"][1]["config"]["dtype"] == "float32"
    assert build_from_config(config).count_params() == 12
