"""What holds for every preprocessor there is: a new one is tested by existing."""

from __future__ import annotations

import base64
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
    PatchPreprocessor,
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
    "PadPreprocessor": {"width": 7, "height": 5},
    "PatchPreprocessor": {"width": 7, "height": 5},
    "CropPreprocessor": {"width": 7, "height": 5},
    "CutoutPreprocessor": {"side": 4},
    "MeanPreprocessor": {"red": 120.5, "green": 110.0, "blue": 100.25, "deviation": (60.0, 55, 50)},
    "MeanImagePreprocessor": {
        "width": 10,
        "height": 12,
        "channels": 3,
        "pixels": base64.b64encode(np.arange(360, dtype="<f4").tobytes()).decode(),
    },
    "RandomPipeline": {
        "steps": (
            SimplePreprocessor(9, 8),
            Augment(rotation=20),
            PatchPreprocessor(7, 6),
            ImageToArrayPreprocessor(0.5),
        )
    },
    "Pipeline": {
        "steps": (GrayscalePreprocessor(), SimplePreprocessor(9, 4), ImageToArrayPreprocessor(0.5))
    },
}
# Those that speak of red, green and blue take no grey image.
CHANNELS = {"BGRPreprocessor": (3,), "MeanPreprocessor": (3,), "MeanImagePreprocessor": (3,)}
STACKS = {"CropPreprocessor", "MirrorPreprocessor"}
OF_ONE_SIZE = {"MeanImagePreprocessor"}
# Those that compute with the values of pixels take bytes, or bytes and floats, and nothing else.
BYTES = {"Augment", "RandomPipeline"}
BYTES_OR_FLOATS = {
    "SimplePreprocessor",
    "AspectAwarePreprocessor",
    "PadPreprocessor",
    "GrayscalePreprocessor",
    "Pipeline",
}
ABSTRACT = {"ArrayPreprocessor", "RandomPreprocessor"}
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
    with pytest.raises(SightkitError, match="nonsense"):
        from_config({**make(name).to_config(), "nonsense": 1})


@pytest.mark.parametrize(("name", "channels"), NAMES_AND_CHANNELS)
def test_output_shape_and_dtype_are_stable_and_input_unchanged(name, channels, rng):
    image = rng.integers(0, 256, (12, 10, channels)).astype(np.uint8)
    before = image.copy()
    preprocessor = make(name)
    result = call(preprocessor, image)
    assert result.ndim == (4 if name in STACKS else 3)
    assert result.shape[-1] in (1, 3)
    assert result.dtype in (np.uint8, np.float32)
    assert np.array_equal(image, before)
    other = call(preprocessor, rng.integers(0, 256, (12, 10, channels)).astype(np.uint8))
    assert (other.shape, other.dtype) == (result.shape, result.dtype)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_image_gives_the_same_result(name, photo):
    image = photo[:12, :10]
    assert np.array_equal(call(make(name), image, 3), call(make(name), image.copy(), 3))


@pytest.mark.parametrize("name", NAMES)
def test_memory_layout_does_not_matter(name, photo):
    part = photo[:24, :20]
    views = photo[::-2, ::-2][:12, :10], np.asfortranarray(photo[:12, :10]), part[::2, ::2]
    for view in views:
        assert not view.flags.c_contiguous
        expected = call(make(name), np.ascontiguousarray(view))
        assert np.array_equal(call(make(name), view), expected)


def call_batch(preprocessor: Preprocessor, images, seeds=range(5)) -> np.ndarray:
    if isinstance(preprocessor, RandomPreprocessor):
        return preprocessor.batch(images, [np.random.default_rng(seed) for seed in seeds])
    return preprocessor.batch(images)


@pytest.mark.parametrize("form", ("array", "every second row", "list"))
@pytest.mark.parametrize(("name", "channels"), NAMES_AND_CHANNELS)
def test_a_batch_equals_image_by_image(name, channels, form, rng):
    preprocessor = make(name)
    images = rng.integers(0, 256, (5, 24, 10, channels)).astype(np.uint8)
    images = images[:, ::2] if form == "every second row" else images[:, :12].copy()
    before = images.copy()
    batch = call_batch(preprocessor, list(images) if form == "list" else images)
    single = np.stack([call(preprocessor, image, seed) for seed, image in enumerate(images)])
    assert batch.dtype == single.dtype
    assert np.array_equal(batch, single)
    assert np.array_equal(images, before)


@pytest.mark.parametrize("name", sorted(set(NAMES) - OF_ONE_SIZE))
def test_a_batch_of_mixed_sizes_equals_single_images_or_refuses(name, rng):
    preprocessor = make(name)
    sizes = ((12, 10), (30, 11), (9, 40), (17, 17), (12, 10))
    images = [rng.integers(0, 256, (*size, 3)).astype(np.uint8) for size in sizes]
    single = [call(preprocessor, image, seed) for seed, image in enumerate(images)]
    if len({image.shape for image in single}) > 1:
        with pytest.raises(SightkitError, match="come out alike"):
            call_batch(preprocessor, images)
        return
    assert np.array_equal(call_batch(preprocessor, images), np.stack(single))


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_batch_is_refused(name):
    for images in (np.zeros((0, 12, 10, 3), np.uint8), []):
        with pytest.raises(SightkitError, match="Received: "):
            call_batch(make(name), images, ())


@pytest.mark.parametrize(
    "name", [n for n in NAMES if issubclass(Preprocessor.kinds[n], RandomPreprocessor)]
)
@pytest.mark.parametrize("rngs", (None, [], [np.random.default_rng(0)]))
def test_a_random_batch_wants_an_rng_for_each_image(name, rngs):
    with pytest.raises(SightkitError, match=r"images=2.*augment="):
        make(name).batch(np.zeros((2, 12, 10, 3), np.uint8), rngs)


@pytest.mark.parametrize("dtype", ("int64", "float64", "float32", "uint16", "bool"))
@pytest.mark.parametrize("name", sorted(BYTES | BYTES_OR_FLOATS))
def test_pixels_that_are_neither_bytes_nor_floats_are_refused(name, dtype):
    preprocessor, image = make(name), np.zeros((12, 10, 3), dtype)
    if dtype == "float32" and name in BYTES_OR_FLOATS:
        assert call(preprocessor, image).dtype == np.float32
        return
    for attempt in (
        lambda: call(preprocessor, image),
        lambda: call_batch(preprocessor, np.stack([image] * 5)),
    ):
        with pytest.raises(SightkitError, match=f"dtype={dtype}"):
            attempt()


@pytest.mark.parametrize("dtype", ("bool", "complex64", "object", "U3"))
@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_number_is_refused(name, dtype):
    with pytest.raises(SightkitError, match="dtype="):
        call(make(name), np.zeros((12, 10, 3), dtype))


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
