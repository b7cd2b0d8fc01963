"""The samples behind each gradient, and descents that fail."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.foundations import batches, descend, optimizer


def first(count, size, number, seed=0):
    return list(itertools.islice(batches(count, size, np.random.default_rng(seed)), number))


def test_every_sample_is_seen_once_an_epoch():
    epoch, following = first(10, 4, 3), first(10, 4, 6)[3:]
    assert [len(batch) for batch in epoch] == [4, 4, 2]
    assert sorted(np.concatenate(epoch)) == sorted(np.concatenate(following)) == list(range(10))
    assert not np.array_equal(np.concatenate(epoch), np.concatenate(following))
    assert np.array_equal(np.concatenate(epoch), np.concatenate(first(10, 4, 3)))


@pytest.mark.parametrize(("count", "size"), ((100, 100), (1999, 1999), (2000, 128), (60_000, 128)))
def test_few_samples_are_one_batch(count, size):
    assert len(first(count, None, 1)[0]) == size


def test_the_mean_of_the_batches_gradients_is_that_of_all(rng):
    x, y, w = rng.normal(size=(12, 3)), rng.normal(size=12), rng.normal(size=3)

    def gradient(rows):
        return 2 * x[rows].T @ (x[rows] @ w - y[rows]) / len(rows)

    parts = [gradient(rows) for rows in first(12, 3, 4)]
    assert np.mean(parts, axis=0) == pytest.approx(gradient(np.arange(12)))
    assert np.std(parts) > 0.1


def test_a_path_holds_every_step():
    path = descend(optimizer("gradient_descent", rate=0.5), np.array([8.0]), lambda w: w, 3)
    assert path.tolist() == [[8], [4], [2], [1]]
    assert descend(optimizer("adam"), np.array([8]), lambda w: w, 0).tolist() == [[8]]


def test_weights_that_become_infinite_are_told():
    with pytest.raises(
        SightkitError, match=r"the rate is too high, .* Received: rate=3.*rate=0\.3"
    ):
        descend(optimizer("gradient_descent", rate=3), np.array([1.0]), lambda w: w**3 + w, 500)
