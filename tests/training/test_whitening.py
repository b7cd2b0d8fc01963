from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit import training, zoo
from sightkit._errors import SightkitError
from sightkit.training.whitening import is_whitening


@pytest.fixture
def images(rng):
    """Smooth pictures, so that neighbouring pixels are correlated."""
    coarse = rng.random((64, 5, 5, 3)).astype(np.float32) - 0.4
    return coarse.repeat(4, axis=1).repeat(4, axis=2)


def network(shape=(20, 20, 3)):
    return zoo.CifarNet(shape, 10, filters=(4, 8))


def answers(model, images):
    layer = model.get_layer("whitening")
    return keras.ops.convert_to_numpy(layer(images))


def test_whitened_patches_have_unit_second_moments(images):
    model = network()
    values = training.initialize_whitening(model, images)
    found = answers(model, images).reshape(-1, 24)
    assert (np.diff(values) >= 0).all()
    known = values > 1e-2 * values[-1]  # the others are damped by the epsilon
    assert known.sum() >= 4
    moments = found[:, :12].T @ found[:, :12] / len(found)
    shrunk = values / (values + 5e-4 * images.var())
    np.testing.assert_allclose(moments, np.diag(shrunk), atol=1e-4)
    np.testing.assert_allclose(found[:, 12:], -found[:, :12], atol=1e-5)  # sums in other orders
    raw = np.cov(images[:, 0, :2].reshape(64, -1).T)
    assert np.abs(raw - np.diag(np.diag(raw))).max() > 0.01  # they were correlated


def test_a_whitening_layer_is_known_and_a_random_one_is_not(images):
    model = network()
    layer = model.get_layer("whitening")
    assert not is_whitening(layer)
    training.initialize_whitening(model, images)
    assert is_whitening(layer)
    assert not is_whitening(model.get_layer("logits"))
    layer.kernel.assign(np.zeros(layer.kernel.shape))
    assert not is_whitening(layer)


def test_a_layer_of_another_form_and_constant_images_are_refused(images):
    with pytest.raises(SightkitError, match=r"two filters for each number.*54 filters"):
        training.initialize_whitening(zoo.ShallowNet((20, 20, 3), 3), images, layer="conv1")
    with pytest.raises(SightkitError, match="images of 3 channels"):
        training.initialize_whitening(network(), images[..., :1])
    with pytest.raises(SightkitError, match="differ from a single value"):
        training.initialize_whitening(network(), np.ones_like(images))
