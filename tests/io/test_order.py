from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sightkit.io import epoch_order, sample_rng

counts = st.integers(0, 500)
seeds = st.integers(0, 2**31 - 1)
epochs = st.integers(0, 10_000)
blocks = st.integers(1, 60)


@given(counts, seeds, epochs, blocks, st.integers(0, 200))
def test_an_order_holds_every_row_exactly_once(count, seed, epoch, block, more):
    order = epoch_order(count, seed=seed, epoch=epoch, block=block, window=block + more)
    assert order.dtype == np.int64
    assert np.array_equal(np.sort(order), np.arange(count))


@given(counts, seeds, epochs, blocks)
def test_an_order_depends_on_its_arguments_alone(count, seed, epoch, block):
    arguments = {"seed": seed, "epoch": epoch, "block": block, "window": 3 * block}
    first = epoch_order(count, **arguments)
    np.random.seed(epoch)
    epoch_order(7, seed=1, epoch=2, block=1, window=1)
    assert np.array_equal(epoch_order(count, **arguments), first)


@given(st.integers(50, 300), seeds, epochs, blocks)
def test_epochs_and_seeds_have_orders_of_their_own(count, seed, epoch, block):
    def order(seed, epoch):
        return epoch_order(count, seed=seed, epoch=epoch, block=block, window=count).tolist()

    orders = [order(seed, epoch), order(seed, epoch + 1), order(seed + 1, epoch)]
    assert len({tuple(each) for each in orders}) == 3
    assert order(seed, epoch) != list(range(count))


def test_seed_and_epoch_do_not_stand_for_each_other():
    first = epoch_order(100, seed=1, epoch=2, block=1, window=100)
    assert not np.array_equal(first, epoch_order(100, seed=2, epoch=1, block=1, window=100))


def test_rows_travel_no_further_than_window_and_block_allow():
    """Reading stays near: a window of the order touches few blocks of the file."""
    order = epoch_order(10_000, seed=0, epoch=0, block=50, window=500)
    for start in range(0, 10_000, 500):
        assert len(set(order[start : start + 500] // 50)) <= 11


def test_mixing_is_even():
    """Where a row comes does not depend on where it lies: mean position of each, 400 epochs."""
    positions = [
        np.argsort(epoch_order(40, seed=3, epoch=epoch, block=4, window=16)) for epoch in range(400)
    ]
    mean = np.mean(positions, axis=0)
    assert np.abs(mean - 19.5).max() < 5 * 11.5 / 20  # five standard errors


@given(seeds, epochs, st.integers(0, 2**40))
def test_each_sample_of_each_epoch_has_randomness_of_its_own(seed, epoch, sample):
    def numbers(seed, epoch, sample):
        return tuple(sample_rng(seed, epoch, sample).integers(0, 2**63, 4))

    neighbours = [
        numbers(seed, epoch, sample),
        numbers(seed, epoch, sample + 1),
        numbers(seed, epoch + 1, sample),
        numbers(seed + 1, epoch, sample),
    ]
    assert len(set(neighbours)) == 4
    assert numbers(seed, epoch, sample) == neighbours[0]


def test_neighbouring_samples_do_not_continue_each_other():
    long = sample_rng(1, 0, 0).integers(0, 2**63, 10_000)
    assert not set(long) & set(sample_rng(1, 0, 1).integers(0, 2**63, 10_000))


def test_the_numbers_of_a_seed_stay_what_they_are():
    """Written down once: a change of them would make resumed runs end elsewhere."""
    order = epoch_order(10, seed=1, epoch=2, block=2, window=4)
    assert order.tolist() == [1, 0, 8, 9, 5, 6, 4, 7, 2, 3]
    assert sample_rng(1, 2, 3).integers(0, 100, 4).tolist() == [12, 73, 74, 17]
