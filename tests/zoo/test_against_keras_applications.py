"""Ours and keras.applications' networks with the same weights give the same output."""

import keras
import numpy as np
import pytest

from sightkit import zoo


def scrambled(model):
    """Weights of trained size everywhere, moving statistics included: fresh ones hide mistakes."""
    random = np.random.default_rng(11)
    for weight in model.weights:
        value = weight.numpy()
        if weight.name in ("moving_variance", "gamma"):
            value = random.uniform(0.5, 1.5, value.shape)
        elif value.ndim == 1:
            value = random.normal(0, 0.1, value.shape)
        weight.assign(value)
    return model


def same(theirs, ours, side, channels=3):
    """Parameters and output agree; compared on logits too, where a softmax hides nothing."""
    scrambled(theirs)
    values = theirs.get_weights()
    shapes = [weight.shape for weight in ours.weights]
    assert ours.count_params() == theirs.count_params()
    ours.set_weights([v.reshape(shape) for v, shape in zip(values, shapes, strict=True)])
    images = np.random.default_rng(12).normal(0, 1, (2, side, side, channels)).astype("float32")
    expected, found = theirs(images).numpy(), ours(images).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.ptp(expected) > 1e-3, "the outputs say nothing"


@pytest.mark.slow
def test_resnet50():
    theirs = keras.applications.ResNet50(weights=None, input_shape=(64, 64, 3), classes=5)
    ours = zoo.ResNet50((64, 64, 3), 5)
    same(theirs, ours, 64)
    named = {layer.name for layer in theirs.layers}
    assert {layer.name for layer in ours.layers} - named == {"images", "logits"}


@pytest.mark.parametrize("name", ["VGG16", pytest.param("VGG19", marks=pytest.mark.slow)])
def test_vgg_feature_maps(name):
    """Without the dense layers, so that it fits into seconds; the next test has them."""
    reference = getattr(keras.applications, name)
    theirs = reference(weights=None, input_shape=(48, 48, 3), include_top=False)
    ours = zoo.build(name.lower(), input_shape=(48, 48, 3), classes=5, include_top=False)
    same(theirs, ours, 48)
    assert [layer.name for layer in theirs.layers[1:]] == [
        layer.name for layer in ours.layers[1:] if not layer.name.endswith("_activation")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["VGG16", "VGG19"])
def test_vgg(name):
    reference = getattr(keras.applications, name)
    theirs = reference(weights=None, input_shape=(32, 32, 3), classes=5)
    same(theirs, zoo.build(name.lower(), input_shape=(32, 32, 3), classes=5), 32)


@pytest.mark.parametrize(
    ("name", "reference", "side", "options"),
    [
        ("mobilenet_0.25", "MobileNet", 32, {"alpha": 0.25}),
        pytest.param("mobilenet_0.75", "MobileNet", 96, {"alpha": 0.75}, marks=pytest.mark.slow),
        pytest.param(
            "mobilenetv2_0.35", "MobileNetV2", 96, {"alpha": 0.35}, marks=pytest.mark.slow
        ),
        pytest.param("inception_v3", "InceptionV3", 75, {}, marks=pytest.mark.slow),
        pytest.param("xception", "Xception", 71, {}, marks=pytest.mark.slow),
    ],
)
def test_rows_of_keras_applications(name, reference, side, options):
    theirs = getattr(keras.applications, reference)(
        weights=None, input_shape=(side, side, 3), classes=5, **options
    )
    same(theirs, zoo.build(name, input_shape=(side, side, 3), classes=5), side)
