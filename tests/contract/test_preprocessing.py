"""What holds for every preprocessor there is: a new one is tested by existing."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sightkit import preprocessing
from sightkit._errors import SightkitError
from sightkit.preprocessing import (
    Augment,
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    Pipeline,
    Preprocessor,
    RandomPreprocessor,
    SimplePreprocessor,
    from_config,
)

# Arguments for those that cannot be made without, or are too tame without.
ARGUMENTS = {
    "SimplePreprocessor": {"width": 7, "height": 5},
    "Augment": {
        "rotation": 20,
        "translation": 0.1,
        "shear": 10,
        "zoom": 0.2,
        "horizontal_flip": True,
        "brightness": 0.2,
        "contrast": 0.2,
        "border": "reflect",
    },
    "AspectAwarePreprocessor": {"width": 7, "height": 5},
    "MeanPreprocessor": {"red": 120.5, "green": 110.0, "blue": 100.25},
    "Pipeline": {
        "steps": (GrayscalePreprocessor(), SimplePreprocessor(9, 4), ImageToArrayPreprocessor(0.5))
    },
}
# Those that speak of red, green and blue take no grey image.
CHANNELS = {"BGRPreprocessor": (3,), "MeanPreprocessor": (3,)}
ABSTRACT = {"RandomPreprocessor"}
NAMES = sorted(
    name
    for name, kind in Preprocessor.kinds.items()
    if name not in ABSTRACT and kind.__module__.startswith("sightkit.preprocessing")
)
NAMES_AND_CHANNELS = [(name, n) for name in NAMES for n in CHANNELS.get(name, (1, 3))]
NOT_IMAGES = {
    "channels first": np.zeros((3, 12, 10), np.uint8),
    "no channels": np.zeros((12, 10), np.uint8),
    "a batch": np.zeros((2, 12, 10, 3), np.uint8),
    "no rows": np.zeros((0, 10, 3), np.uint8),
    "no columns": np.zeros((12, 0, 3), np.uint8),
    "two channels": np.zeros((12, 10, 2), np.uint8),
    "alpha": np.zeros((12, 10, 4), np.uint8),
}


def make(name: str) -> Preprocessor:
    kind = Preprocessor.kinds[name]
    fields = [f for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING]
    if name not in ARGUMENTS and fields:
        pytest.fail(f"Give ARGUMENTS an entry for {name}: it cannot be made without arguments.")
    return kind(**ARGUMENTS.get(name, {}))


def call(preprocessor: Preprocessor, image: np.ndarray, seed: int = 0) -> np.ndarray:
    if isinstance(preprocessor, RandomPreprocessor):
        return preprocessor(image, np.random.default_rng(seed))
    return preprocessor(image)


def test_every_public_preprocessor_is_among_the_kinds():
    public = {
        name
        for name in preprocessing.__all__
        if inspect.isclass(getattr(preprocessing, name)) and name != "Preprocessor"
    }
    assert public - ABSTRACT <= set(NAMES)
    assert set(NAMES) <= public


@pytest.mark.parametrize("name", NAMES)
def test_it_survives_json(name):
    preprocessor = make(name)
    again = from_config(json.loads(json.dumps(preprocessor.to_config())))
    assert again == preprocessor
    assert again.to_config() == preprocessor.to_config()


@pytest.mark.parametrize("name", NAMES)
def test_its_config_equals_the_one_that_json_gives_back(name):
    config = make(name).to_config()  # a tuple inside would come back as a list, and differ
    assert json.loads(json.dumps(config)) == config


@pytest.mark.parametrize("name", NAMES)
def test_it_is_frozen_and_hashable(name):
    preprocessor = make(name)
    for field in dataclasses.fields(preprocessor):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(preprocessor, field.name, None)
    assert hash(preprocessor) == hash(make(name))


@pytest.mark.parametrize("name", NAMES)
def test_unknown_fields_are_refused(name):
    if name == "Pipeline":
        pytest.skip("has a test of its own below")
    with pytest.raises(SightkitError, match="nonsense"):
        from_config({**make(name).to_config(), "nonsense": 1})


@pytest.mark.parametrize(("name", "channels"), NAMES_AND_CHANNELS)
def test_it_gives_one_image_of_stable_shape_and_dtype_and_leaves_its_input_alone(
    name, channels, rng
):
    image = rng.integers(0, 256, (12, 10, channels)).astype(np.uint8)
    before = image.copy()
    preprocessor = make(name)
    result = call(preprocessor, image)
    assert result.ndim == 3
    assert result.shape[2] in (1, 3)
    assert result.dtype in (np.uint8, np.float32)
    assert np.array_equal(image, before)
    other = call(preprocessor, rng.integers(0, 256, (12, 10, channels)).astype(np.uint8))
    assert (other.shape, other.dtype) == (result.shape, result.dtype)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_image_gives_the_same_result(name, photo):
    assert np.array_equal(call(make(name), photo, 3), call(make(name), photo.copy(), 3))


@pytest.mark.parametrize("name", NAMES)
def test_memory_layout_does_not_matter(name, photo):
    views = photo[:, ::-1], np.asfortranarray(photo), photo[::2, 1:]
    for view in views:
        expected = call(make(name), np.ascontiguousarray(view))
        assert np.array_equal(call(make(name), view), expected)


@pytest.mark.parametrize(("name", "channels"), NAMES_AND_CHANNELS)
def test_a_batch_equals_image_by_image(name, channels, rng):
    preprocessor = make(name)
    images = rng.integers(0, 256, (5, 12, 10, channels)).astype(np.uint8)
    if isinstance(preprocessor, RandomPreprocessor):
        with pytest.raises(SightkitError, match="augment"):
            preprocessor.batch(images)
        return
    batch = preprocessor.batch(images)
    single = np.stack([preprocessor(image) for image in images])
    assert batch.dtype == single.dtype
    assert np.array_equal(batch, single)


@pytest.mark.parametrize("case", NOT_IMAGES)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_image_is_refused_and_its_shape_shown(name, case):
    array = NOT_IMAGES[case]
    with pytest.raises(SightkitError, match="Received: ") as refused:
        call(make(name), array)
    assert str(array.shape) in str(refused.value)


@pytest.mark.parametrize("name", NAMES)
def test_in_the_generator_it_does_what_it_does_alone(name, write_dataset: Callable[..., Path]):
    from sightkit.io import HDF5DatasetGenerator, sample_rng

    path = write_dataset(train=11, shape=(12, 10, 3))
    raw = HDF5DatasetGenerator(path, 11)[0][0]
    preprocessor = make(name)
    if isinstance(preprocessor, RandomPreprocessor):
        generator = HDF5DatasetGenerator(path, 4, augment=preprocessor, seed=5)
        alone = [preprocessor(image, sample_rng(5, 0, row)) for row, image in enumerate(raw)]
    else:
        generator = HDF5DatasetGenerator(path, 4, preprocessors=Pipeline((preprocessor,)))
        alone = [preprocessor(image) for image in raw]
    inside = np.concatenate([generator[index][0] for index in range(len(generator))])
    assert inside.dtype == alone[0].dtype
    assert np.array_equal(inside, np.stack(alone))


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(SightkitError, match="SimplePreprocessor"):
        from_config({"name": "SimplePreprocesor", "width": 1, "height": 1})


@pytest.mark.parametrize("config", ({}, {"name": None}, {"name": "os.system"}))
def test_a_config_without_a_known_name_is_refused(config):
    with pytest.raises(SightkitError, match="name"):
        from_config(config)


def test_a_name_cannot_be_taken_twice():
    with pytest.raises(SightkitError, match="Augment"):
        type("Augment", (Preprocessor,), {})
    assert Preprocessor.kinds["Augment"] is Augment
