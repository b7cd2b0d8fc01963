"""Hinge losses, by hand and by a loop."""

import keras
import numpy as np
import pytest

from sightkit import training


def test_hinges_of_the_books_example():
    """Scores of a cat, a car and a frog: 2.9, 0 and 12.9."""
    scores = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]], np.float32)
    found = training.multiclass_hinge(np.array([0, 1, 2]), scores)
    np.testing.assert_allclose(found, [2.9, 0.0, 12.9], rtol=1e-5)
    squared = training.squared_multiclass_hinge(np.array([[0], [1], [2]]), scores)
    np.testing.assert_allclose(squared, [2.9**2, 0.0, 6.3**2 + 6.6**2], rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "loss", (training.multiclass_hinge, training.squared_multiclass_hinge), ids=("hinge", "squared")
)
def test_a_network_learns_by_them(loss):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 90)
    samples = (np.eye(3)[labels] + rng.normal(0, 0.1, (90, 3))).astype(np.float32)
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
    network.compile(keras.optimizers.SGD(0.1), loss)
    network.fit(samples, labels, epochs=20, verbose=0)
    assert (network.predict_on_batch(samples).argmax(1) == labels).all()
