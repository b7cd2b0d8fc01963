from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sightkit.apps.explain.badge import (
    measure_badge,
    randomized,
    rank_correlation,
    store_badge,
    stored_badges,
)
from sightkit.apps.explain.deletion import area, baselines

from .conftest import SIDE, striped_images


@pytest.mark.slow
def test_area_of_deletion_is_smaller_where_the_class_is_deleted_first(striped):
    images, labels, places = striped_images(4, seed=5)
    for way, sign in (("deletion", 1), ("insertion", -1)):
        good, bad = (
            area(striped, images, each, labels, way=way).mean()
            for each in (places.astype(np.float32), 1.0 - places)
        )
        assert sign * good < sign * bad - 0.1


def test_baselines_know_nothing_of_the_network():
    images, _, _ = striped_images(2)
    found = baselines(images)
    assert {each.shape for each in found.values()} == {(2, SIDE, SIDE)}
    assert found["centre"][0].argmax() // SIDE in (SIDE // 2 - 1, SIDE // 2)
    assert len(np.unique(found["random"][0])) == 49


def test_randomized_answers_by_other_weights_and_changes_none(striped):
    images, labels, _ = striped_images(8)
    before = striped.model.get_weights()
    other = randomized(striped, seed=1)
    assert (other.targets(images) != labels).any()
    again = randomized(striped, seed=1).scores(images)
    np.testing.assert_array_equal(other.scores(images), again)
    for one, two in zip(before, striped.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
@pytest.mark.parametrize("method", ("gradient", "occlusion"))
def test_badge_is_measured_and_stored(striped, method, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    images, _, _ = striped_images(8, seed=4)
    badge = measure_badge(striped, images, method)
    assert badge.photos == 8
    assert badge.untrained < 0.5 < badge.correlation  # one thing alone can be marked here
    assert badge.control > 0.5 and badge.verdict == "cannot tell" in badge.row().values()
    alone = dataclasses.replace(badge, control=0.1)  # it stays where the gradient's maps change
    assert alone.verdict == "fails" and "fails" in str(alone)
    assert dataclasses.replace(alone, correlation=0.2).verdict == "passed"
    assert dataclasses.replace(badge, untrained=0.6).verdict == "fails"
    assert badge.deletion < badge.baselines["random"][0]
    assert stored_badges(striped) == {}
    store_badge(striped, badge)
    assert stored_badges(striped) == {method: badge}
    assert stored_badges(randomized(striped)) == {method: badge}  # of the network, not its state


def test_rank_correlation():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(20, 20))
    assert rank_correlation(one, -3 * one) == pytest.approx(1)
    assert abs(rank_correlation(one, rng.normal(size=(20, 20)))) < 0.2
    assert rank_correlation(one, np.zeros((20, 20))) == 0
