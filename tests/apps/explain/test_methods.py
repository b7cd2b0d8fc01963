from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from sightkit._errors import SightkitError
from sightkit.apps.explain import (
    METHODS,
    Explainer,
    explain,
    gradient,
    integrated_gradients,
    occlusion,
)
from sightkit.apps.explain.relu_rules import rectify

from .conftest import SIDE, striped_images

QUICK = {"rise": {"masks": 200, "cells": 4}, "smooth_gradient": {"samples": 4}}
IN_PLACE = sorted(set(METHODS) - {"excitatory", "inhibitory"})


@pytest.mark.parametrize("method", IN_PLACE)
def test_methods_find_what_the_class_is_known_by(striped, method):
    images, labels, places = striped_images(6, seed=2)
    if method == "rise":  # what nothing at all is taken for is found whatever is masked
        rows = labels != striped.targets(images[:1] * 0)[0]
        images, labels, places = images[rows], labels[rows], places[rows]
    maps = explain(striped, images, labels, method=method, **QUICK.get(method, {}))
    assert maps.shape == images.shape[:3]
    for found, place in zip(maps, places, strict=True):
        assert found[place].mean() > found[~place].mean() + found.std() / 2


@pytest.mark.parametrize("method", sorted(METHODS))
def test_methods_take_several_inputs(method):
    inputs = [keras.Input((SIDE, SIDE, 1)) for _ in range(2)]
    body = keras.Sequential([layers.Conv2D(4, 5, strides=2, activation="relu"), layers.Flatten()])
    features = layers.Concatenate()([body(each) for each in inputs])
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(features))
    images, _, _ = striped_images(2)
    maps = explain(
        Explainer(model, about=1), [images, images[::-1]], method=method, **QUICK.get(method, {})
    )
    assert maps.shape == (2, SIDE, SIDE)
    assert np.isfinite(maps).all()
    assert np.ptp(maps) > 0


def test_excitatory_and_inhibitory_pixels_are_the_parts_of_the_gradient(striped):
    images, labels, _ = striped_images(2)
    gradient = striped.gradients(images, labels)[..., 0]
    excites = explain(striped, images, labels, method="excitatory")
    inhibits = explain(striped, images, labels, method="inhibitory")
    np.testing.assert_allclose(excites - inhibits, gradient, atol=1e-6)
    assert excites.min() == inhibits.min() == 0


@pytest.mark.parametrize("baseline", (None, 0.3))
def test_integrated_gradients_sum_to_the_difference_of_scores(striped, baseline):
    images, labels, _ = striped_images(6, seed=3)
    start = None if baseline is None else np.full_like(images, baseline)
    maps = explain(striped, images, labels, method="integrated_gradients", baseline=start)
    scores, before = striped.scores(images), striped.scores(images * 0 + (baseline or 0))
    expected = (scores - before)[np.arange(6), labels]
    error = np.abs(maps.sum(axis=(1, 2)) - expected)
    assert (error <= 0.01 * np.maximum(np.abs(expected), 0.1)).all()


@pytest.mark.parametrize(
    ("rule", "expected"), (("guided", [0, 0, 2, 0, 0]), ("deconvolution", [2, 0, 2, 0, 2]))
)
def test_rectify_passes_gradients_by_its_rule(rule, expected):
    from sightkit.training.gradients import differentiate

    weights = keras.ops.convert_to_tensor([2.0, -2.0, 2.0, -2.0, 2.0])

    def scalar(values):
        outputs = rectify(6.0, rule)(values[0])
        return keras.ops.sum(outputs * weights), outputs

    x = keras.ops.convert_to_tensor([-1.0, 1.0, 2.0, 3.0, 8.0])
    _, outputs, (gradient,) = differentiate(scalar, compiled=False)([x])
    assert keras.ops.convert_to_numpy(outputs).tolist() == [0, 1, 2, 3, 6]
    assert keras.ops.convert_to_numpy(gradient).tolist() == expected


@pytest.mark.parametrize("method", ("guided_backpropagation", "deconvolution"))
@pytest.mark.parametrize("layer", (layers.Activation("tanh"), layers.LeakyReLU()))
def test_guided_methods_refuse_what_is_no_relu(method, layer):
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(2, 3), layer, layers.Flatten(), layers.Dense(2)]
    )
    with pytest.raises(SightkitError, match=layer.name):
        explain(Explainer(model), np.ones((1, 8, 8, 1), "float32"), method=method)
    assert all("call" not in vars(each) for each in model.layers)


@pytest.mark.parametrize(
    ("method", "options"),
    (
        ("occlusion", {"window": SIDE + 1}),
        ("occlusion", {"window": 0}),
        ("occlusion", {"stride": 0}),
        ("rise", {"masks": 0}),
        ("rise", {"shown": 1.0}),
        ("smooth_gradient", {"samples": 0}),
        ("smooth_gradient", {"noise": -1.0}),
        ("grad_cam", {"layer": "nothing"}),
        ("gradcam", {}),
    ),
)
def test_bad_options_are_refused(striped, method, options):
    with pytest.raises(SightkitError, match="Received"):
        explain(striped, striped_images(1)[0], method=method, **options)


def test_occlusion_is_the_loss_of_probability(striped):
    images, _, _ = striped_images(1)
    found = explain(striped, images, 0, method="occlusion", window=SIDE // 2, stride=SIDE // 2)
    hidden = images.copy()
    hidden[0, : SIDE // 2, : SIDE // 2] = images.mean()
    whole, less = (striped.model.predict_on_batch(each)[0, 0] for each in (images, hidden))
    np.testing.assert_allclose(found[0, 0, 0], whole - less, atol=1e-5)


def test_arguments_that_a_method_does_not_take_are_named(striped):
    images, _, _ = striped_images(1)
    step = r"takes no further arguments\. .*Leave layer out, or take grad_cam or grad_cam_plus"
    with pytest.raises(SightkitError, match=step):
        explain(striped, images, method="gradient", layer="body")
    with pytest.raises(SightkitError, match=r"masks, cells, shown, seed.*Leave mask out\.$"):
        explain(striped, images, method="rise", mask=5)


@pytest.mark.parametrize("shape", ((5,), (6, 4), (1, 1, 4)))
def test_places_are_marked_on_pictures_alone(shape):
    inputs = keras.Input(shape)
    outputs = layers.Dense(3, activation="softmax")(layers.Flatten()(inputs))
    explainer, given = Explainer(keras.Model(inputs, outputs)), np.ones((2, *shape), np.float32)
    for method in ("occlusion", "rise", "gradient"):
        with pytest.raises(SightkitError, match=r"Places are marked on pictures.*shape=\(2, "):
            explain(explainer, given, method=method)
    with pytest.raises(SightkitError, match="Places are marked"):
        occlusion(explainer, given)
    assert gradient(explainer, given).shape == integrated_gradients(explainer, given).shape


def test_a_number_is_explained_by_what_it_loses(rng):
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, layers.Dense(1)(layers.Flatten()(inputs)))
    kernel = np.abs(rng.normal(size=(64, 1))).astype(np.float32)
    model.set_weights([kernel, np.zeros(1, np.float32)])
    pixels = rng.random((1, 8, 8, 1)).astype(np.float32)
    maps = occlusion(Explainer(model), pixels, 1, window=1, stride=1, fill=0.0)
    np.testing.assert_allclose(maps.ravel(), (pixels.ravel() * kernel.ravel()), rtol=1e-3)
