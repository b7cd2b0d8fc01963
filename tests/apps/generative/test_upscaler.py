"""Upscalers: tiles without seams, photos of all kinds, bundles."""

from __future__ import annotations

import cv2
import keras
import numpy as np
import pytest

from sightkit import io, training, zoo
from sightkit._errors import SightkitError
from sightkit.apps import generative
from sightkit.apps.generative.upscaler_run import sharpen_filters
from sightkit.apps.generative.upscaler_setup import UpscalerSetup

NETWORKS = {
    "srcnn": (2, (20, 20, 3)),
    "srcnn_paper": (3, (20, 20, 1)),
    "subpixel_x2": (2, (20, 20, 1)),
    "subpixel_x4": (4, (20, 20, 1)),
}


def network_of(name):
    """A network that does more than bicubic: its last kernels are not small."""
    keras.utils.set_random_seed(4)
    network = zoo.build(name, input_shape=NETWORKS[name][1])
    for weight in network.trainable_weights:
        if weight.path.startswith(("conv3", "conv5")) and "kernel" in weight.path:
            shape = weight.shape
            weight.assign(np.random.default_rng(0).normal(0, 0.05, shape).astype("float32"))
    return network


@pytest.fixture(scope="module")
def upscaler():
    return generative.upscaler_of(network_of("subpixel_x2"), 2, tile=16)


@pytest.fixture(scope="module")
def bicubic():
    return generative.upscaler_of(zoo.build("subpixel_x2", input_shape=(20, 20, 1)), 2, tile=16)


