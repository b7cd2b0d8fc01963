"""Every network of the zoo keeps the builders' contract; a new row is tested by existing."""

import importlib
import inspect
import json
import math
from pathlib import Path

import keras
import numpy as np
import pytest

from sightkit import zoo
from sightkit.zoo.registry import builder_of

KIND = None  # all of the zoo
# Building one of these takes a second or more.
SLOW = {
    "alexnet",
    "alexnet_one_tower",
    "alexnet_two_groups",
    "deepergooglenet",
    "googlenet",
    "inception_v3",
    "mobilenet_0.25",
    "mobilenetv2_0.35",
    "resnet50",
    "resnet_imagenet",
    "surgery",
    "vgg16",
    "vgg19",
    "xception",
}
QUICK = {*zoo.names()} - SLOW
FAMILIES = ("inception", "mobilenet", "xception")
"""Whose counts take long; one of each is counted in the quick tests, if it differs by a width."""


def every_network():
    slow = {name for name in zoo.names() if name.startswith(FAMILIES)}
    slow -= {"mobilenet_0.25", "mobilenetv2_0.35"}
    return pytest.mark.parametrize(
        "name",
        [
            pytest.param(name, marks=pytest.mark.slow) if name in slow else name
            for name in zoo.names()
        ],
    )


@pytest.fixture(scope="module")
def build_once():
    built = {}

    def build(name):
        if name not in built:
            keras.utils.set_random_seed(7)
            built[name] = zoo.build(name, **zoo.entry(name).sample)
        return built[name]

    return build


def inputs_of(model, count=2, seed=3):
    shape = (count, *model.inputs[0].shape[1:])
    return np.random.default_rng(seed).random(shape, dtype="float32")


def outputs_of(model, images, training=False):
    outputs = model(images, training=training)
    return outputs if isinstance(outputs, (list, tuple)) else [outputs]


@every_network()
def test_parameter_counts_are_the_published_ones(name):
    published = zoo.entry(name).published
    assert published, f"{name} has no published count"
    for arguments, parameters, *not_trained in published:
        # In this scope variables have shapes and no values: VGG19 is counted in 30 ms.
        with keras.StatelessScope(initialize_variables=False):
            model = zoo.build(name, **arguments)
        assert model.count_params() == parameters
        if not_trained:
            found = sum(math.prod(weight.shape) for weight in model.non_trainable_weights)
            assert found == not_trained[0]


def test_forward_is_finite(topology, build_once):
    model = build_once(topology)
    images = inputs_of(model)
    for output in outputs_of(model, images):
        values = keras.ops.convert_to_numpy(output)
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
        assert len(values) == len(images)
        if zoo.entry(topology).kind in ("classifier", "segmenter", "head"):
            np.testing.assert_allclose(values.sum(-1), 1, rtol=1e-5)


def test_one_step_gives_every_trainable_weight_a_gradient(topology, build_once):
    import tensorflow as tf

    model = build_once(topology)
    before = model.get_weights()
    with tf.GradientTape() as tape:
        outputs = outputs_of(model, inputs_of(model, count=4), training=True)
        # A random direction: the sum of a softmax alone is 1 and has no gradient.
        loss = sum(
            tf.reduce_sum(output * np.random.default_rng(5).random(output.shape, dtype="float32"))
            for output in outputs
        )
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    model.set_weights(before)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert gradient is not None, weight.path
        assert np.isfinite(gradient).all(), weight.path
        if len(weight.shape) > 1:
            assert np.any(gradient), weight.path


@pytest.mark.parametrize(
    "name",  # of each kind of layer and of block
    (
        "alexnet_two_groups",
        "dcgan_generator",
        "lenet",
        "minigooglenet",
        "mobilenetv2_0.35",
        "resnet20",
        "squeezenet",
        "subpixel_x3",
        "unet",
    ),
)
def test_saved_weights_load_bit_equal(name, build_once, tmp_path):
    model = build_once(name)
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    again = zoo.build(name, **zoo.entry(name).sample)
    zoo.load_weights(again, path)
    for mine, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(mine, other, err_msg=mine.path)
    again.set_weights([np.zeros(weight.shape, weight.dtype) for weight in again.weights])
    again.load_weights(path)
    for mine, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(mine, other, err_msg=mine.path)


def test_origin_survives_json_and_names_are_stable(topology, build_once):
    model = build_once(topology)
    told = json.loads(json.dumps(zoo.origin(model), allow_nan=False))
    assert told == zoo.origin(model)
    again = zoo.build(told["builder"], **told["arguments"])
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    assert [weight.shape for weight in again.weights] == [weight.shape for weight in model.weights]
    assert zoo.origin(again) == zoo.origin(model)


def test_origin_names_the_row_it_was_built_by(topology, build_once):
    expected = (
        "squeezenet" if topology == "squeezenet_1.1" else topology
    )  # two names of one network
    assert zoo.origin(build_once(topology))["builder"] == expected


def test_layers_are_data(topology, build_once):
    model = build_once(topology)
    assert not any(isinstance(layer, keras.layers.Lambda) for layer in model.layers)
    assert type(model).__name__ == "Functional"
    assert not model.compiled
    if zoo.entry(topology).kind == "classifier":
        assert model.layers[-1].name == "predictions"
        assert model.layers[-1].compute_dtype == "float32"
        logits = model.get_layer("logits")
        pooled = topology.startswith("squeezenet")
        assert isinstance(
            logits, keras.layers.GlobalAveragePooling2D if pooled else keras.layers.Dense
        )


def test_batch_normalization_is_ours(topology, build_once):
    for layer in build_once(topology).layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            assert type(layer) is zoo.BatchNormalization


@pytest.mark.parametrize(
    "name", [n for n in zoo.names() if "reg" in inspect.signature(builder_of(n)).parameters]
)
def test_regularization_reaches_every_kernel(name):
    options = {
        "googlenet": {"input_shape": (65, 65, 3), "auxiliary_heads": True},
        "surgery": {"base_arguments": {"reg": 0.01}},  # its own ``reg`` is the head's
    }
    arguments = {**zoo.entry(name).sample, **options.get(name, {}), "reg": 0.01}
    with keras.StatelessScope(initialize_variables=False):
        model = zoo.build(name, **arguments)
    kernels = [weight for weight in model.trainable_weights if "kernel" in weight.name]
    assert len(kernels) >= 2
    assert not [kernel.path for kernel in kernels if kernel.regularizer is None]
    assert {round(float(kernel.regularizer.l2), 6) for kernel in kernels} == {0.01}


def test_every_builder_has_a_row():
    """A builder without its row (and so without published counts) fails here."""
    rows = {zoo.entry(name).builder for name in zoo.names()}
    for path in Path(zoo.__file__).parent.glob("*.py"):
        module = importlib.import_module(f"sightkit.zoo.{path.stem}")
        for name, value in vars(module).items():
            if inspect.isfunction(value) and hasattr(value, "build"):
                assert value.__module__ != module.__name__ or name in rows, name


@pytest.mark.parametrize("name", zoo.names())
def test_docstrings_tell_what_is_needed(name):
    text = inspect.getdoc(builder_of(name)) or ""
    for part in ("Args:", "Returns:", "Raises:", "Reference:"):
        assert part in text, part
