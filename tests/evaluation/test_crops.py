"""Ten crops and flips in one pass: what is cut, what is averaged, how much is held at once."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.evaluation import average_views, evaluate, images_a_batch, with_views
from sightkit.io import HDF5DatasetGenerator
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    CropPreprocessor,
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    MeanPreprocessor,
    MirrorPreprocessor,
    Pipeline,
    SimplePreprocessor,
)

TO_ARRAY, MEAN = ImageToArrayPreprocessor(), MeanPreprocessor(1, 2, 3)


def names(chain):
    return [type(step).__name__.removesuffix("Preprocessor") for step in chain.steps]


class Network:
    """Answers by what is in the middle of an image; remembers how much it was given."""

    batch_size = 20

    def __init__(self):
        self.given = []

    def __call__(self, images):
        self.given.append(images.shape)
        bright = images.mean(axis=(1, 2, 3))
        left = images[:, :, : images.shape[2] // 2].mean(axis=(1, 2, 3))
        scores = np.stack([bright, 2 * left, 1 - bright], axis=1)
        return (scores / scores.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("views", (2, 5, 10))
def test_a_pass_says_the_mean_of_what_is_said_of_each_view_alone(views, write_dataset):
    path = write_dataset(shape=(12, 12, 3), train=5, test=23)
    chain = with_views(Pipeline((TO_ARRAY,)), (9, 9) if views > 2 else (12, 12), views,
                       stored=(12, 12))  # fmt: skip
    network = Network()
    data = HDF5DatasetGenerator(
        path, images_a_batch(network, views, (9, 9)), split="test", preprocessors=chain
    )
    found = evaluate(average_views(network), data)
    if views > 2:
        cut = CropPreprocessor(9, 9, mirrors=views == 10)
    else:
        cut = MirrorPreprocessor()
    for image, answer in zip(data.images(slice(None)), found.probabilities, strict=True):
        alone = [network(TO_ARRAY(view)[np.newaxis])[0] for view in cut(image)]
        np.testing.assert_allclose(answer, np.mean(alone, axis=0), rtol=1e-5)
    assert max(shape[0] for shape in network.given) <= network.batch_size
    assert network.given[0][0] == network.batch_size // views * views


def test_images_without_views_are_answered_as_before(rng):
    images, network = rng.random((3, 8, 8, 3), dtype=np.float32), Network()
    np.testing.assert_array_equal(average_views(network)(images), network(images))


def test_rows_somewhat_larger_than_the_input_are_cut_as_they_are():
    chain = with_views(Pipeline((SimplePreprocessor(227, 227), TO_ARRAY)), (227, 227), 10,
                       stored=(256, 256))  # fmt: skip
    assert chain.steps == (CropPreprocessor(227, 227), TO_ARRAY)


@pytest.mark.parametrize("stored", (None, (28, 28), (512, 512), (256, 20)))
def test_other_images_are_made_larger_than_the_crop_first(stored):
    chain = with_views(Pipeline((SimplePreprocessor(28, 28), TO_ARRAY)), (28, 28), 5, stored=stored)
    assert chain.steps == (SimplePreprocessor(32, 32), CropPreprocessor(28, 28, False), TO_ARRAY)
    rows = with_views(Pipeline((TO_ARRAY, MEAN)), (28, 28), 10, stored=(28, 28))
    assert rows.steps == (SimplePreprocessor(32, 32), CropPreprocessor(28, 28), TO_ARRAY, MEAN)


@pytest.mark.parametrize(("share", "side"), ((0.875, 256), (0.7, 320), (1.0, 256)))
def test_a_centre_crop_becomes_the_image_that_it_was_cut_from(share, side):
    step = AspectAwarePreprocessor(224, 224, crop=share)
    chain = with_views(Pipeline((GrayscalePreprocessor(), step, TO_ARRAY)), (224, 224), 10)
    assert chain.steps[1] == AspectAwarePreprocessor(side, side)
    photo = np.random.default_rng(0).integers(0, 256, (300, 500, 3)).astype(np.uint8)
    assert chain(photo).shape == (10, 224, 224, 1)


def test_the_last_resize_counts_and_steps_around_it_stay():
    inner = Pipeline((GrayscalePreprocessor(), AspectAwarePreprocessor(256, 256)))
    chain = with_views(Pipeline((inner, SimplePreprocessor(227, 227), TO_ARRAY)), (227, 227), 10)
    assert names(chain) == ["Grayscale", "AspectAware", "Crop", "ImageToArray"]
    assert names(with_views(chain_of := Pipeline((inner, TO_ARRAY)), (256, 256), 2)) == [
        "Grayscale",
        "AspectAware",
        "Mirror",
        "ImageToArray",
    ]
    assert names(with_views(chain_of, (256, 256), 1)) == [
        "Grayscale",
        "AspectAware",
        "ImageToArray",
    ]


def test_a_network_that_is_not_square_gets_crops_of_its_shape():
    chain = with_views(Pipeline((SimplePreprocessor(40, 20), TO_ARRAY)), (20, 40), 10)
    assert chain(np.zeros((9, 9, 3), np.uint8)).shape == (10, 20, 40, 3)


@pytest.mark.parametrize(
    ("chain", "views"), ((Pipeline((TO_ARRAY,)), 3), (Pipeline((CropPreprocessor(4, 4),)), 10))
)
def test_with_views_refuses_other_numbers_of_views(chain, views):
    with pytest.raises(SightkitError, match="1, 2, 5, 10 views"):
        with_views(chain, (4, 4), views)


def test_a_batch_of_views_fills_the_networks_batch():
    network = Network()
    small = [images_a_batch(network, views, (32, 32)) for views in (1, 2, 10, 50)]
    assert small == [20, 10, 2, 1]
    network.batch_size = 256
    assert images_a_batch(network, 10, (224, 224)) == 5  # 32 MiB of floats, not 150


def test_only_what_the_first_view_leaves_unsure_is_looked_at_again(rng):
    stacks = rng.random((40, 3, 4, 4, 1)).astype(np.float32)
    seen = []

    def predictor(images):
        seen.append(len(images))
        first = images.mean(axis=(1, 2, 3))
        return np.stack([first, 1 - first], axis=1)

    every = average_views(predictor)(stacks)
    seen.clear()
    found = average_views(predictor, sure=0.55)(stacks)
    alone = predictor(stacks[:, 0])
    unsure = alone.max(axis=1) < 0.55
    assert 0 < unsure.sum() < 40
    assert seen[:2] == [40, 2 * unsure.sum()]
    np.testing.assert_allclose(found[unsure], every[unsure], rtol=1e-5)
    np.testing.assert_array_equal(found[~unsure], alone[~unsure])
    np.testing.assert_array_equal(average_views(predictor, sure=0.0)(stacks), alone)
