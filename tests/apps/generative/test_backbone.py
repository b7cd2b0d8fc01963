from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from sightkit import inference, training, transfer
from sightkit._errors import SightkitError
from sightkit.apps.generative import Backbone, map_layers
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline, SimplePreprocessor

SIDE = 24


def small_bundle(chain=None) -> training.Bundle:
    keras.utils.set_random_seed(3)
    inputs = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(6, 3, padding="same", activation="tanh", name="first")(inputs)
    x = layers.MaxPooling2D(name="pool")(x)
    x = layers.BatchNormalization(name="normal")(x)
    x = layers.Conv2D(8, 3, activation="tanh", name="second")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(SIDE * SIDE, name="dense")(x)
    x = layers.Conv2D(2, 1, name="late")(layers.Reshape((SIDE, SIDE, 1), name="again")(x))
    network = keras.Model(inputs, layers.Dense(2, name="end")(layers.GlobalAveragePooling2D()(x)))
    chain = chain or Pipeline((SimplePreprocessor(SIDE, SIDE), ImageToArrayPreprocessor()))
    predictor = inference.compile(network, engine="keras")
    return training.Bundle(lambda: network, predictor, chain, ("a", "b"), {})


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)


def test_a_backbone_gives_what_the_network_gives():
    bundle, picture = small_bundle(), noise(SIDE, SIDE)
    wanted = keras.Model(bundle.network.inputs[0], bundle.network.get_layer("second").output)
    numbers = bundle.preprocessing(picture)[np.newaxis]
    (found,) = Backbone(bundle, ["second"]).maps(picture)
    np.testing.assert_allclose(found, wanted(numbers, training=False), atol=1e-5)


def test_a_backbone_takes_pictures_of_any_size():
    backbone = Backbone(small_bundle(), ["second", "first"])
    second, first = backbone.maps(noise(31, 17))
    assert first.shape == (1, 31, 17, 6) and second.shape == (1, 13, 6, 8)


@pytest.mark.parametrize("name", ("vgg16", "mobilenet_1.0"))
def test_pixels_become_the_numbers_of_the_preprocessing(name):
    chain = transfer.preprocessing_of(name, (SIDE, SIDE))
    backbone = Backbone(small_bundle(chain), ["first"])
    picture = np.full((SIDE, SIDE, 3), (200, 30, 110), np.uint8)
    found = picture.astype(np.float32) @ backbone.slope + backbone.start
    np.testing.assert_allclose(found, chain(picture), rtol=1e-4, atol=1e-3)


def test_gradients_are_those_of_finite_differences():
    backbone = Backbone(small_bundle(), ["second"])

    def loss(pixels, maps, factor):
        return keras.ops.stack([factor * keras.ops.sum(maps[0] ** 2), keras.ops.sum(pixels)])

    function = backbone.differentiated(loss)
    picture = noise(SIDE, SIDE).astype(np.float32)
    _, gradient = function(picture, np.float32(500))
    direction = np.random.default_rng(1).normal(size=picture.shape).astype(np.float32)
    ends = [function(picture + sign * direction, np.float32(500))[0].sum() for sign in (1, -1)]
    assert (ends[0] - ends[1]) / 2 == pytest.approx(float((gradient * direction).sum()), rel=0.01)


def test_average_pooling_takes_the_place_of_the_maximum():
    picture = noise(SIDE, SIDE)
    first, pooled = Backbone(small_bundle(), ["first", "pool"], pooling="average").maps(picture)
    means = first.reshape(1, SIDE // 2, 2, SIDE // 2, 2, 6).mean(axis=(2, 4))
    np.testing.assert_allclose(pooled, means, atol=1e-5)
    assert not np.allclose(Backbone(small_bundle(), ["pool"]).maps(picture)[0], means, atol=1e-3)


def test_an_unknown_layer_lists_the_nearest():
    with pytest.raises(SightkitError, match=r"layer='secnd'.*nearest of 6 are second"):
        Backbone(small_bundle(), ["secnd"])


def test_layers_behind_a_dense_one_are_refused():
    assert "late" in map_layers(small_bundle().network)
    with pytest.raises(SightkitError, match="depend on the size"):
        Backbone(small_bundle(), ["late"])


def test_preprocessing_that_bends_is_refused():
    class Bent(ImageToArrayPreprocessor):
        def __call__(self, image):
            return super().__call__(image) ** 2

    with pytest.raises(SightkitError, match="straight line"):
        Backbone(small_bundle(Pipeline((SimplePreprocessor(SIDE, SIDE), Bent()))), ["first"])
