from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightkit._errors import SightkitError
from sightkit.io import split

THREE = {"train": 0.7, "validation": 0.15, "test": 0.15}
class_sizes = st.lists(st.integers(3, 60), min_size=1, max_size=5)


def labels_of(sizes, seed=0):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return np.random.default_rng(seed).permutation(labels)


@given(class_sizes, st.integers(0, 2**31 - 1))
def test_every_sample_is_in_exactly_one_split(sizes, seed):
    labels = labels_of(sizes, seed)
    parts = split(labels, THREE, seed=seed)
    assert list(parts) == list(THREE)
    assert np.array_equal(np.sort(np.concatenate(list(parts.values()))), np.arange(len(labels)))


@given(class_sizes, st.integers(0, 2**31 - 1))
def test_every_class_is_divided_in_the_same_proportions(sizes, seed):
    labels = labels_of(sizes, seed)
    for name, rows in split(labels, THREE, seed=seed).items():
        counts = np.bincount(labels[rows], minlength=len(sizes))
        assert np.all(counts >= 1)
        # To within one sample, or what it takes to give each split its one.
        assert np.all(np.abs(counts - THREE[name] * np.array(sizes)) < 2)


def test_large_classes_are_divided_to_within_one_sample():
    labels = labels_of([1000, 333, 101])
    for name, rows in split(labels, THREE, seed=5).items():
        counts = np.bincount(labels[rows])
        assert np.all(np.abs(counts - THREE[name] * np.array([1000, 333, 101])) <= 1)


@given(class_sizes, st.integers(0, 2**31 - 1))
def test_the_same_seed_gives_the_same_split(sizes, seed):
    labels = labels_of(sizes)
    first, again = (split(labels, THREE, seed=seed) for _ in range(2))
    assert all(np.array_equal(first[name], again[name]) for name in THREE)


def test_the_split_of_a_seed_stays_what_it_is():
    """Written down once: a change of it would quietly give every run another test set."""
    parts = split(np.arange(12) % 2, {"train": 0.5, "test": 0.5}, seed=42)
    assert {name: rows.tolist() for name, rows in parts.items()} == {
        "train": [2, 3, 4, 11, 5, 6],
        "test": [0, 1, 8, 7, 10, 9],
    }


def test_another_seed_gives_another_split():
    labels = labels_of([50, 50])
    tests = {tuple(np.sort(split(labels, THREE, seed=seed)["test"])) for seed in range(5)}
    assert len(tests) == 5


@given(st.integers(0, 1000), st.integers(4, 30))
def test_duplicates_stay_together(seed, different):
    rng = np.random.default_rng(seed)
    keys = np.concatenate([np.arange(different), rng.integers(0, different, 40)])
    keys = rng.permutation(keys)
    parts = split(
        keys % 1, {"train": 0.5, "validation": 0.25, "test": 0.25}, seed=seed, groups=keys
    )
    where = [set(keys[rows]) for rows in parts.values()]
    assert sum(len(found) for found in where) == different
    assert all(where)


def test_a_duplicate_with_another_label_stays_with_its_like():
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
    groups = [b"a", b"b", b"c", b"d", b"a", b"e", b"f", b"g", b"h"]
    for seed in range(20):
        parts = split(labels, {"train": 0.5, "test": 0.5}, seed=seed, groups=groups)
        assert any({0, 4} <= set(rows.tolist()) for rows in parts.values())


@pytest.mark.parametrize(("sizes", "short"), (([10, 2], 1), ([1, 10], 0)))
def test_a_class_that_a_split_would_miss_is_refused_by_name(sizes, short):
    with pytest.raises(SightkitError, match=rf"Class {short} has too few.*samples={min(sizes)}"):
        split(labels_of(sizes), THREE, seed=0)


def test_two_parts_are_advised_where_they_can_be_made_and_with_what_they_are_for():
    with pytest.raises(SightkitError, match=r"0\.8,? 0,? 0\.2\)?, which do for .*train_logistic"):
        split(labels_of([10, 2]), THREE, seed=0)
    with pytest.raises(SightkitError) as found:
        split(labels_of([10, 1]), THREE, seed=0)
    assert "two parts" not in str(found.value)


def test_copies_do_not_count_as_different_samples():
    with pytest.raises(SightkitError, match="too few different samples"):
        split(np.zeros(10, int), THREE, seed=0, groups=["a"] * 9 + ["b"])


@pytest.mark.parametrize(
    "fractions",
    (
        {},
        {"train": 0.9},
        {"train": 0.7, "test": 0.4},
        {"train": 1.2, "test": -0.2},
        {"a": 1, "b": 0},
        {"train": float("nan"), "test": 0.5},
        {"train": 0.5, "test": float("nan")},
    ),
)
def test_shares_that_are_no_shares_are_refused(fractions):
    with pytest.raises(SightkitError, match="add up to 1"):
        split(np.zeros(10, int), fractions, seed=0)


def test_a_class_is_named_where_its_name_is_known():
    with pytest.raises(SightkitError, match=r"Class 1 \(panda\) has too few"):
        split(np.array([0] * 9 + [1]), THREE, seed=0, class_names=("cat", "panda"))


@pytest.mark.parametrize("count", (9, 11))
def test_groups_of_another_number_than_labels_are_refused(count):
    with pytest.raises(SightkitError, match=f"groups={count}, labels=10"):
        split(np.zeros(10, int), THREE, seed=0, groups=list(range(count)))


@pytest.mark.parametrize("labels", (np.zeros(10), np.zeros((5, 2), int), ["a"] * 10))
def test_labels_that_are_none_are_refused(labels):
    with pytest.raises(SightkitError, match="Labels must be integers"):
        split(labels, THREE, seed=0)


@pytest.mark.parametrize("seed", (-1, 0.5))
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(SightkitError, match="seed"):
        split(np.zeros(10, int), THREE, seed=seed)


def test_a_seed_of_numpy_is_the_same_seed():
    first, again = (split(np.zeros(9, int), THREE, seed=seed) for seed in (7, np.uint8(7)))
    assert all(np.array_equal(first[name], again[name]) for name in THREE)
