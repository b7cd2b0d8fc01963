from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from sightkit._errors import SightkitError
from sightkit.apps.explain import Explainer

SHAPE = (8, 8, 2)


def body(name: str = "body", activation: str = "relu") -> keras.Model:
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(3, 3, padding="same", activation=activation, name="first")(inputs)
    x = layers.Conv2D(4, 3, strides=2, padding="same", name="second")(x)
    x = layers.BatchNormalization(name="normal")(x)
    return keras.Model(inputs, layers.ReLU(name="last")(x), name=name)


def head(end: str = "softmax") -> list[layers.Layer]:
    return [layers.GlobalAveragePooling2D(), layers.Dense(3, activation=end, name="answer")]


def chain(x, end: str = "softmax"):
    for layer in head(end):
        x = layer(x)
    return x


def functional() -> keras.Model:
    inner = body()
    return keras.Model(inner.inputs[0], chain(inner.outputs[0]))


def nested() -> keras.Model:
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, chain(body()(inputs)))


def sequential_of_models() -> keras.Model:
    return keras.Sequential([keras.Input(SHAPE), body(), keras.Sequential(head(), name="head")])


def deep() -> keras.Model:
    inputs = keras.Input(SHAPE)
    outer = keras.Sequential([keras.Input(SHAPE), body()], name="outer")
    x = layers.Activation("softmax")(layers.Dense(3)(layers.Flatten()(outer(inputs))))
    return keras.Model(inputs, x)


def two_inputs() -> keras.Model:
    inputs = [keras.Input(SHAPE), keras.Input(SHAPE)]
    found = [body("left")(inputs[0]), body("right", "tanh")(inputs[1])]
    return keras.Model(inputs, chain(layers.Concatenate()(found)))


def shared_body() -> keras.Model:
    inputs, inner = [keras.Input(SHAPE), keras.Input(SHAPE)], body()
    return keras.Model(inputs, chain(layers.Subtract()([inner(each) for each in inputs])))


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.inner, (self.pool, self.answer) = body(), head()

    def call(self, x, training=False):
        return self.answer(self.pool(self.inner(x, training=training)))


FORMS = (functional, nested, sequential_of_models, deep, two_inputs, shared_body, Subclassed)
SEVERAL = (two_inputs, shared_body)


def images(form, seed: int = 0, count: int = 3):
    rng = np.random.default_rng(seed)
    several = [rng.normal(size=(count, *SHAPE)).astype("float32") for _ in range(2)]
    return several if form in SEVERAL else several[0]


def explainer(form, **options) -> Explainer:
    keras.utils.set_random_seed(3)
    model = form()
    model(images(form))
    return Explainer(model, **options)


def difference(found: Explainer, given, pixel: tuple[int, ...], target: int, step=1e-2) -> float:
    scores = []
    for sign in (1, -1):
        pixels = found.pixels(given).copy()
        pixels[pixel] += sign * step
        scores.append(found.scores(found.with_pixels(given, pixels))[pixel[0], target])
    return float(scores[0] - scores[1]) / (2 * step)


ABOUT = [(form, about) for form in FORMS for about in (0, 1) if not about or form in SEVERAL]


@pytest.mark.slow
@pytest.mark.parametrize(("form", "about"), ABOUT)
def test_gradients_are_those_of_the_score(form, about):
    found, given = explainer(form, about=about), images(form)
    gradients = found.gradients(given, [2, 0, 1])
    assert gradients.shape == (3, *SHAPE)
    rng = np.random.default_rng(1)
    right = []
    for image, target in enumerate((2, 0, 1)):
        for _ in range(6):
            pixel = (image, *rng.integers(0, SHAPE))
            expected = difference(found, given, pixel, target)
            right.append(np.isclose(gradients[pixel], expected, rtol=2e-2, atol=2e-4))
    assert np.mean(right) > 0.8  # the others cross the kink of a ReLU


