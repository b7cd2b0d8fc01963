from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from sightkit.apps.explain import Explainer

SIDE = 24


def striped_images(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise with stripes in one of four corners, level or upright, which is the class.

    Returns:
        Images, classes, and where the stripes are, bool (N, H, W).
    """
    rng = np.random.default_rng(seed)
    images = rng.normal(0, 0.1, (count, SIDE, SIDE, 1)).astype(np.float32)
    labels, places = np.arange(count) % 2, np.zeros((count, SIDE, SIDE), bool)
    stripes = np.tile([1.0, 1.0, -1.0, -1.0], 2)[:, None].repeat(8, axis=1)
    for image, label, place in zip(images, labels, places, strict=True):
        y, x = rng.choice([2, SIDE - 10], 2)
        image[y : y + 8, x : x + 8, 0] += stripes.T if label else stripes
        place[y : y + 8, x : x + 8] = True
    return images, labels, places


@pytest.fixture(scope="session")
def striped() -> Explainer:
    """A network that tells them apart, nested."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((SIDE, SIDE, 1))
    body = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            layers.Conv2D(8, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(8, 3, padding="same"),
            layers.ReLU(),
        ],
        name="body",
    )
    outputs = layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling2D()(body(inputs)))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    images, labels, _ = striped_images(256)
    model.fit(images, labels, epochs=10, batch_size=32, verbose=0)
    found = Explainer(model, class_names=("level", "upright"))
    images, labels, _ = striped_images(32, seed=1)
    assert (found.targets(images) == labels).all()
    return found
