"""Neighbours in feature space: exact, batched, and none of a photo's own copies."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.explain import neighbours
from sightkit.apps.explain.neighbours import nearest, unit


@pytest.fixture
def gallery(rng):
    return rng.normal(size=(50, 12))


def by_hand(queries, gallery, k):
    lengths = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(gallery, axis=1)
    cosines = queries @ gallery.T / lengths
    rows = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    return rows, np.take_along_axis(cosines, rows, axis=1)


@pytest.mark.parametrize("k", (1, 5, 50))
def test_nearest_finds_the_largest_cosines(rng, gallery, k):
    queries = 30 * rng.normal(size=(7, 12))
    found = nearest(queries, gallery, k)
    rows, cosines = by_hand(queries, gallery, k)
    assert np.array_equal(found.rows, rows)
    assert found.similarities == pytest.approx(cosines, abs=1e-6)
    assert found.similarities.dtype == np.float32 and found.rows.dtype == np.int64


def test_nearest_in_parts_finds_the_same(rng, gallery, monkeypatch):
    queries = rng.normal(size=(23, 12))
    whole = nearest(queries, gallery, 4, same=(np.arange(23), np.arange(50)))
    monkeypatch.setattr(neighbours, "PRODUCTS", 150)  # three queries at a time
    parts = nearest(queries, gallery, 4, same=(np.arange(23), np.arange(50)))
    assert np.array_equal(whole.rows, parts.rows)


def test_equal_photos_come_in_the_order_of_the_gallery():
    gallery = np.array([[0.0, 1], [1, 0], [1, 0], [1, 0], [1, 0.1]])
    assert nearest(np.array([[2.0, 0]]), gallery, 2).rows.tolist() == [[1, 2]]


def test_photos_of_one_number_are_no_neighbours(gallery):
    numbers = np.arange(50) // 2
    found = nearest(gallery, gallery, 3, same=(numbers, numbers))
    assert not (numbers[found.rows] == numbers[:, None]).any()
    assert (nearest(gallery, gallery, 3).rows[:, 0] == np.arange(50)).all()


def test_precision_is_the_share_of_a_query_s_class():
    found = neighbours.Neighbours(np.array([[0, 1], [2, 3]]), np.zeros((2, 2), np.float32))
    right = found.precision(np.array([0, 1]), np.array([0, 0, 1, 0]))
    assert right.tolist() == [1, 0.5]


def test_features_of_zeros_have_no_direction():
    assert unit(np.zeros((2, 3))).tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("k", (0, 51))
def test_k_beyond_the_gallery_is_refused(gallery, k):
    with pytest.raises(SightkitError, match=rf"at most 50.*Received: k={k}. Give --k 5"):
        nearest(gallery[:2], gallery, k)


def test_k_beyond_what_may_be_found_is_refused(gallery):
    numbers = np.array([0] * 48 + [1, 2])
    assert nearest(gallery, gallery, 2, same=(numbers, numbers)).rows.max() == 49
    with pytest.raises(SightkitError, match="at most 2"):
        nearest(gallery, gallery, 3, same=(numbers, numbers))
    assert nearest(gallery[:1], gallery, 50, same=(np.array([7]), numbers)).rows.shape == (1, 50)


def test_a_gallery_of_one_photo_is_refused(gallery):
    with pytest.raises(SightkitError, match="two photos at least"):
        nearest(gallery, gallery[:1], 1)
    with pytest.raises(SightkitError, match=r"Received: gallery=\(50, 12\), queries=\(50, 11\)"):
        nearest(gallery[:, :11], gallery, 1)


def test_features_that_are_no_numbers_are_refused(gallery):
    gallery[3, 4] = np.nan
    with pytest.raises(SightkitError, match="finite"):
        nearest(gallery[:1], gallery, 1)
