"""The notes' worked numbers, kernels on a photo, and what is shown."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.foundations import KERNELS, convolve, correlate, rescale

PATCH = np.array([[3, 0, 1], [2, 6, 2], [2, 4, 1]])
GREY = np.array([[120, 140, 120], [225, 220, 205], [225, 250, 230]])


def test_the_notes_worked_numbers():
    assert correlate(PATCH, KERNELS["sobel x"]).tolist() == [[-3]]
    assert correlate(GREY, KERNELS["edges"]).tolist() == [[60]]
    # Turned by 180 degrees Sobel changes its sign, the edges' kernel is the same.
    assert convolve(PATCH, KERNELS["sobel x"]).tolist() == [[3]]
    assert convolve(GREY, KERNELS["edges"]).tolist() == [[60]]


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_on_a_photo_is_that_of_opencv(name, photo):
    kernel = KERNELS[name].astype(float)
    theirs = cv2.filter2D(photo.astype(float), -1, kernel, borderType=cv2.BORDER_REPLICATE)
    ours = correlate(photo, kernel, same=True)
    assert ours.shape == photo.shape and np.allclose(ours, theirs)
    flipped = cv2.filter2D(
        photo.astype(float), -1, kernel[::-1, ::-1], borderType=cv2.BORDER_REPLICATE
    )
    assert np.allclose(convolve(photo, kernel, same=True), flipped)


def test_sums_are_what_the_table_says():
    sums = {name: round(float(kernel.sum()), 9) for name, kernel in KERNELS.items()}
    even = np.full((30, 30), 7.0)
    for name, total in sums.items():
        assert total in (0, 1) and np.allclose(correlate(even, KERNELS[name], same=True), 7 * total)


def test_an_answer_is_rescaled_from_0_to_255():
    shown = rescale(np.array([[-3.0, 60.0], [28.5, 0.0]]))
    assert shown.dtype == np.uint8 and shown.tolist() == [[0, 255], [128, 12]]
    assert rescale(np.full((2, 2), 9.0)).tolist() == [[0, 0], [0, 0]]


def test_an_even_kernel_has_no_middle():
    with pytest.raises(SightkitError, match="odd size"):
        correlate(GREY, np.ones((2, 2)), same=True)
    assert correlate(GREY, np.ones((2, 2))).shape == (2, 2)
