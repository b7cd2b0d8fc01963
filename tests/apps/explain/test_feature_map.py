"""Maps of photos: near ones stay near, dense places are found, and what a map cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.explain.clusters import cluster, k_distance
from sightkit.apps.explain.feature_map import perplexity_for, project, trustworthiness
from sightkit.apps.explain.map_picture import draw_map
from sightkit.io import read_image


@pytest.fixture(scope="module")
def groups():
    """Sixty photos in three groups, and what group each is in."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    return (4 * np.eye(3, 30)[labels] + rng.normal(0, 0.4, (60, 30))).astype(np.float32), labels


@pytest.fixture(scope="module")
def plane(groups):
    return project(groups[0])


@pytest.fixture
def dots(rng):
    """Four round groups of 60, 50, 40 and 30 on a plane, and five points far from all."""
    labels = np.repeat(np.arange(4), (60, 50, 40, 30))
    middles = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    far = np.array([[0.5, 0.5], [2, 2], [-1, 2], [2, -1], [-1, -1]])
    return np.vstack([middles[labels] + rng.normal(0, 0.06, (180, 2)), far]), labels


def test_project_keeps_groups_together(groups, plane):
    features, labels = groups
    assert plane.shape == (60, 2) and plane.dtype == np.float32
    assert plane.min() == 0 and np.ptp(plane, axis=0).max() == pytest.approx(1)
    assert trustworthiness(features, plane) > 0.8
    found = cluster(plane).labels
    for label in range(3):
        held = found[(labels == label) & (found >= 0)]
        others = found[(labels != label) & (found >= 0)]
        assert len(held) and not set(held) & set(others)


def test_project_gives_the_same_map_again(groups, plane):
    assert np.array_equal(project(groups[0]), plane)


def test_trustworthiness_knows_a_map_that_is_made_up(groups, rng):
    features, _ = groups
    assert trustworthiness(features, rng.uniform(size=(60, 2))) < 0.65


@pytest.mark.parametrize(("photos", "expected"), ((7, 2), (31, 10), (91, 30), (5000, 30)))
def test_perplexity_by_default_is_one_that_is_allowed(photos, expected):
    assert perplexity_for(photos) == expected
    assert perplexity_for(photos, expected) == expected


@pytest.mark.parametrize("perplexity", (0.5, 10.1, 60, np.inf, np.nan))
def test_perplexity_too_large_is_refused(groups, perplexity):
    step = "Received: perplexity=.*, photos=31. Give --perplexity 10, or take more photos"
    with pytest.raises(SightkitError, match=rf"between 1 and \(photos - 1\) / 3, here 10.*{step}"):
        project(groups[0][:31], perplexity=perplexity)


def test_a_map_of_few_photos_is_refused(groups):
    assert project(groups[0][:7]).shape == (7, 2)
    with pytest.raises(SightkitError, match=r"7 photos at least. Received: photos=6"):
        project(groups[0][:6])


def test_an_unknown_method_is_refused(groups):
    with pytest.raises(SightkitError, match="tsne or umap"):
        project(groups[0], method="pca")


def test_cluster_finds_groups_and_leaves_out_the_far(dots):
    points, labels = dots
    found = cluster(points)
    assert len(found) == 4
    assert (found.labels[180:] == -1).all()
    inside = found.labels[:180] >= 0
    assert inside.mean() > 0.9
    assert (found.labels[:180] == labels)[inside].all()  # the largest is the first
    assert found.fewest == 5 and found.eps == k_distance(points, 5)


def test_k_distance_is_moved_little_by_far_points(dots):
    points, _ = dots
    near = k_distance(points[:180], 4)
    assert near <= k_distance(points, 4) < 2 * near
    assert k_distance(10 * points, 4) == pytest.approx(10 * k_distance(points, 4))


def test_cluster_of_equal_points_is_one():
    assert cluster(np.zeros((9, 2))).labels.tolist() == [0] * 9


def test_table_counts_classes(dots):
    points, labels = dots
    table = cluster(points).table(np.append(labels, [0, 0, 1, 1, 2]), ("a", "b", "c", "d"))
    assert [row["cluster"] for row in table] == ["1", "2", "3", "4", "in none"]
    assert sum(row["photos"] for row in table) == 185
    assert table[0]["b"] == 0 and table[0]["a"] == table[0]["photos"]
    assert list(cluster(points).table()[0]) == ["cluster", "photos"]


@pytest.mark.parametrize("options", ({"fewest": 1}, {"fewest": 186}, {"eps": 0}, {"eps": np.nan}))
def test_cluster_refuses_what_makes_no_place(dots, options):
    with pytest.raises(SightkitError, match=f"Received: {next(iter(options))}="):
        cluster(dots[0], **options)


def test_draw_map_shows_photos_without_covering_any(dots, rng, tmp_path):
    points, labels = dots
    own = np.append(labels, [0, 0, 1, 1, 2])
    images = [rng.integers(0, 256, (20, 30, 3)).astype(np.uint8) for _ in points]
    images[3] = None
    shown = draw_map(points, images, cluster(points), tmp_path / "map.png", labels=own,
                     class_names=("a", "b", "c", "d"), title="dots")  # fmt: skip
    assert 5 < shown < 185
    assert min(read_image(tmp_path / "map.png").shape[:2]) > 900
    everyone = draw_map(points[180:], images[180:], cluster(points[180:]), tmp_path / "few.png")
    assert everyone == 5


@pytest.mark.faults  # numba compiles
def test_umap_projects_where_it_is_installed(groups):
    pytest.importorskip("umap", reason="umap-learn is not installed (extra explore)")
    features, _ = groups
    plane = project(features, method="umap")
    assert trustworthiness(features, plane) > 0.8


def test_umap_that_is_not_installed_is_named(groups, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    with pytest.raises(SightkitError, match=r"umap-learn.*sightkit\[explore\].*--method=tsne"):
        project(groups[0], method="umap")
