"""Fitting an image into a size: its shape stays, its border goes on."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.io import HDF5DatasetGenerator
from sightkit.preprocessing import PadPreprocessor, Pipeline


@pytest.mark.parametrize(
    ("size", "columns"), [((28, 14), (7, 21)), ((14, 7), (7, 21)), ((56, 29), (7, 21))]
)
def test_pad_keeps_the_shape_and_replicates_the_border(size, columns):
    image = np.zeros((*size, 1), np.uint8)
    image[:, 0], image[:, -1] = 200, 100
    result = PadPreprocessor(28, 28)(image)
    first, last = columns
    assert (result[:, : first - 1] == result[:, :1]).all()  # one colour up to the image
    assert (result[:, last + 1 :] == result[:, -1:]).all()
    assert result[0, 0, 0] > result[0, -1, 0] > 40
    assert (result[:, 12:16] == 0).all()


def test_pad_of_a_fitting_image_is_that_image():
    image = np.random.default_rng(0).integers(0, 256, (28, 28, 3), np.uint8)
    assert (PadPreprocessor(28, 28)(image) == image).all()


def test_pad_of_a_line_has_all_of_it():
    image = np.full((1, 1000, 3), 7, np.uint8)
    assert (PadPreprocessor(10, 10)(image) == 7).all()


def test_pad_refuses_a_size_of_zero():
    with pytest.raises(SightkitError, match="PadPreprocessor"):
        PadPreprocessor(0, 28)


def test_pad_is_the_same_in_the_generator(write_dataset):
    path = write_dataset("data.h5", shape=(8, 6, 3))
    chain = PadPreprocessor(12, 12)
    padded = HDF5DatasetGenerator(path, 4, preprocessors=Pipeline((chain,)))[0][0]
    raw = HDF5DatasetGenerator(path, 4)[0][0]
    alone = np.stack([chain(image) for image in np.asarray(raw)])
    np.testing.assert_array_equal(np.asarray(padded), alone)