@pytest.mark.parametrize("form", FORMS)
def test_scores_are_what_softmax_takes(form):
    found, given = explainer(form), images(form)
    scores = found.scores(given)
    assert np.ptp(scores.sum(axis=1)) > 1e-3  # not probabilities
    expected = keras.ops.softmax(scores)
    np.testing.assert_allclose(found.model.predict_on_batch(given), expected, atol=1e-6)


@pytest.mark.parametrize(("form", "about"), ABOUT)
def test_layer_gradients_are_of_the_call_about_the_input(form, about):
    found, given = explainer(form, about=about), images(form)
    name = ("left/last", "right/last")[about] if form is two_inputs else "last"
    call = found.layer(given, name)
    assert call.path.endswith("last")
    seen, gradients = found.layer_gradients(given, 1, call)
    assert seen.shape == gradients.shape == (3, 4, 4, 4)
    np.testing.assert_allclose(seen, found.activations(given, [name])[call.path], atol=1e-6)
    other = found.with_pixels(given, found.pixels(given) + 0.1)
    moved, _ = found.layer_gradients(other, 1, call)
    assert np.abs(moved - seen).max() > 1e-3
    # Behind the layer all is linear: the score's change is the gradient times that of the layer.
    expected = found.scores(other)[:, 1] - found.scores(given)[:, 1]
    change = np.sum(gradients * (moved - seen), axis=(1, 2, 3))
    np.testing.assert_allclose(change, expected, atol=1e-5)


def test_layer_whose_name_occurs_twice_needs_its_path():
    with pytest.raises(SightkitError, match=r"left/last.*right/last|right/last.*left/last"):
        explainer(two_inputs).layer(images(two_inputs), "last")


def test_layer_by_default_is_the_last_map():
    assert explainer(deep).layer(images(deep)).path == "outer/body/last"


def test_layer_that_is_unknown_names_the_nearest():
    with pytest.raises(SightkitError, match="body/second"):
        explainer(nested).layer(images(nested), "secnd")


def test_layer_of_a_network_without_maps_is_refused():
    model = keras.Sequential([keras.Input((5,)), layers.Dense(3, activation="softmax")])
    with pytest.raises(SightkitError, match="height and width"):
        Explainer(model).layer(np.zeros((1, 5), "float32"))


@pytest.mark.parametrize("target", (3, -1, "cat", 1.5))
def test_targets_out_of_range_are_refused(target):
    found = explainer(nested, class_names=("bird", "car", "dog"))
    with pytest.raises(SightkitError, match="from 0 to 2"):
        found.targets(images(nested), target)


def test_targets_are_names_numbers_or_predictions():
    found, given = explainer(nested, class_names=("bird", "car", "dog")), images(nested)
    assert found.targets(given, "dog").tolist() == [2, 2, 2]
    assert found.targets(given, [0, 1, 2]).tolist() == [0, 1, 2]
    assert (found.targets(given) == found.scores(given).argmax(axis=1)).all()
    with pytest.raises(SightkitError, match="one an image"):
        found.targets(given, [0, 1])


def test_one_output_alone_is_the_second_class():
    inputs = keras.Input(SHAPE)
    x = layers.Flatten()(body()(inputs))
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))
    scores = Explainer(model).scores(images(nested))
    expected = model.predict_on_batch(images(nested))[:, 0]
    np.testing.assert_allclose(1 / (1 + np.exp(scores[:, 0] - scores[:, 1])), expected, atol=1e-6)


def test_explaining_changes_nothing():
    keras.utils.set_random_seed(0)
    model, given = nested(), images(nested)
    before = model.predict_on_batch(given)
    found = Explainer(model)
    found.layer_gradients(given, 0, found.layer(given))
    np.testing.assert_array_equal(model.predict_on_batch(given), before)
    assert all("call" not in vars(layer) for layer in model.layers)


def test_several_outputs_are_refused():
    inputs = keras.Input(SHAPE)
    outputs = [layers.Dense(3)(layers.Flatten()(inputs)) for _ in range(2)]
    model = keras.Model(inputs, outputs)
    with pytest.raises(SightkitError, match="one output"):
        Explainer(model)