@pytest.fixture
def photo():
    return np.random.default_rng(2).integers(0, 256, (37, 21, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", NETWORKS)
def test_tiles_equal_the_picture_at_once(name):
    factor, (_, _, channels) = NETWORKS[name]
    network = network_of(name)
    planes = np.random.default_rng(1).random((37, 21, channels))
    whole, tiled = (
        generative.upscaler_of(network, factor, tile=side).enlarge_planes(planes)
        for side in (40, 8)
    )
    assert tiled.shape == (37 * factor, 21 * factor, channels)
    np.testing.assert_allclose(tiled, whole, atol=1e-5)
    bicubic = generative.imresize(planes, (37 * factor, 21 * factor))
    assert np.abs(tiled - bicubic).mean() > 0.01


@pytest.mark.parametrize("name", ("srcnn_paper", "subpixel_x2"))
def test_untrained_it_enlarges_bicubically(name, photo):
    options = {"initializer": "dirac"} if name == "srcnn_paper" else {}
    network = zoo.build(name, input_shape=(20, 20, 1), **options)
    for layer in network.layers:
        if layer.name == "conv5":
            layer.set_weights([0 * weight for weight in layer.get_weights()])
    upscaler = generative.upscaler_of(network, 2, tile=16)
    (large,) = upscaler.predict(photo)
    expected = generative.imresize(photo, (74, 42)).clip(0, 255)
    assert large.dtype == np.uint8
    inner = np.abs(large - expected)[(expected > 3).all(axis=2) & (expected < 252).all(axis=2)]
    assert inner.max() < 0.51


def test_sharpened_filters_see_differences_and_pass_on_the_input():
    network = zoo.build("srcnn", input_shape=(20, 20, 3), initializer="dirac")
    before = network.get_layer("conv1").get_weights()[0]
    sharpen_filters(network)
    kernel = network.get_layer("conv1").get_weights()[0]
    np.testing.assert_array_equal(kernel[..., :3], before[..., :3])
    np.testing.assert_allclose(kernel[..., 3:].sum(axis=(0, 1, 2)), 0, atol=1e-4)
    assert kernel[..., 3:].std() > 4 * before[..., 3:].std()
    x = np.random.default_rng(0).random((1, 20, 20, 3), dtype=np.float32)
    np.testing.assert_allclose(network(x), x[:, 6:-6, 6:-6], atol=1e-5)


def test_a_grey_photo_stays_grey(upscaler, photo):
    grey = photo[..., :1]
    (large,) = upscaler.predict(grey)
    assert (large.shape, large.dtype) == ((74, 42, 1), np.uint8)
    (colour,) = upscaler.predict(np.repeat(grey, 3, axis=2))
    assert np.abs(colour.astype(int) - large).max() <= 1


@pytest.mark.parametrize("size", ((1, 1), (1, 40), (3, 2)))
def test_tiny_photos_are_enlarged(upscaler, photo, size):
    (large,) = upscaler.predict(np.resize(photo, (*size, 3)))
    assert large.shape == (2 * size[0], 2 * size[1], 3)


def test_alpha_is_composited_on_white(upscaler, tmp_path):
    path = tmp_path / "alpha.png"
    pixels = np.zeros((20, 20, 4), np.uint8)
    pixels[:10, :, 3] = 255  # black above, nothing below
    cv2.imwrite(str(path), pixels)
    (large,) = upscaler.predict(path)
    np.testing.assert_array_equal(large, upscaler.predict(io.read_image(path))[0])
    assert large[:8].mean() < 40 and large[-8:].mean() > 215


def test_a_huge_photo_is_refused_before_any_work(upscaler):
    huge = np.broadcast_to(np.uint8(0), (6000, 6000, 3))
    with pytest.raises(SightkitError, match="100,000,000 pixels at most"):
        upscaler.predict([huge])


def test_a_factor_it_was_not_trained_for_is_refused(upscaler, photo):
    with pytest.raises(SightkitError, match=r"Enlarge by 2, or train.*--factor 3"):
        upscaler.predict(photo, factor=3)
    with pytest.raises(SightkitError, match=r"Enlarge by 2\.$"):
        upscaler.predict(photo, factor=7)
    assert upscaler.predict(photo, factor=2)[0].shape == (74, 42, 3)
    with pytest.raises(SightkitError, match="built for"):
        generative.upscaler_of(network_of("subpixel_x2"), 3)
    with pytest.raises(SightkitError, match="valid convolutions"):
        UpscalerSetup.of(zoo.origin(zoo.build("lenet", input_shape=(28, 28, 1), classes=3)), 2)


def test_arrays_that_are_no_photos_are_refused(upscaler, photo):
    for wrong in (photo / 255, photo[..., 0], np.dstack([photo, photo[..., :1]])):
        with pytest.raises(SightkitError, match="uint8"):
            upscaler.predict([wrong])


@pytest.fixture
def bundle(photo, tmp_path):
    return generative.save_upscaler(tmp_path / "bundle", network_of("srcnn"), 2, photo)


def test_a_bundle_enlarges_as_the_network_did(bundle, photo):
    loaded = generative.load_upscaler(bundle, tile=16)
    expected = generative.upscaler_of(network_of("srcnn"), 2, tile=32).predict(photo)[0]
    assert np.abs(loaded.predict(photo)[0].astype(int) - expected).max() <= 1
    assert (loaded.factor, str(loaded)) == (2, "<UpscalerBundle srcnn, x2>")
    assert loaded.network.count_params() == loaded.description["parameters"] == 20_099


def test_a_bundle_that_changed_is_refused(bundle, monkeypatch):
    inputs = UpscalerSetup.inputs
    monkeypatch.setattr(UpscalerSetup, "inputs", lambda self, x: inputs(self, x) * 0.99)
    with pytest.raises(SightkitError, match="as it did when it was saved"):
        generative.load_upscaler(bundle)
    monkeypatch.setattr(UpscalerSetup, "inputs", lambda self, x: inputs(self, x[..., ::-1]))
    with pytest.raises(SightkitError, match="as it did when it was saved"):
        generative.load_upscaler(bundle)
    monkeypatch.undo()
    generative.load_upscaler(bundle)
    weights = bundle / "model.weights.h5"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(SightkitError, match="not the file that was saved"):
        generative.load_upscaler(bundle)


@pytest.mark.slow
def test_other_loaders_name_what_loads_it(bundle):
    with pytest.raises(SightkitError, match=r"an upscaler.*upscale\.py"):
        training.load_bundle(bundle)
