"""Windows and pyramids: views of every pixel, in sizes that a window fits into."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightkit._errors import SightkitError
from sightkit.apps.detection import fit_to_windows, image_pyramid, sliding_window


@pytest.fixture
def image(rng):
    return rng.integers(0, 256, (50, 71, 3)).astype(np.uint8)


def test_windows_are_views(image):
    views, corners = sliding_window(image, (20, 30), (7, 9))
    assert np.shares_memory(views, image) and not views.flags.writeable
    assert views[tuple(corners[3])].base is not None
    for y, x in corners:
        np.testing.assert_array_equal(views[y, x], image[y : y + 20, x : x + 30])


@given(
    side=st.integers(1, 40), other=st.integers(1, 40), window=st.integers(1, 40),
    stride=st.integers(1, 45),
)  # fmt: skip
def test_every_pixel_is_in_a_window_and_none_is_outside(side, other, window, stride):
    window = min(window, side, other)
    image = np.zeros((side, other, 1), np.uint8)
    _, corners = sliding_window(image, (window, window), min(stride, window))
    assert len(np.unique(corners, axis=0)) == len(corners)
    seen = np.zeros((side, other), bool)
    for y, x in corners:
        seen[y : y + window, x : x + window] = True
    assert seen.all() and (corners + window).max(axis=0).tolist() == [side, other]


@pytest.mark.parametrize(
    ("window", "stride", "told"),
    [
        ((20, 20), 0, "stride=(0, 0)"),
        ((20, 20), -3, "stride"),
        ((20, 20), 2.5, "whole number"),
        ((0, 20), 4, "window=(0, 20)"),
        ((51, 20), 4, "picture=(50, 71)"),
        ((20, 72), 4, "smaller than the window"),
    ],
)
def test_windows_that_cannot_be_are_refused(image, window, stride, told):
    with pytest.raises(SightkitError) as error:
        sliding_window(image, window, (stride, stride))
    assert told in str(error.value)


def test_pyramid_falls_by_its_scale_and_stops_before_the_window(image):
    found = list(image_pyramid(image, 1.5, (20, 30)))
    assert found[0][0] is image
    assert [picture.shape for picture, _ in found] == [(50, 71, 3), (33, 47, 3), (22, 32, 3)]
    assert [factor for _, factor in found] == [1, 1.5, 2.25]
    expected = cv2.resize(image, (47, 33), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(found[1][0], expected)
    assert len(list(image_pyramid(image, 1.5, (50, 71)))) == 1


@pytest.mark.parametrize("scale", [1, 0.5, float("nan"), float("inf")])
def test_a_pyramid_that_never_ends_is_refused(image, scale):
    with pytest.raises(SightkitError, match="above 1"):
        image_pyramid(image, scale)


def test_a_pyramid_below_its_window_is_refused_at_once(image):
    with pytest.raises(SightkitError, match="smaller than the window"):
        image_pyramid(image, 1.5, (51, 10))


def test_a_thin_picture_ends():
    assert len(list(image_pyramid(np.zeros((1, 90, 3), np.uint8), 2.0))) == 1


@given(side=st.integers(20, 200), stride=st.integers(1, 30))
def test_a_fitted_picture_is_filled_without_a_rest(side, stride):
    image = np.zeros((side, 60, 3), np.uint8)
    fitted = fit_to_windows(image, (20, 20), (stride, stride))
    assert not (fitted.shape[0] - 20) % stride and not (fitted.shape[1] - 20) % stride
    assert abs(fitted.shape[0] - side) <= stride / 2 or fitted.shape[0] == 20
