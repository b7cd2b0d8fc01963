"""Batch normalization folds away exactly where it may, and nowhere else."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from sightkit import zoo
from sightkit.inference.folding import Folded, MultiplyAdd, fold


def counts(network):
    """How many batch normalizations were folded, and how many are a multiply-add."""
    kinds = [type(layer) for layer in network.layers]
    assert not any(issubclass(kind, layers.BatchNormalization) for kind in kinds)
    return kinds.count(Folded), kinds.count(MultiplyAdd)


def same(network, folded, images, tolerance=5e-6):
    expected = network.predict_on_batch(images)
    assert expected.std() > 1e-3
    np.testing.assert_allclose(
        folded.predict_on_batch(images), expected, atol=tolerance * np.abs(expected).max()
    )


def chain(shape, *steps):
    inputs = x = keras.Input(shape)
    for step in steps:
        x = step(x)
    return keras.Model(inputs, x)


BEFORE = {
    "conv": ((8, 8, 3), lambda: layers.Conv2D(4, 3)),
    "conv without bias": ((8, 8, 3), lambda: layers.Conv2D(4, 3, use_bias=False)),
    "grouped conv": ((8, 8, 4), lambda: layers.Conv2D(6, 3, groups=2)),
    "conv 1-D": ((8, 3), lambda: layers.Conv1D(4, 3)),
    "conv 3-D": ((6, 6, 6, 2), lambda: layers.Conv3D(4, 3)),
    "depthwise": ((8, 8, 3), lambda: layers.DepthwiseConv2D(3, use_bias=False)),
    "depthwise, multiplier 2": ((8, 8, 3), lambda: layers.DepthwiseConv2D(3, depth_multiplier=2)),
    "depthwise 1-D": ((8, 3), lambda: layers.DepthwiseConv1D(3, depth_multiplier=2)),
    "separable": ((8, 8, 3), lambda: layers.SeparableConv2D(4, 3)),
    "separable 1-D": ((8, 3), lambda: layers.SeparableConv1D(4, 3, use_bias=False)),
    "transposed": ((8, 8, 3), lambda: layers.Conv2DTranspose(4, 3, strides=2)),
    "transposed 1-D": ((8, 3), lambda: layers.Conv1DTranspose(4, 3)),
    "transposed 3-D": ((4, 4, 4, 2), lambda: layers.Conv3DTranspose(3, 3)),
    "dense": ((7,), lambda: layers.Dense(5)),
    "dense on maps": ((4, 4, 3), lambda: layers.Dense(5, use_bias=False)),
}


@pytest.mark.parametrize("name", BEFORE)
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False, "epsilon": 0.1}])
def test_it_folds_into_the_layer_before(name, options, shaken, images_for):
    shape, layer = BEFORE[name]
    network = shaken(chain(shape, layer(), layers.BatchNormalization(**options), layers.ReLU()))
    before = [keras.ops.convert_to_numpy(weight) for weight in network.weights]
    folded = fold(network)
    assert counts(folded) == (1, 0)
    same(network, folded, images_for(network))
    for ours, then in zip(network.weights, before, strict=True):  # the network is left alone
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(ours), then)


def test_the_layer_of_the_zoo_folds_too(shaken, images_for):
    network = shaken(chain((8, 8, 3), layers.Conv2D(4, 3), zoo.BatchNormalization()))
    assert counts(fold(network)) == (1, 0)
    same(network, fold(network), images_for(network))


def read_by_two():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(3, 3, padding="same")(inputs)
    return keras.Model(inputs, layers.Add()([layers.BatchNormalization()(x), x]))


def read_by_an_operation():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(3, 3, padding="same")(inputs)
    return keras.Model(inputs, layers.BatchNormalization()(x) + keras.ops.tanh(x))


def two_normalizations():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(3, 3)(inputs)
    both = [layers.BatchNormalization()(x), layers.BatchNormalization()(x)]
    return keras.Model(inputs, layers.Concatenate()(both))


def shared_normalization():
    inputs = keras.Input((8, 8, 3))
    norm = layers.BatchNormalization()
    x = norm(layers.Conv2D(3, 3, padding="same")(inputs))
    return keras.Model(inputs, norm(layers.Conv2D(3, 3)(x)))


def shared_convolution():
    inputs = keras.Input((8, 8, 3))
    convolution = layers.Conv2D(3, 3, padding="same")
    x = layers.BatchNormalization()(convolution(inputs))
    return keras.Model(inputs, layers.Add()([x, convolution(x)]))


def convolution_with_activation():
    return chain((8, 8, 3), layers.Conv2D(4, 3, activation="relu"), layers.BatchNormalization())


def activation_between():
    return chain((8, 8, 3), layers.Conv2D(4, 3), layers.ReLU(), layers.BatchNormalization())


def first_of_all():
    return chain((8, 8, 3), layers.BatchNormalization(), layers.Conv2D(4, 3))


def another_axis():
    return chain((8, 8, 3), layers.Conv2D(4, 3), layers.BatchNormalization(axis=1))


class Doubled(layers.Conv2D):
    def call(self, inputs):
        return 2.0 * super().call(inputs)


def a_subclass():
    return chain((8, 8, 3), Doubled(4, 3), layers.BatchNormalization())


@pytest.mark.parametrize(
    "build",
    [
        read_by_two,
        read_by_an_operation,
        two_normalizations,
        shared_normalization,
        shared_convolution,
        convolution_with_activation,
        activation_between,
        first_of_all,
        another_axis,
        a_subclass,
    ],
)
def test_elsewhere_it_becomes_one_multiply_add(build, shaken, images_for):
    network = shaken(build())
    folded = fold(network)
    norms = sum(isinstance(layer, layers.BatchNormalization) for layer in network.layers)
    assert counts(folded) == (0, norms)
    same(network, folded, images_for(network))


def test_a_normalization_that_is_told_to_train_stays(shaken, images_for):
    inputs = keras.Input((8, 8, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3)(inputs), training=True)
    network = shaken(keras.Model(inputs, x))
    folded = fold(network)
    assert isinstance(folded.layers[-1], layers.BatchNormalization)
    same(network, folded, images_for(network))


def test_a_convolution_that_is_also_an_output_is_not_folded(shaken, images_for):
    inputs = keras.Input((8, 8, 3))
    inner_in = keras.Input((8, 8, 3))
    inner = keras.Model(inner_in, layers.Conv2D(4, 3)(inner_in), name="inner")
    network = shaken(keras.Model(inputs, layers.BatchNormalization()(inner(inputs))))
    assert counts(fold(network)) == (0, 1)
    same(network, fold(network), images_for(network))


@pytest.mark.parametrize("sequential", [True, False])
def test_networks_inside_networks_are_folded(sequential, shaken, images_for):
    steps = layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()
    inner = (
        keras.Sequential([keras.Input((8, 8, 3)), *steps])
        if sequential
        else chain((8, 8, 3), *steps)
    )
    network = shaken(chain((8, 8, 3), inner, layers.Flatten(), layers.Dense(3)))
    folded = fold(network)
    assert counts(folded.layers[1]) == (1, 0)
    same(network, folded, images_for(network))


def test_a_sequential_network_is_folded(shaken, images_for):
    network = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()]
    )
    assert counts(fold(shaken(network))) == (1, 0)
    same(network, fold(network), images_for(network))


def test_part_of_a_network_is_folded_independently_of_the_rest(shaken, images_for):
    whole = shaken(read_by_two())
    part = keras.Model(whole.inputs, whole.layers[2].output)
    assert counts(fold(part)) == (1, 0)
    same(part, fold(part), images_for(part))


def test_a_compiled_network_is_folded_with_any_loss(shaken, images_for):
    network = shaken(chain((8, 8, 3), layers.Conv2D(4, 3), layers.BatchNormalization()))
    network.compile(loss=lambda y, p: keras.ops.mean(p))
    same(network, fold(network), images_for(network))


def test_bfloat16_is_inside_and_float32_is_what_comes_out(shaken, images_for):
    network = shaken(zoo.MiniVGGNet((8, 8, 3), 3))
    folded = fold(network, "bfloat16")
    assert {layer.compute_dtype for layer in folded.layers[1:-1]} == {"bfloat16"}
    images = images_for(network)
    answer = folded.predict_on_batch(images)
    assert answer.dtype == np.float32
    assert 0 < np.abs(answer - network.predict_on_batch(images)).max() < 0.05
