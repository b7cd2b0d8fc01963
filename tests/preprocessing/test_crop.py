from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightkit._errors import SightkitError
from sightkit.preprocessing import (
    CropPreprocessor,
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    MeanPreprocessor,
    MirrorPreprocessor,
    Pipeline,
    RandomPipeline,
    SimplePreprocessor,
    from_config,
)


def test_corners_centre_and_mirrors_come_in_their_order(rng):
    image = rng.integers(0, 256, (10, 13, 3)).astype(np.uint8)
    crops = CropPreprocessor(4, 3)(image)
    expected = [image[:3, :4], image[:3, 9:], image[7:, 9:], image[7:, :4], image[3:6, 4:8]]
    assert crops.shape == (10, 3, 4, 3)
    assert crops.dtype == np.uint8
    assert np.array_equal(crops[:5], np.stack(expected))
    assert np.array_equal(crops[5:], np.stack(expected)[:, :, ::-1])


def test_without_mirrors_there_are_five(photo):
    crops = CropPreprocessor(20, 10, mirrors=False)(photo)
    assert np.array_equal(crops, CropPreprocessor(20, 10)(photo)[:5])


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 9), st.integers(0, 9))
def test_the_centre_is_as_large_as_asked_for_and_in_the_middle(height, width, down, right):
    """The reference's was a pixel too large where the remainder is odd, and resampled."""
    rows, columns = np.mgrid[0 : height + down, 0 : width + right]
    image = np.stack([rows, columns, rows], axis=-1).astype(np.uint8)
    centre = CropPreprocessor(width, height)(image)[4]
    assert centre.shape == (height, width, 3)
    assert centre[0, 0].tolist()[:2] == [down // 2, right // 2]


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 4), st.integers(0, 4))
def test_a_mirrored_image_has_the_same_ten_crops(height, width, down, right):
    """Krizhevsky's ten are closed under the mirror, where the centre can lie in the middle."""
    shape = (height + down, width + 2 * right, 3)
    image = np.random.default_rng(height).integers(0, 256, shape, np.uint8)
    crops = CropPreprocessor(width, height)
    assert sorted(crop.tobytes() for crop in crops(image)) == sorted(
        crop.tobytes() for crop in crops(image[:, ::-1])
    )


def test_in_a_pipeline_the_steps_after_it_see_every_crop(photo, rng):
    mean, to_array = MeanPreprocessor(10, 20, 30), ImageToArrayPreprocessor(0.5)
    chain = Pipeline((SimplePreprocessor(30, 24), CropPreprocessor(12, 10), mean, to_array))
    crops = CropPreprocessor(12, 10)(SimplePreprocessor(30, 24)(photo))
    expected = np.stack([to_array(mean(crop)) for crop in crops])
    assert np.array_equal(chain(photo), expected)
    images = rng.integers(0, 256, (7, 48, 64, 3)).astype(np.uint8)
    assert np.array_equal(chain.batch(images), np.stack([chain(image) for image in images]))
    assert np.array_equal(chain.batch(list(images)), chain.batch(images))
    assert from_config(chain.to_config()) == chain


def test_a_chain_with_crops_inside_a_chain(photo, rng):
    inner = Pipeline((CropPreprocessor(12, 10), GrayscalePreprocessor()))
    outer = Pipeline((inner, ImageToArrayPreprocessor()))
    images = rng.integers(0, 256, (3, 48, 64, 3)).astype(np.uint8)
    assert inner.crops
    assert outer.crops
    assert outer(photo).shape == (10, 10, 12, 1)
    assert np.array_equal(outer.batch(images), np.stack([outer(image) for image in images]))


def test_a_pipeline_crops_once_and_a_random_one_not_at_all():
    crop = CropPreprocessor(4, 4)
    with pytest.raises(SightkitError, match="once"):
        Pipeline((crop, CropPreprocessor(2, 2)))
    with pytest.raises(SightkitError, match="one image of one"):
        RandomPipeline((crop,))


@pytest.mark.parametrize("shape", ((5, 20), (20, 6)))
def test_an_image_smaller_than_a_crop_is_refused(shape):
    for images in (np.zeros((*shape, 3), np.uint8), np.zeros((2, *shape, 3), np.uint8)):
        crop = CropPreprocessor(7, 6)
        with pytest.raises(SightkitError, match="Resize it first"):
            crop(images) if images.ndim == 3 else crop.batch(images)


def test_left_and_right_are_exchanged_and_nothing_else(photo):
    both = MirrorPreprocessor()(photo)
    np.testing.assert_array_equal(both[0], photo)
    np.testing.assert_array_equal(both[1], photo[:, ::-1])


def test_steps_after_it_see_two_images(photo):
    chain = Pipeline((MirrorPreprocessor(), ImageToArrayPreprocessor()))
    found = chain.batch(np.stack([photo, photo]))
    assert found.shape == (2, 2, *photo.shape)
    np.testing.assert_array_equal(found[1], chain(photo))
