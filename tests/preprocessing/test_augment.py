from __future__ import annotations

import copy
import json
import pickle
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightkit._errors import SightkitError
from sightkit.preprocessing import Augment, from_config
from sightkit.preprocessing.augment import BORDERS

share = st.floats(0, 0.9)
augments = st.builds(
    Augment,
    rotation=st.floats(0, 180),
    translation=st.one_of(share, st.tuples(share, share)),
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


@pytest.mark.parametrize("pair", ((0.0, 0.4), (0.4, 0.0), (0.0, 0.0), [0.1, 0.3]))
def test_translation_of_height_and_width_moves_each_by_its_own(pair, rng):
    image = rng.integers(0, 256, (20, 30, 1)).astype(np.uint8)
    augment = Augment(translation=pair, border="black")
    rows = columns = False
    for seeded in seeds():
        matrix = augment._matrices(
            30, 20, -1 + 2 * seeded.random((1, 9)), np.array([False]), np.array([False])
        )[0]
        assert abs(matrix[0, 2]) <= pair[1] * 30 and abs(matrix[1, 2]) <= pair[0] * 20
        columns, rows = columns or matrix[0, 2] != 0, rows or matrix[1, 2] != 0
    assert (rows, columns) == (pair[0] > 0, pair[1] > 0)
    if not any(pair):
        assert np.array_equal(augment(image, rng), image)
    assert from_config(json.loads(json.dumps(augment.to_config()))) == augment


@given(share, st.integers(0, 99))
def test_one_number_is_both_and_its_config_stays_a_number(strength, seed):
    image = np.random.default_rng(seed).integers(0, 256, (9, 14, 3), np.uint8)
    one, pair = Augment(translation=strength), Augment(translation=(strength, strength))
    results = [augment(image, np.random.default_rng(seed)) for augment in (one, pair)]
    assert np.array_equal(*results)
    assert one.to_config()["translation"] == strength
    assert from_config(one.to_config()) == one


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


@pytest.mark.parametrize("flip", (False, True))
def test_shifts_and_flips_are_by_whole_pixels_each_as_often(flip, rng):
    image = rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)
    augment = Augment(translation=0.1, horizontal_flip=flip, border="reflect")
    padded = np.pad(image, ((3, 3), (3, 3), (0, 0)), "reflect")
    windows = {
        padded[y : y + 32, x : x + 32][:, ::side].tobytes(): (y, x, side)
        for y in range(7)
        for x in range(7)
        for side in ((1, -1) if flip else (1,))
    }
    images = np.broadcast_to(image, (4900, 32, 32, 3))
    results = augment.batch(images, [np.random.default_rng(n) for n in range(4900)])
    found = Counter(windows[result.tobytes()] for result in results)  # KeyError: a blurred one
    assert len(found) == len(windows)
    assert max(found.values()) < 1.5 * 4900 / len(windows)


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
        {"translation": (0.1, 1.01)},
        {"translation": (0.1,)},
        {"translation": (0.1, 0.1, 0.1)},
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


@given(augments, st.integers(1, 20), st.integers(1, 20), st.sampled_from((1, 3)), st.integers(1, 5))
def test_a_batch_equals_image_by_image(augment, height, width, channels, count):
    images = np.random.default_rng(count).integers(0, 256, (count, height, width, channels))
    images = images.astype(np.uint8)
    alone = [augment(image, rng) for image, rng in zip(images, seeds(count), strict=True)]
    assert np.array_equal(augment.batch(images, list(seeds(count))), np.stack(alone))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("channels", (1, 3))
def test_the_warp_is_the_product_of_its_parts(seed, channels, rng):
    """Flip, zoom, shear, rotate, translate about the centre, as matrices, sampled by hand."""
    image = rng.integers(0, 256, (21, 31, channels)).astype(np.uint8)
    augment = Augment(
        rotation=40, translation=0.2, shear=20, zoom=0.3, horizontal_flip=True, vertical_flip=True
    )
    draws = np.random.default_rng(seed).uniform(-1, 1, size=9)
    angle, slope = np.radians(40 * draws[0]), np.tan(np.radians(20 * draws[1]))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    scale = (1 + 0.3 * draws[2]) * np.where(draws[3:5] < 0, -1, 1)
    linear = turn @ np.array([[1, slope], [0, 1]]) @ np.diag(scale)
    centre, shift = np.array([15, 10]), 0.2 * draws[5:7] * (31, 21)
    points = np.stack(np.meshgrid(np.arange(31), np.arange(21)), axis=-1)
    x, y = np.moveaxis((points - centre - shift) @ np.linalg.inv(linear).T + centre, -1, 0)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)

    def pixel(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        return image[np.clip(rows, 0, 20), np.clip(columns, 0, 30)].astype(float)

    a, b = (x - left)[..., np.newaxis], (y - top)[..., np.newaxis]
    upper = (1 - a) * pixel(top, left) + a * pixel(top, left + 1)
    lower = (1 - a) * pixel(top + 1, left) + a * pixel(top + 1, left + 1)
    result = augment(image, np.random.default_rng(seed))
    # OpenCV places each point to 1/32 of a pixel.
    assert np.abs(result - ((1 - b) * upper + b * lower)).mean() < 4


def test_light_is_one_rounding_per_pixel(rng):
    image = rng.integers(0, 256, (9, 8, 3)).astype(np.uint8)
    draws = np.random.default_rng(1).uniform(-1, 1, size=9)
    gain = 1 + 0.4 * draws[7]
    expected = image * gain + 255 * 0.3 * draws[8] + (1 - gain) * image.mean()
    result = Augment(brightness=0.3, contrast=0.4)(image, np.random.default_rng(1))
    assert np.abs(result - np.clip(expected, 0, 255)).max() <= 0.5 + 1e-9


def test_a_flip_commutes_with_the_flip_of_the_image(rng):
    image = rng.integers(0, 256, (7, 10, 3)).astype(np.uint8)
    for augment, axis in (
        (Augment(horizontal_flip=True), 1),
        (Augment(vertical_flip=True, contrast=0.5), 0),
    ):
        for one, other in zip(seeds(10), seeds(10), strict=True):
            assert np.array_equal(
                augment(np.flip(image, axis), one), np.flip(augment(image, other), axis)
            )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rotation_range": 10}, r"Write Augment\(rotation=10\)"),
        (
            {"zoom_range": 0.1, "fill_mode": "nearest"},
            r"Augment\(zoom=0\.1\).*border=\"replicate\"",
        ),
        ({"rotaton": 3}, r"Write Augment\(rotation=3\)"),
    ],
)
def test_names_of_other_libraries_are_told(options, message):
    with pytest.raises(SightkitError, match=message):
        Augment(**options)


def test_it_is_copied_and_pickled():
    augment = Augment(rotation=3)
    assert copy.deepcopy(augment) == pickle.loads(pickle.dumps(augment)) == augment
