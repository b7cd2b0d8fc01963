from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightkit._errors import SightkitError
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    Augment,
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    PatchPreprocessor,
    Pipeline,
    RandomPipeline,
    SimplePreprocessor,
    from_config,
)


def test_the_steps_are_taken_in_order(photo):
    to_grey, shrink = GrayscalePreprocessor(), SimplePreprocessor(16, 12)
    chain = Pipeline((to_grey, shrink, ImageToArrayPreprocessor()))
    expected = ImageToArrayPreprocessor()(shrink(to_grey(photo)))
    assert np.array_equal(chain(photo), expected)


def test_another_order_is_another_chain(photo):
    first, second = SimplePreprocessor(5, 5), SimplePreprocessor(8, 8)
    assert Pipeline((first, second))(photo).shape == (8, 8, 3)
    assert Pipeline((second, first))(photo).shape == (5, 5, 3)
    assert Pipeline((first, second)) != Pipeline((second, first))


def test_no_steps_change_nothing(photo):
    assert np.array_equal(Pipeline()(photo), photo)
    assert np.array_equal(Pipeline().batch(photo[np.newaxis]), photo[np.newaxis])


def test_any_iterable_gives_the_steps_once():
    chain = Pipeline(step for step in (GrayscalePreprocessor(), SimplePreprocessor(2, 2)))
    assert len(chain.steps) == 2
    assert isinstance(chain.steps, tuple)


def test_a_chain_may_hold_a_chain(photo):
    nested = Pipeline((Pipeline((GrayscalePreprocessor(),)), SimplePreprocessor(6, 6)))
    again = from_config(nested.to_config())
    assert again == nested
    assert np.array_equal(again(photo), nested(photo))


@pytest.mark.parametrize("step", (Augment(), Augment(rotation=5), np.negative, None, "Pipeline"))
def test_a_random_step_and_what_is_no_preprocessor_are_refused(step):
    with pytest.raises(SightkitError, match="augment="):
        Pipeline((GrayscalePreprocessor(), step))


def test_the_steps_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Pipeline().steps = (GrayscalePreprocessor(),)


def test_a_config_of_a_chain_with_a_random_step_is_refused():
    config = {"name": "Pipeline", "steps": [Augment().to_config()]}
    with pytest.raises(SightkitError, match="random"):
        from_config(config)


@pytest.mark.parametrize("fields", ({}, {"step": []}, {"steps": [], "nonsense": 1}))
def test_a_config_without_steps_or_of_unknown_fields_is_refused(fields):
    with pytest.raises(SightkitError):
        from_config({"name": "Pipeline", **fields})


PATCHES = RandomPipeline(
    (AspectAwarePreprocessor(20, 16), Augment(horizontal_flip=True), PatchPreprocessor(12, 10))
)


def test_a_random_pipeline_draws_in_the_order_of_its_steps(photo):
    rng = np.random.default_rng(3)
    image = AspectAwarePreprocessor(20, 16)(photo)
    expected = PatchPreprocessor(12, 10)(Augment(horizontal_flip=True)(image, rng), rng)
    assert np.array_equal(PATCHES(photo, np.random.default_rng(3)), expected)


@given(st.integers(1, 40), st.integers(10, 200), st.integers(10, 200))
@settings(max_examples=15)
def test_a_batch_in_parts_equals_image_by_image(count, height, width):
    rng = np.random.default_rng(count)
    images = rng.integers(0, 256, (count, height, width, 3), np.uint8)
    chain = Pipeline((*PATCHES.steps[:1], ImageToArrayPreprocessor()))
    assert np.array_equal(chain.batch(images), np.stack([chain(image) for image in images]))
    rngs = [np.random.default_rng(index) for index in range(count)]
    alone = [PATCHES(image, np.random.default_rng(i)) for i, image in enumerate(images)]
    assert np.array_equal(PATCHES.batch(images, rngs), np.stack(alone))


def test_a_random_pipeline_is_the_augmentation_of_a_generator(write_dataset):
    from sightkit.io import HDF5DatasetGenerator, sample_rng

    path = write_dataset(train=7, shape=(24, 24, 3))
    generator = HDF5DatasetGenerator(path, 7, augment=PATCHES, seed=4)
    raw, x = generator.images(slice(None)), generator[0][0]
    rngs = [sample_rng(4, 0, row) for row in range(7)]
    assert x.shape == (7, 10, 12, 3)
    assert np.array_equal(x, PATCHES.batch(raw, rngs))


@pytest.mark.parametrize("step", (np.negative, None, "Augment"))
def test_what_is_no_preprocessor_is_refused_in_a_random_pipeline(step):
    with pytest.raises(SightkitError, match="preprocessors"):
        RandomPipeline((Augment(), step))
