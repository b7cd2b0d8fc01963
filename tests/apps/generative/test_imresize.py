"""MATLAB's imresize and luma, and the protocols in which enlargements are compared."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps import generative
from sightkit.apps.generative.imresize import resizing_matrix


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (40, 52, 3), dtype=np.uint8)


def test_imresize_halves_with_matlabs_weights():
    """Keys' kernel at eighths, twice as wide: known by hand."""
    found = 256 * resizing_matrix(16, 8)[4]
    expected = np.zeros(16)
    expected[5:13] = [-3, -9, 29, 111, 111, 29, -9, -3]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_imresize_doubles_with_matlabs_weights():
    found = 128 * resizing_matrix(8, 16)[8]
    expected = np.zeros(8)
    expected[2:6] = [-3, 29, 111, -9]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_imresize_mirrors_beyond_the_edges():
    first = 128 * resizing_matrix(8, 16)[0]  # reads -2, -1, 0, 1: 1, 0, 0, 1
    np.testing.assert_allclose(first[:3], [29 + 111, -9 - 3, 0], atol=1e-12)
    np.testing.assert_allclose(resizing_matrix(1, 3), np.ones((3, 1)))


def test_imresize_without_antialias_reads_four():
    assert np.count_nonzero(resizing_matrix(40, 10, False)[5]) == 4
    assert np.count_nonzero(resizing_matrix(40, 10, True)[5]) == 16


def test_imresize_keeps_a_plain_picture_and_stacks():
    plain = np.full((2, 9, 7, 3), 0.3)
    np.testing.assert_allclose(generative.imresize(plain, (4, 5)), np.full((2, 4, 5, 3), 0.3))
    with pytest.raises(SightkitError, match="at least one pixel"):
        generative.imresize(plain, (0, 5))


def test_luma_is_matlabs():
    colours = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0]]], np.uint8)
    expected = [[235, 128, 128], [16, 128, 128], [81.481, 90.203, 240]]
    np.testing.assert_allclose(generative.to_ycbcr(colours)[0], expected, atol=1e-3)
    assert generative.matlab_luma(colours).ravel().tolist() == [235, 16, 81]
    assert generative.opencv_luma(colours).ravel().tolist() == [255, 0, 76]


def test_luma_and_chroma_come_back(photo):
    np.testing.assert_allclose(generative.from_ycbcr(generative.to_ycbcr(photo)), photo, atol=1e-9)


def test_bicubic_has_the_published_figures(test_data):
    pictures = list(generative.read_pictures(test_data / "superres" / "Set5").values())
    published = {2: (33.66, 0.9299), 3: (30.39, 0.8682), 4: (28.42, 0.8104)}
    for factor, (psnr, ssim) in published.items():
        found = generative.compare_enlargements(pictures, factor)
        assert found["psnr"] == pytest.approx(psnr, abs=0.02)
        assert found["ssim"] == pytest.approx(ssim, abs=2e-4)
        others = [
            generative.compare_enlargements(pictures, factor, p)["psnr"]
            for p in generative.PROTOCOLS
        ]
        assert np.diff(sorted(others)).min() > 0.4  # no two protocols may be confused


def test_psnr_and_ssim_of_known_planes():
    plane = np.random.default_rng(1).integers(0, 256, (30, 30)).astype(float)
    assert generative.psnr(plane, plane) == float("inf")
    assert generative.psnr(plane, plane + 1) == pytest.approx(48.1308, abs=1e-4)
    assert generative.ssim(plane, plane) == pytest.approx(1)
    assert generative.ssim(plane, 255 - plane) < 0


def test_comparison_gives_the_small_planes_and_cuts_edges(photo):
    seen = []

    def enlarge(small):
        seen.append(small.shape)
        large = generative.imresize(small, (39, 51))
        large[:3], large[:, -3:] = 9, -9  # what is cut off does not count
        return large

    found = generative.compare_enlargements([photo], 3, enlarge=enlarge)
    assert seen == [(13, 17, 1)]
    assert found == generative.compare_enlargements([photo], 3)


def test_comparison_refuses_what_cannot_be_compared(photo):
    with pytest.raises(SightkitError, match="at least 15 pixels"):
        generative.compare_enlargements([photo[:14]], 2)
    with pytest.raises(SightkitError, match="pictures to compare"):
        generative.compare_enlargements([], 2)


def test_a_picture_without_any_error_counts_100_db():
    blank = np.full((40, 40, 3), 255, np.uint8)
    assert generative.compare_enlargements([blank], 2)["psnr"] == 100
