"""A metric that is learned on a gallery's labels: what it gains, and that it chooses inside."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.explain.metric import WAYS, Fisher, choose_metric
from sightkit.apps.explain.neighbours import nearest, unit

NAMES = ("cats", "dogs", "panda")


@pytest.fixture
def photos(rng):
    """Features whose classes differ in two directions of forty, where others vary most."""
    labels = np.arange(120) % 3
    rows = rng.normal(size=(120, 40)) * np.where(np.arange(40) < 4, 6, 1)
    rows[:, 10:12] += 5 * np.eye(3)[labels][:, :2]
    return rows.astype(np.float32), labels


def precision(metric, rows, labels):
    found = nearest(metric(rows[90:]), metric(rows[:90]), 5)
    return found.precision(labels[90:], labels[:90]).mean()


def test_choose_metric_tells_classes_apart(photos):
    rows, labels = photos
    metric, table = choose_metric(rows[:90], labels[:90], NAMES)
    assert precision(metric, rows, labels) > precision(unit, rows, labels) + 0.2
    assert metric.share > 0 and set(table) == set(WAYS)
    assert metric(rows).shape == (120, 42)


def test_the_cosine_is_that_of_both_parts(photos):
    rows, labels = photos
    metric = Fisher(rows, labels).metric(0.25, 0.3)
    plain = unit(rows)
    learned = unit((plain - metric.mean) @ metric.axes)
    both = metric(rows)
    assert both @ both.T == pytest.approx(0.75 * plain @ plain.T + 0.25 * learned @ learned.T,
                                          abs=1e-5)  # fmt: skip
    assert np.linalg.norm(both, axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("shrinkage", (1e-9, 0.3, 0.9))
def test_directions_are_fishers(photos, shrinkage):
    """For two classes with a covariance that has an inverse: S⁻¹ (m₁ − m₀), S shrunk."""
    rows, labels = photos[0][:, :10], np.arange(120) % 2
    rows = rows + 2 * labels[:, None] * np.linspace(0, 1, 10)
    metric = Fisher(rows, labels).metric(1.0, shrinkage)
    z = unit(rows).astype(np.float64)
    means = np.stack([z[labels == label].mean(axis=0) for label in (0, 1)])
    within = z - means[labels]
    covariance = within.T @ within / 120
    shrunk = (1 - shrinkage) * covariance + shrinkage * np.trace(covariance) / 10 * np.eye(10)
    expected = np.linalg.solve(shrunk, means[1] - means[0])
    cosine = expected @ metric.axes[:, 0] / np.linalg.norm(expected)
    assert abs(cosine) / np.linalg.norm(metric.axes) == pytest.approx(1, abs=1e-4)


def test_where_nothing_is_learned_the_plain_cosine_is_taken(rng):
    """Photos of a class that are nearly the same: no way is better than the plain one."""
    labels = np.arange(60) % 3
    rows = np.eye(3, 20)[labels] + 0.01 * rng.normal(size=(60, 20))
    metric, table = choose_metric(rows, labels, NAMES)
    assert metric.share == 0 and table[0.0, 1.0] == 1


def test_the_choice_sees_no_photo_of_a_query_s_group(rng):
    """Classes without sense, in pairs of copies: only a copy would give the class away."""
    rows = np.tile(rng.normal(size=(60, 200)), (2, 1))
    labels = np.tile(np.arange(60) % 3, 2)
    pairs = np.tile(np.arange(60), 2).astype(str)
    _, apart = choose_metric(rows, labels, NAMES, k=1, groups=pairs)
    _, mixed = choose_metric(rows, labels, NAMES, k=1)
    assert max(apart.values()) < 0.6 < min(mixed.values())


def test_a_class_with_fewer_photos_than_folds_is_refused(photos):
    rows, labels = photos
    labels = np.where(np.arange(120) < 3, 2, labels % 2)
    with pytest.raises(SightkitError, match="5 training photos at least"):
        choose_metric(rows, labels, NAMES)
    with pytest.raises(SightkitError, match="two classes"):
        choose_metric(rows, 0 * labels, ("cats",))
