from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from sightkit._errors import SightkitError
from sightkit.apps.explain import Explainer, explain

CAMS = ("grad_cam", "grad_cam_plus_plus", "score_cam")


def network(side: int | None = 8) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((side, side, 3)),
            layers.Conv2D(4, 3, activation="relu", name="map"),
            layers.GlobalAveragePooling2D(name="mean"),
            layers.Dense(2, name="answer"),
        ]
    )


class Written(keras.Model):
    """A network that is written as a class, and not yet built."""

    def __init__(self):
        super().__init__()
        self.map, self.mean = layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()
        self.answer = layers.Dense(2)

    def call(self, inputs):
        return self.answer(self.mean(self.map(inputs)))


def images(side: int = 8, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).random((2, side, side, channels), np.float32)


@pytest.mark.parametrize("method", CAMS)
def test_class_activation_map_of_a_layer_without_places_is_refused(method):
    found = Explainer(network())
    for layer in ("mean", "answer"):
        with pytest.raises(SightkitError, match=r"height and width.*The last one is map"):
            explain(found, images(), method=method, layer=layer)
    assert explain(found, images(), method=method, layer="map").shape == (2, 8, 8)


@pytest.mark.parametrize(
    "given",
    (images(12), images(channels=1), images()[0], [images(), images()], images().tolist()),
    ids=("size", "channels", "one image", "two inputs", "lists"),
)
def test_inputs_that_do_not_fit_are_refused(given):
    with pytest.raises(SightkitError, match=r"inputs must have the shape|Inputs are an array"):
        Explainer(network()).gradients(given)


def test_index_of_an_input_must_exist():
    with pytest.raises(SightkitError, match="about=1"):
        Explainer(network(), about=1).gradients(images())


def test_network_of_any_size_takes_one_after_another():
    found = Explainer(network(None))
    for side in (8, 12):
        assert explain(found, images(side), method="grad_cam").shape == (2, side, side)


def test_network_that_is_not_built_is_built_first():
    assert explain(Explainer(Written()), images(), method="grad_cam").shape == (2, 8, 8)


def test_scores_that_are_not_finite_are_refused():
    model = network()
    model.layers[-1].set_weights([np.full((4, 2), np.nan), np.zeros(2)])
    with pytest.raises(SightkitError, match="finite"):
        explain(Explainer(model), images(), method="grad_cam")


def test_network_that_gives_a_map_of_classes_is_refused():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3)])
    with pytest.raises(SightkitError, match="a number a class"):
        Explainer(model).scores(images())
    one = keras.Sequential([*network().layers[:-1], layers.Reshape((1, 1, 4))])
    assert Explainer(one).scores(images()).shape == (2, 4)
