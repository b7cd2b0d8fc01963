"""Latent vectors, sheets, and how far samples are from pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy import linalg

from sightkit.apps.generative.frechet import frechet_distance, mean_distance
from sightkit.apps.generative.latent import draw_latents, walk
from sightkit.apps.generative.sample_sheet import GAP, sheet, write_gif


def test_latents_follow_their_distribution_and_seed():
    normal, uniform = (draw_latents(2000, 10, noise=n, seed=4) for n in ("normal", "uniform"))
    assert abs(normal.std() - 1) < 0.02 and abs(uniform.std() - 3**-0.5) < 0.02
    assert normal.dtype == np.float32 and abs(uniform).max() <= 1 < abs(normal).max()
    np.testing.assert_array_equal(normal[:7], draw_latents(7, 10, seed=4))
    assert (normal != draw_latents(2000, 10, seed=5)).all()


@pytest.mark.parametrize("noise", ("normal", "uniform"))
def test_a_walk_returns_and_takes_even_steps(noise):
    ends = draw_latents(3, 100, noise=noise, seed=1)
    path = walk(ends, 5, noise=noise)
    assert path.shape == (15, 100) and path.dtype == np.float32
    np.testing.assert_allclose(path[::5], ends, atol=1e-6)
    steps = np.linalg.norm(np.diff(path[:6], axis=0), axis=1)
    assert steps.max() < 1.2 * steps.min()


def test_a_normal_walk_keeps_its_length():
    ends = draw_latents(2, 100, seed=1)
    lengths = np.linalg.norm(walk(ends, 8), axis=1)
    assert lengths.min() > 0.95 * np.linalg.norm(ends, axis=1).min()
    straight = np.linalg.norm((ends[0] + ends[1]) / 2)
    assert straight < 0.85 * lengths.min()


def test_a_walk_between_equal_and_opposite_vectors_is_finite():
    one = draw_latents(1, 4, seed=2)
    for ends in (np.concatenate([one, one]), np.concatenate([one, -one]), one):
        assert np.isfinite(walk(ends, 4)).all()


def test_the_frechet_distance_is_scipys(rng):
    one, other = rng.normal(size=(400, 6)), rng.normal(0.4, 1.7, (300, 6)) @ rng.normal(size=(6, 6))
    root = linalg.sqrtm(np.cov(one.T) @ np.cov(other.T)).real
    expected = ((one.mean(0) - other.mean(0)) ** 2).sum()
    expected += np.trace(np.cov(one.T) + np.cov(other.T) - 2 * root)
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(other, one) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-6)


def test_fewer_features_than_numbers_are_compared(rng):
    assert np.isfinite(frechet_distance(rng.normal(size=(5, 20)), rng.normal(size=(5, 20))))


def test_alike_samples_have_no_distance(rng):
    images = rng.integers(0, 256, (40, 6, 6, 1), np.uint8)
    assert mean_distance(images[:1].repeat(40, axis=0)) == 0
    assert mean_distance(images) == pytest.approx(255 / 6**0.5, rel=0.1)


def test_a_sheet_holds_each_picture_in_its_place():
    images = (np.arange(5, dtype=np.uint8) * 50)[:, None, None, None].repeat(6, 1).repeat(4, 2)
    found = sheet(images, 3, side=12)
    assert found.shape == (2 * (12 + GAP) + GAP, 3 * (8 + GAP) + GAP, 3)
    for place in range(5):
        row, column = divmod(place, 3)
        tile = found[
            GAP + row * 14 : 12 + GAP + row * 14, GAP + column * 10 : 8 + GAP + column * 10
        ]
        assert (tile == place * 50).all()
    assert (found[-12:, -8:] == 255).all()


def test_a_gif_moves(tmp_path):
    frames = [np.full((8, 9, 3), level, np.uint8) for level in (0, 120, 250)]
    write_gif(tmp_path / "x.gif", frames)
    with Image.open(tmp_path / "x.gif") as found:
        assert (found.n_frames, found.size, found.info["loop"]) == (3, (9, 8), 0)
