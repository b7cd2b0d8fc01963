from __future__ import annotations

import math

import cv2
import keras
import numpy as np
import pytest
from keras import layers

from sightkit._errors import SightkitError
from sightkit.apps.explain import Explainer, Regularizers, maximize
from sightkit.apps.explain.maximization import PLAIN, _by_octave, _regularized

SHAPE = (16, 20, 3)


def network() -> keras.Model:
    keras.utils.set_random_seed(2)
    inner = keras.Sequential(
        [keras.Input(SHAPE), layers.Conv2D(5, 3, activation="relu", name="maps")], name="body"
    )
    inputs = keras.Input(SHAPE)
    x = layers.GlobalAveragePooling2D()(inner(inputs))
    outputs = layers.Dense(3, activation="softmax")(x)
    return keras.Model(inputs, outputs)


@pytest.fixture(scope="module")
def explainer():
    return Explainer(network(), class_names=("ant", "bee", "cat"))


@pytest.mark.parametrize("wanted", ({"target": "bee"}, {"target": 2}, {"channel": 4}))
@pytest.mark.parametrize("regularizers", (PLAIN, Regularizers()), ids=("plain", "regularized"))
def test_maximize_raises_the_score(wanted, regularizers, explainer):
    found = maximize(explainer, **wanted, steps=30, rate=0.1, regularizers=regularizers)
    assert found.pixels.shape == SHAPE and found.pixels.dtype == np.float32
    assert found.scores.shape == (30,) and found.scores[-3:].mean() > found.scores[0] + 0.05
    inputs = found.pixels[np.newaxis]
    if "channel" in wanted:
        maps = explainer.activations(inputs, ["maps"])["body/maps"]
        last = maps[0, ..., 4].mean()
    else:
        last = explainer.scores(inputs)[0, {"bee": 1}.get(wanted["target"], 2)]
    assert last > found.scores[0] + 0.05
    assert np.abs(found.pixels).max() <= 1


def test_maximize_is_seeded_and_begins_with_zeros(explainer):
    one, same, other = (maximize(explainer, 0, steps=4, seed=s).pixels for s in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    score = explainer.scores(explainer.blank())[0, 0]
    assert maximize(explainer, 0, steps=1).scores[0] == pytest.approx(score, abs=1e-5)


def test_limits_without_zero_begin_in_their_middle(explainer):
    found = maximize(explainer, 0, steps=3, rate=1e-6, limits=(0.0, 1.0))
    np.testing.assert_allclose(found.pixels, 0.5, atol=1e-4)
    low, high = np.full(SHAPE, -2.0), np.full(SHAPE, 0.5)
    found = maximize(explainer, 0, steps=20, rate=1, limits=(low, high))
    assert -2 <= found.pixels.min() < -0.5 and found.pixels.max() == 0.5


def test_regularizers_do_what_they_are_called_for(rng):
    picture, gradient = rng.normal(size=(2, 16, 16, 3)).astype("float32")
    none = Regularizers(blur=(0, 0))
    assert np.array_equal(_regularized(picture, gradient, none, 0.5), picture)
    blurred = _regularized(picture, gradient, Regularizers(blur=(2, 0)), 0.0)
    np.testing.assert_allclose(blurred, cv2.GaussianBlur(picture, (0, 0), 2), atol=1e-6)
    assert np.array_equal(_regularized(picture, gradient, Regularizers(blur=(2, 0)), 1), picture)
    for name, sizes in (
        ("small_norm", np.linalg.norm(picture, axis=2)),
        ("small_contribution", (picture * gradient).sum(axis=2)),
    ):
        found = _regularized(picture, gradient, Regularizers(blur=(0, 0), **{name: 0.25}), 0)
        zero = (found == 0).all(axis=2)
        assert zero.mean() == pytest.approx(0.25, abs=0.01)
        assert sizes[zero].max() < sizes[~zero].min()
        assert np.array_equal(found[~zero], picture[~zero])


@pytest.mark.parametrize("shape", ((40, 52, 3), (16, 16, 1), (7, 9, 3), (33, 64, 1)))
def test_octaves_have_their_shares(shape, rng):
    coarse = rng.normal(size=(*shape[:2], shape[2])).astype("float32")
    found = _by_octave(coarse)
    assert found.shape == shape and np.isfinite(found).all()
    assert np.isfinite(_by_octave(np.zeros(shape, np.float32))).all()
    # The octaves of noise grow towards the fine ones; here the finest has the smallest share.
    if min(shape[:2]) > 30:
        finest = found - cv2.GaussianBlur(found, (0, 0), 1).reshape(shape)
        before = coarse - cv2.GaussianBlur(coarse, (0, 0), 1).reshape(shape)
        assert finest.std() / found.std() < 0.6 * before.std() / coarse.std()


@pytest.mark.parametrize(
    ("wanted", "message"),
    (
        ({}, "Either a class"),
        ({"target": 1, "channel": 1}, "Either a class"),
        ({"target": 1, "layer": "maps"}, "Either a class"),
        ({"target": 3}, "from 0 to 2"),
        ({"target": "be"}, "nearest are bee"),
        ({"channel": 5, "layer": "maps"}, "0 to 4"),
        ({"channel": -1}, "0 to 4"),
        ({"channel": 0, "layer": "mops"}, "body/maps"),
        ({"target": 0, "steps": 0}, "at least 1"),
        ({"target": 0, "limits": (1, 1)}, "from low to high"),
    ),
)
def test_maximize_refuses_what_there_is_not(wanted, message, explainer):
    with pytest.raises(SightkitError, match=message):
        maximize(explainer, **wanted)


@pytest.mark.parametrize(
    "wrong",
    (
        {"decay": 1},
        {"jitter": math.nan},
        {"small_norm": -0.1},
        {"blur": (-1, 0)},
        {"every": 0},
        {"zoom": 1},
    ),
)
def test_regularizers_out_of_range_are_refused(wrong):
    with pytest.raises(SightkitError, match="shares from 0"):
        Regularizers(**wrong)


def test_blank_inputs_need_a_size():
    model = keras.Sequential([keras.Input((None, None, 3)), layers.GlobalMaxPooling2D()])
    with pytest.raises(SightkitError, match="Give inputs"):
        maximize(Explainer(model), 0)
    found = maximize(Explainer(model), 0, steps=2, inputs=np.ones((1, 9, 9, 3), "float32"))
    assert found.pixels.shape == (9, 9, 3)
