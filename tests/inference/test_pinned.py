"""A pinned engine answers from first to last, or says why it does not."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit import inference, zoo
from sightkit._errors import SightkitError


@pytest.fixture
def network(shaken):
    return shaken(zoo.MiniVGGNet((8, 8, 3), 3))


def test_each_keeps_its_engine_whatever_the_predictor_does(network, images_for):
    predict = inference.compile(network)
    images = images_for(network, 9)
    expected = network.predict_on_batch(images)
    by_keras, by_engine = predict.pinned(), predict.pinned(images)
    assert (by_keras.engine, by_keras.precision) == ("keras", "float32")
    assert by_engine.engine == predict.engine != "keras"
    assert by_engine.precision == "float32"
    np.testing.assert_array_equal(by_keras(images), expected)
    np.testing.assert_array_equal(by_engine(images), predict(images))
    predict._fall_back(predict._engine, "a test")
    np.testing.assert_allclose(by_engine(images), expected, atol=1e-5)
    assert by_engine(images[:0]).shape == by_keras(images[:0]).shape == (0, 3)
    for pinned in (by_keras, by_engine):
        with pytest.raises(SightkitError, match="shape"):
            pinned(np.zeros((2, 12, 12, 3), np.float32))


def test_an_engine_does_not_follow_later_weights(network, images_for):
    images = images_for(network)
    pinned = inference.compile(network).pinned(images)
    before = pinned(images)
    network.weights[0].assign(network.weights[0] * 2)
    np.testing.assert_array_equal(pinned(images), before)


def test_an_engine_that_is_not_trusted_leaves_keras(network, images_for, capsys):
    images = images_for(network)
    pinned = inference.compile(network, "bfloat16").pinned(images)  # nothing to judge it on
    assert (pinned.engine, pinned.precision) == ("keras", "float32")
    np.testing.assert_array_equal(pinned(images), network.predict_on_batch(images))
    assert "real images" in capsys.readouterr().err
