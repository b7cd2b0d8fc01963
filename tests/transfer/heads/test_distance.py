"""Distances from the classes of a head: own photos stay, others are refused, at any share."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.transfer import ClassDistance
from sightkit.transfer.heads.stored_rows import StoredRows


def draw(rng, labels, centres, spread=0.3):
    return (centres[labels] + spread * rng.normal(size=(len(labels), centres.shape[1]))).astype(
        np.float32
    )


@pytest.fixture
def made(rng):
    """A thousand photos in three classes of 24 features, the distance of them, the centres."""
    centres = rng.normal(size=(3, 24))
    labels = rng.integers(0, 3, 1000)
    values = draw(rng, labels, centres)
    held_out = rng.dirichlet([5, 1, 1], len(labels)).astype(np.float32)
    return values, labels, held_out, centres


def test_the_mean_of_a_class_is_taken_without_the_photo_itself(made):
    values, labels, held_out, _ = made
    found = ClassDistance.of(values[:40], labels[:40], held_out[:40])
    unit = values[:40] / np.linalg.norm(values[:40], axis=1, keepdims=True)
    expected = []
    for row in range(40):
        others = np.delete(np.arange(40), row)
        means = np.stack([unit[others][labels[others] == k].mean(axis=0) for k in range(3)])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        expected.append(1 - (means @ unit[row]).max())
    assert found.known[[0, -1]] == pytest.approx([min(expected), max(expected)], abs=1e-5)
    assert found.known[500] == pytest.approx(np.median(expected), abs=1e-5)


@pytest.mark.parametrize("lost", (0.01, 0.05, 0.2))
def test_about_the_share_is_lost_of_new_photos_and_others_are_refused(lost, made, rng):
    values, labels, held_out, centres = made
    found = ClassDistance.of(values, labels, held_out)
    new = draw(rng, rng.integers(0, 3, 4000), centres)
    others = draw(rng, rng.integers(0, 5, 500), rng.normal(size=(5, 24)))
    assert (found.distances(new) > found.limit(lost)).mean() == pytest.approx(lost, abs=0.02)
    assert (found.distances(others) > found.limit(lost)).mean() > 0.9
    assert found.limit(0.01) >= found.limit(0.05) >= found.limit(0.2)


def test_few_photos_lose_none_at_a_share_that_they_cannot_show(made):
    values, labels, held_out, _ = made
    found = ClassDistance.of(values[:12], labels[:12], held_out[:12])
    assert found.limit(0.01) == found.known[-1]


def test_a_class_of_one_photo_and_features_of_zeros_do_no_harm():
    values = np.float32([[1, 0], [1, 0.1], [0, 1], [0, 0]])
    held_out = np.full((4, 3), 1 / 3, np.float32)
    found = ClassDistance.of(values, np.array([0, 0, 1, 2]), held_out)
    assert np.isfinite(found.known).all() and np.isfinite(found.means).all()
    assert np.isfinite(found.distances(values)).all()


def test_rows_of_a_file_give_the_same_as_those_in_memory(made):
    values, labels, held_out, _ = made

    class File:
        shape = values.shape

        def take(self, rows):
            return values[rows]

    stored = StoredRows(File(), np.arange(len(values)), 4)
    first, second = (ClassDistance.of(each, labels, held_out) for each in (values, stored))
    assert np.array_equal(first.means, second.means) and np.array_equal(first.known, second.known)


def test_the_threshold_is_said_in_held_out_photos(made):
    found = ClassDistance.of(*made[:3])
    best = made[2].max(axis=1)
    for threshold in (0.0, 0.5, 0.7, 1.0):
        assert found.lost_below(threshold) == pytest.approx((best < threshold).mean(), abs=2e-3)


@pytest.mark.parametrize("damage", ("cut", "text", "classes", "nan", "missing"))
def test_damaged_distances_are_refused_by_name(damage, made, tmp_path):
    found = ClassDistance.of(*made[:3])
    path = tmp_path / "distance.npz"
    found.save(path)
    again = ClassDistance.load(path, 3, 24)
    assert np.array_equal(again.means, found.means) and again.photos == 1000
    classes = 3
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:500])
    elif damage == "text":
        path.write_text("no arrays")
    elif damage == "classes":
        classes = 4
    elif damage == "nan":
        found.known[3] = np.nan
        found.save(path)
    else:
        path.unlink()
    with pytest.raises(SightkitError, match=r"damaged.*distance\.npz"):
        ClassDistance.load(path, classes, 24)
