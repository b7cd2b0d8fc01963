from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightkit._errors import SightkitError
from sightkit.preprocessing import Augment
from sightkit.preprocessing.augment import BORDERS

share = st.floats(0, 0.9)
augments = st.builds(
    Augment,
    rotation=st.floats(0, 180),
    translation=share,
    shear=st.floats(0, 80),
    zoom=share,
    horizontal_flip=st.booleans(),
    vertical_flip=st.booleans(),
    brightness=share,
    contrast=share,
    border=st.sampled_from(sorted(BORDERS)),
)


def seeds(count: int = 40):
    return (np.random.default_rng(seed) for seed in range(count))


@given(st.integers(1, 24), st.integers(1, 24), st.sampled_from((1, 3)), st.integers(0, 2**32))
def test_all_off_is_the_identity(height, width, channels, seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, channels)).astype(np.uint8)
    assert np.array_equal(Augment()(image, rng), image)


@given(
    augments, st.integers(1, 30), st.integers(1, 30), st.sampled_from((1, 3)), st.integers(0, 99)
)
def test_shape_and_dtype_stay_and_the_rng_alone_decides(augment, height, width, channels, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    first = augment(image, np.random.default_rng(seed))
    again = augment(image, np.random.default_rng(seed))
    assert first.shape == image.shape
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)


@given(augments, st.integers(0, 2**32))
def test_as_many_numbers_are_drawn_whatever_is_switched_on(augment, seed):
    """So that switching one variation on does not change another."""
    used, other = np.random.default_rng(seed), np.random.default_rng(seed)
    augment(np.zeros((4, 4, 1), np.uint8), used)
    Augment()(np.zeros((9, 9, 3), np.uint8), other)
    assert used.random() == other.random()


@pytest.mark.parametrize(("flag", "axis"), (("horizontal_flip", 1), ("vertical_flip", 0)))
def test_a_flip_is_a_flip_or_nothing_and_both_happen(flag, axis, rng):
    image = rng.integers(0, 256, (7, 10, 3)).astype(np.uint8)
    augment = Augment(**{flag: True})
    results = [augment(image, seeded) for seeded in seeds()]
    flipped = [np.array_equal(result, np.flip(image, axis)) for result in results]
    untouched = [np.array_equal(result, image) for result in results]
    assert all(a or b for a, b in zip(flipped, untouched, strict=True))
    assert 8 <= sum(flipped) <= 32  # of 40: every second one, roughly


def test_both_flips_are_drawn_independently(rng):
    image = rng.integers(0, 256, (4, 6, 1)).astype(np.uint8)
    augment = Augment(horizontal_flip=True, vertical_flip=True)
    outcomes = {augment(image, seeded).tobytes() for seeded in seeds()}
    assert outcomes == {
        variant.tobytes() for variant in (image, image[::-1], image[:, ::-1], image[::-1, ::-1])
    }


def test_translation_moves_no_further_than_its_share():
    image = np.zeros((41, 41, 1), np.uint8)
    image[20, 20] = 255
    for seeded in seeds():
        moved = Augment(translation=0.1, border="black")(image, seeded)[..., 0].astype(float)
        centre = np.array([np.average(i, weights=moved) for i in np.indices(moved.shape)])
        assert np.abs(centre - 20).max() <= 4.1 + 0.1


def test_rotation_keeps_the_centre_and_a_disc():
    rows, columns = np.mgrid[0:41, 0:41] - 20
    disc = ((rows**2 + columns**2 < 15**2) * 255).astype(np.uint8)[..., np.newaxis]
    for seeded in seeds(10):
        turned = Augment(rotation=180, border="black")(disc, seeded)
        assert turned[20, 20] == 255
        assert np.mean(turned != disc) < 0.1  # only pixels at the rim


def test_zoom_shrinks_and_enlarges():
    square = np.zeros((40, 40, 1), np.uint8)
    square[12:28, 12:28] = 255
    areas = [Augment(zoom=0.3, border="black")(square, seeded).mean() for seeded in seeds()]
    assert min(areas) < 0.8 * square.mean()
    assert max(areas) > 1.2 * square.mean()


@pytest.mark.parametrize("border", sorted(BORDERS))
def test_a_border_of_its_kind_fills_what_comes_from_outside(border):
    image = np.full((20, 20, 3), 200, np.uint8)
    lowest = min(
        Augment(rotation=45, translation=0.3, border=border)(image, seeded).min()
        for seeded in seeds(5)
    )
    assert lowest == (0 if border == "black" else 200)


def test_brightness_shifts_all_pixels_alike_and_clips():
    image = np.full((3, 3, 1), 128, np.uint8)
    values = [Augment(brightness=0.1)(image, seeded) for seeded in seeds()]
    assert all(np.ptp(value) == 0 and abs(int(value[0, 0, 0]) - 128) <= 26 for value in values)
    assert len({int(value[0, 0, 0]) for value in values}) > 10
    bright = [Augment(brightness=1)(np.full((2, 2, 1), 250, np.uint8), s).max() for s in seeds()]
    assert max(bright) == 255  # and has not wrapped around
    assert min(bright) < 60


def test_contrast_keeps_the_mean(rng):
    image = rng.integers(100, 156, (30, 30, 3)).astype(np.uint8)
    for seeded in seeds(10):
        varied = Augment(contrast=0.5)(image, seeded)
        assert abs(varied.mean() - image.mean()) < 1
        assert 0.45 * image.std() < varied.std() < 1.55 * image.std()


@pytest.mark.parametrize(
    "arguments",
    (
        {"rotation": -1},
        {"rotation": 181},
        {"translation": 1.01},
        {"translation": -0.1},
        {"shear": 90},
        {"zoom": 1},
        {"zoom": float("nan")},
        {"brightness": 1.5},
        {"contrast": -0.5},
        {"border": "mirror"},
    ),
)
def test_arguments_out_of_range_are_refused_by_name(arguments):
    (name,) = arguments
    with pytest.raises(SightkitError, match=f"{name}.*Received: {name}="):
        Augment(**arguments)
