from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightkit._errors import SightkitError
from sightkit.preprocessing import MeanImagePreprocessor, MeanPreprocessor, from_config


@pytest.fixture
def images(rng) -> np.ndarray:
    return rng.integers(0, 256, (9, 7, 5, 3)).astype(np.uint8)


def test_red_green_and_blue_are_the_channels_in_this_order():
    image = np.full((2, 2, 3), (10, 20, 30), np.uint8)
    result = MeanPreprocessor(1, 2, 3, deviation=(1, 2, 3))(image)
    assert result.dtype == np.float32
    assert result[0, 0].tolist() == [9.0, 9.0, 9.0]


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_every_value_equals_the_formula_in_float32(height, width, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    mean, deviation = rng.random(3) * 255, rng.random(3) * 60 + 1
    expected = image.astype(np.float32) - mean.astype(np.float32)
    assert np.array_equal(MeanPreprocessor.of(mean)(image), expected)
    divided = MeanPreprocessor.of(mean, deviation.tolist())(image)
    assert np.array_equal(divided, expected / deviation.astype(np.float32))


def test_what_is_fitted_has_mean_0_and_deviation_1(images):
    result = MeanPreprocessor.fit(images, deviation=True).batch(images)
    assert np.abs(result.mean(axis=(0, 1, 2))).max() < 1e-6
    assert np.abs(result.std(axis=(0, 1, 2)) - 1).max() < 1e-6
    assert MeanPreprocessor.fit(images).deviation is None


def test_images_of_several_sizes_count_by_their_pixels(images):
    several = [images[0], images[1, :2], images[2, :, :1]]
    pixels = np.concatenate([image.reshape(-1, 3) for image in several]).astype(float)
    fitted = MeanPreprocessor.fit(iter(several), deviation=True)
    assert np.allclose((fitted.red, fitted.green, fitted.blue), pixels.mean(axis=0), atol=1e-12)
    assert np.allclose(fitted.deviation, pixels.std(axis=0), atol=1e-12)


def test_thirty_million_pixels_have_a_deviation():
    """Their sums of squares, times their number, do not fit into 64 bits."""
    image = np.zeros((1000, 1000, 1), np.uint8)
    image[::2] = 255
    fitted = MeanPreprocessor.fit((image for _ in range(30)), deviation=True)
    assert fitted.red == 127.5
    assert fitted.deviation == (127.5,) * 3


def test_batches_and_single_images_may_be_mixed(images):
    assert MeanPreprocessor.fit([images[:4], images[4], images[5:]]) == MeanPreprocessor.fit(images)
    mixed = MeanImagePreprocessor.fit([images[:4], images[4], images[5:]])
    assert mixed == MeanImagePreprocessor.fit(images)


def test_a_grey_mean_takes_grey_images_and_equal_channels(images):
    grey = images[..., :1]
    fitted = MeanPreprocessor.fit(grey, deviation=True)
    assert fitted.red == fitted.green == fitted.blue == pytest.approx(grey.mean())
    assert np.array_equal(fitted.batch(grey)[..., 0], fitted.batch(np.repeat(grey, 3, -1))[..., 1])
    for uneven in (MeanPreprocessor(1, 2, 3), MeanPreprocessor(1, 1, 1, (1, 1, 2))):
        with pytest.raises(SightkitError, match="3 channel"):
            uneven(grey[0])


@pytest.mark.parametrize("kind", (MeanPreprocessor, MeanImagePreprocessor))
def test_it_is_fitted_on_the_training_split_alone(kind, write_dataset: Callable[..., Path]):
    from sightkit.io import HDF5DatasetGenerator

    path = write_dataset(train=300, validation=20, shape=(8, 6, 3))
    generator = HDF5DatasetGenerator(path, 7, shuffle=True)
    assert kind.fit(generator) == kind.fit(generator.images(slice(None)))
    if kind is MeanPreprocessor:
        assert kind.fit(generator) == kind.of(generator.file.mean)
    with pytest.raises(SightkitError, match=r"training split alone.*split='validation'"):
        kind.fit(HDF5DatasetGenerator(path, 7, split="validation"))


@pytest.mark.parametrize("kind", (MeanPreprocessor, MeanImagePreprocessor))
def test_no_images_and_floats_cannot_be_fitted(kind, images):
    with pytest.raises(SightkitError, match="at least one image"):
        kind.fit([])
    with pytest.raises(SightkitError, match="dtype=float32"):
        kind.fit(images.astype(np.float32))


def test_channels_without_deviation_are_refused():
    with pytest.raises(SightkitError, match=r"three positive numbers.*Leave it out"):
        MeanPreprocessor.fit(np.full((2, 3, 3, 3), 5, np.uint8), deviation=True)
    with pytest.raises(SightkitError, match="mean must be"):
        MeanPreprocessor.of((1.0, 2.0))


@given(st.tuples(*[st.floats(-300, 300)] * 3), st.none() | st.tuples(*[st.floats(1e-3, 300)] * 3))
def test_any_mean_survives_json(mean, deviation):
    preprocessor = MeanPreprocessor(*mean, deviation)
    assert from_config(preprocessor.to_config()) == preprocessor


def test_a_mean_image_is_subtracted_pixel_by_pixel(images):
    fitted = MeanImagePreprocessor.fit(images)
    assert np.allclose(fitted.mean, images.mean(axis=0), rtol=1e-6)
    assert np.array_equal(fitted.batch(images), images.astype(np.float32) - fitted.mean)
    assert not fitted.mean.flags.writeable


def test_images_of_another_size_than_the_mean_image_are_refused(images):
    fitted = MeanImagePreprocessor.fit(images)
    for call, wrong in ((fitted, images[0, 1:]), (fitted.batch, images[..., :1])):
        with pytest.raises(SightkitError, match=r"\(7, 5, 3\).*Received: shape="):
            call(wrong)
    with pytest.raises(SightkitError, match="one size"):
        MeanImagePreprocessor.fit([images[0], images[0, 1:]])


@pytest.mark.parametrize("pixels", ("", "AAAA", "not base64!", None, 5))
def test_pixels_that_are_no_mean_image_are_refused(pixels):
    with pytest.raises(SightkitError, match="base64"):
        MeanImagePreprocessor(2, 2, 1, pixels)
    with pytest.raises(SightkitError, match="numbers alone"):
        MeanImagePreprocessor.of(np.full((2, 2, 1), np.nan))
