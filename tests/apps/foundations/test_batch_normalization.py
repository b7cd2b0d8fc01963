"""Batch normalization: values, gradients, and the moments of prediction."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit.apps.foundations import (
    MovingMoments,
    batch_normalization,
    batch_normalization_backward,
    uneven,
)


@pytest.mark.parametrize("shape", ((7, 3), (2, 4, 5, 3)))
def test_gradients_by_differences_and_by_keras(shape, rng, against_differences, against_keras):
    values = [rng.normal(2, 3, shape), rng.normal(1, 0.5, 3), rng.normal(size=3)]
    upstream = uneven(shape)
    gradients = batch_normalization_backward(upstream, *values[:2])
    against_differences(batch_normalization, values, gradients, upstream)

    def of_keras(x, gamma, beta):
        mean, variance = keras.ops.moments(x, axes=tuple(range(len(shape) - 1)))
        return keras.ops.batch_normalization(
            x, mean, variance, axis=-1, offset=beta, scale=gamma, epsilon=1e-3
        )

    output = batch_normalization(*values)
    against_keras(of_keras, values, output, gradients, upstream)


def test_a_batch_gets_mean_and_deviation(rng):
    x = rng.normal(5, 7, (50, 4))
    gamma, beta = np.arange(1.0, 5), np.arange(4.0)
    out = batch_normalization(x, gamma, beta, epsilon=0)
    assert np.allclose(out.mean(axis=0), beta) and np.allclose(out.std(axis=0), gamma)


def test_a_feature_that_never_changes_is_no_division_by_zero():
    x = np.ones((4, 2))
    assert batch_normalization(x, np.ones(2), np.zeros(2)).tolist() == np.zeros((4, 2)).tolist()
    assert np.isfinite(batch_normalization_backward(uneven((4, 2)), x, np.ones(2))[0]).all()


def test_moving_moments_are_those_of_keras(rng):
    layer = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-3)
    moments = MovingMoments(3)
    for _ in range(5):
        x = rng.normal(2, 3, (20, 3)).astype("float32")
        layer(x, training=True)
        moments.update(x)
    x = rng.normal(2, 3, (4, 3)).astype("float32")
    ours = moments.normalize(x, np.ones(3), np.zeros(3))
    assert ours.dtype == np.float32
    assert np.allclose(ours, keras.ops.convert_to_numpy(layer(x, training=False)), atol=1e-5)
