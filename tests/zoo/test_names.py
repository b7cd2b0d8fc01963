"""Names come without Keras, and every exported name is there."""

import json
import subprocess
import sys

import pytest

from sightkit import zoo

LISTING = """
import json, sys
import sightkit.zoo as zoo
names = zoo.names()
rows = [zoo.entry(name).builder for name in names]
print(json.dumps({"names": names, "heavy": [m for m in ("keras", "tensorflow", "jax", "numpy")
                                            if m in sys.modules]}))
"""


def test_listing_names_imports_no_keras():
    told = subprocess.run(
        [sys.executable, "-c", LISTING], capture_output=True, text=True, check=True
    )
    found = json.loads(told.stdout)
    assert found["heavy"] == []
    assert found["names"] == zoo.names() == sorted(zoo.names())


def test_names_of_a_kind():
    assert zoo.names("segmenter") == ["unet"]
    assert "lenet" in zoo.names("classifier")
    assert zoo.names("nothing") == []
    assert {zoo.entry(name).kind for name in zoo.names()} == {
        "classifier",
        "discriminator",
        "generator",
        "head",
        "segmenter",
        "super_resolution",
    }


def test_everything_exported_is_there():
    assert set(dir(zoo)) == set(zoo.__all__)
    for name in zoo.__all__:
        assert getattr(zoo, name), name
    assert {zoo.entry(name).builder for name in zoo.names()} < set(zoo.__all__)


def test_unknown_attributes_raise():
    assert not hasattr(zoo, "AlexNott")


def test_the_default_squeezenet_is_1_1():
    model = zoo.build("squeezenet", input_shape=(224, 224, 3), classes=1000)
    assert model.count_params() == 1_235_496


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("alexnet_one_tower", {"reg": 1e-4}),
        ("resnet_tiny_imagenet", {"stages": (1, 1, 1)}),
        ("mobilenet_0.75", {"dropout": 0.5}),
    ],
)
def test_a_changed_network_is_named_after_its_nearest_entry(name, options):
    import keras

    size = {"input_shape": (96, 96, 3), "classes": 3, **options}
    with keras.StatelessScope(initialize_variables=False):
        model = zoo.build(name, **size)
        told = zoo.origin(model)
        again = zoo.build(told["builder"], **told["arguments"])
    assert told["builder"] == name
    assert again.count_params() == model.count_params()
    assert zoo.origin(again) == told
