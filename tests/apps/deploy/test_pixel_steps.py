"""What preprocessing a network begins with is found by what the steps do to pixels."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit import preprocessing as steps
from sightkit.apps.deploy.pixel_steps import split_steps
from sightkit.preprocessing import Pipeline, Preprocessor

IMAGE = np.random.default_rng(5).integers(0, 256, (9, 7, 3), np.uint8)
FLOATS = steps.ImageToArrayPreprocessor()
RESIZE = steps.SimplePreprocessor(4, 4)
MEAN = steps.MeanPreprocessor(120.0, 110.0, 100.0, (60.0, 50.0, 40.0))
MEAN_IMAGE = steps.MeanImagePreprocessor.of(np.arange(48, dtype=np.float32).reshape(4, 4, 3))


class Halved(Preprocessor):
    """A step of one's own."""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        return image.astype(np.float32)[..., ::-1] / 2 - 1


class Squared(Preprocessor):
    """A step that is no multiply-add."""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        return image.astype(np.float32) ** 2 / 255


@pytest.mark.parametrize(
    ("chain", "stay"),
    [
        ([RESIZE, FLOATS], 1),
        ([steps.ColourPreprocessor(), RESIZE, FLOATS], 2),
        ([RESIZE, steps.ColourPreprocessor(), FLOATS], 2),  # for grey images, so it stays
        ([RESIZE, MEAN], 1),
        ([RESIZE, MEAN_IMAGE], 1),
        ([RESIZE, FLOATS, MEAN, steps.BGRPreprocessor()], 1),
        ([RESIZE, steps.GrayscalePreprocessor(), FLOATS], 2),  # it rounds
        ([FLOATS, RESIZE], 2),
        ([RESIZE, Halved()], 1),
        ([RESIZE, Squared()], 2),
        ([RESIZE, Squared(), FLOATS], 2),
        ([RESIZE], 1),
        ([], 0),
    ],
)
def test_steps_are_divided(chain, stay):
    before, inside = split_steps(chain, IMAGE)
    assert before == tuple(chain[:stay])
    wanted = Pipeline(chain)(IMAGE).astype(np.float32)
    found = Pipeline(before)(IMAGE).astype(np.float32) @ inside.matrix + inside.offset
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("last", [FLOATS, MEAN, MEAN_IMAGE, steps.BGRPreprocessor(), Halved()])
def test_keras_computes_the_same(last):
    import keras

    _, inside = split_steps([RESIZE, last], IMAGE)
    given = RESIZE(IMAGE)[np.newaxis].astype(np.float32)
    images = keras.Input(given.shape[1:])
    found = keras.Model(images, inside(images))(given)
    np.testing.assert_allclose(np.asarray(found)[0], last(RESIZE(IMAGE)), rtol=1e-5, atol=1e-5)
