"""Every engine says what Keras says, of every form of classifier and of trained networks."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from sightkit import inference, io, transfer, zoo
from sightkit._errors import SightkitError

QUICK = {"lenet"}
"""Converting takes seconds for each of the others."""
LONG = {
    "alexnet",
    "alexnet_one_tower",
    "alexnet_one_weird_trick",
    "alexnet_two_groups",
    "cifarnet",
    "convnet",
    "deepergooglenet",
    "inception_v3",
    "lenet5",
    "minialexnet",
    "minigooglenet",
    "mobilenet_0.25",
    "resnet50",
    "resnet_cifar",
    "resnet_imagenet",
    "resnet_tiny_imagenet",
    "shallownet",
    "squeezenet_1.0",
    "surgery",
    "vgg16",
    "vgg19",
    "xception",
}
"""And for most of these half a minute; each of their forms is in one of the others."""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["openvino", "folded"])
def test_every_engine_answers_as_keras_does(topology, engine, shaken, images_for):
    if engine == "openvino":
        pytest.importorskip("openvino")
    network = shaken(zoo.build(topology, **zoo.entry(topology).sample))
    images = images_for(network)
    predict = inference.compile(network, engine=engine, examples=images, batch_size=2)
    answer = predict(images)
    expected = network.predict_on_batch(images)
    np.testing.assert_allclose(answer, expected, atol=1e-3 * expected.max())
    assert np.ptp(expected, axis=0).max() > 1e-4  # it does look at the images


@pytest.fixture
def photos(test_data, tmp_path, monkeypatch):
    shutil.copytree(test_data / "keras" / "models", tmp_path / "keras" / "models")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    home = str(tmp_path / "keras")
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", home, raising=False)
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: home, raising=False)
    paths = sorted((test_data / "imagenet-samples").iterdir())
    return lambda bundle: np.stack([bundle.preprocessing(io.read_image(p)) for p in paths])


PRETRAINED = (
    ("mobilenet_0.25", True),
    ("mobilenetv2_0.35", False),
    *(
        pytest.param(*each, marks=pytest.mark.faults)
        for each in (("mobilenet_0.75", True), ("mobilenet_0.25", False), ("squeezenet", False))
    ),
)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("engine", ["openvino", "folded"])
@pytest.mark.parametrize(("name", "include_top"), PRETRAINED)
def test_trained_networks_on_photos(name, include_top, engine, precision, photos):
    if engine == "openvino":
        pytest.importorskip("openvino")
    bundle = transfer.pretrained(name, include_top=include_top)
    images = photos(bundle)
    options = {"engine": engine, "precision": precision, "examples": images}
    try:
        answer = inference.compile(bundle.network, **options)(images)
    except SightkitError as error:
        # 99 % of twenty photos are all: MobileNet-0.25 gets one otherwise, and four where the CPU
        # has no bfloat16. The feature maps of both MobileNets are off by 10 to 20 %, SqueezeNet's
        # by 1 to 3 %.
        assert precision == "bfloat16" and "mobilenet" in name
        reason = "top-1 is Keras' on only" if include_top else "within 5 % of Keras' on only"
        assert reason in str(error)
        return
    expected = bundle.network.predict_on_batch(images)
    if precision == "float32":
        np.testing.assert_allclose(answer, expected, atol=1e-3 * expected.max())
    elif include_top:
        assert (answer.argmax(1) == expected.argmax(1)).all()


PROGRAM = """
import keras, numpy as np
from sightkit import inference, zoo
assert keras.backend.backend() == "jax"
keras.utils.set_random_seed(0)
network = zoo.MiniVGGNet((8, 8, 3), 3)
images = np.random.default_rng(0).random((5, 8, 8, 3), dtype="float32")
expected = network.predict_on_batch(images)
for engine in ("auto", "folded"):
    predict = inference.compile(network, images=10**9, engine=engine, examples=images)
    # Not every operation that JAX exports is one that OpenVINO 2026.4 converts.
    assert predict.engine in ("openvino", "folded")
    np.testing.assert_allclose(predict(images), expected, atol=1e-5)
assert predict.engine == "folded"
print("done")
"""


@pytest.mark.slow
def test_jax_networks_are_compiled_too():
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed (extra: jax)")
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert told.stdout.splitlines()[-1:] == ["done"], told.stderr[-3000:]
