"""Each process reads its part: together they read what one alone would."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit import io, training
from sightkit._errors import SightkitError
from sightkit.training.group import ALONE
from sightkit.training.shares import Share, Turns
from sightkit.training.together import share_data


def arrays(count=23, **options):
    images = np.arange(count * 4, dtype=np.float32).reshape(count, 2, 2, 1)
    return io.ArrayBatches(images, np.arange(count), batch_size=6, shuffle=True, seed=4, **options)


class OfAUser(keras.utils.PyDataset):
    """Batches without a ``share``: the toolkit cannot tell it to read a part."""

    def __init__(self, data):
        super().__init__()
        self.data = [data[index] for index in range(len(data))]
        self.order = data.rows(0)
        self.batch_size = 6

    def rows(self, epoch):
        return self.order

    def set_epoch(self, epoch, first_batch=0):
        pass

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        return self.data[index]


def parts(make, size):
    return [Share(make(), rank, size) for rank in range(size)]


@pytest.mark.parametrize("size", (2, 3))
@pytest.mark.parametrize("epoch", (0, 2))
@pytest.mark.parametrize("first", (0, 1))
def test_parts_are_the_batches_of_one(size, epoch, first):
    whole, shares = arrays(), parts(arrays, size)
    for each in (whole, *shares):
        each.set_epoch(epoch, first)
    for batch in range(len(whole)):
        for wanted, found in zip(
            whole[batch], zip(*(each[batch] for each in shares), strict=True), strict=True
        ):
            np.testing.assert_array_equal(np.concatenate(found), wanted)


def test_soft_labels_and_files_read_their_part(write_dataset):
    path = write_dataset(train=20, validation=6, test=5)

    def make():
        data = io.HDF5DatasetGenerator(path, 8, shuffle=True, seed=1)
        return training.SoftLabels(data, 3, smoothing=0.1)

    whole, shares = make(), parts(make, 2)
    for batch in range(len(whole)):
        images = np.concatenate([each[batch][0] for each in shares])
        np.testing.assert_array_equal(images, whole[batch][0])
        assert len(shares[0][batch][0]) == len(whole[batch][0]) // 2


def test_batches_of_a_user_are_cut():
    whole = OfAUser(arrays())
    first, second = parts(lambda: OfAUser(arrays()), 2)
    np.testing.assert_array_equal(first[0][1], whole[0][1][:3])
    np.testing.assert_array_equal(second[0][1], whole[0][1][3:])


def test_weights_make_the_mean_that_of_all_images():
    for size in (2, 3, 6):
        shares = parts(arrays, size)
        assert [each.weight(0) for each in shares] == [1] * size
        counts = [each.weight(3) * 5 / size for each in shares]  # of the last batch, of five
        assert sum(counts) == pytest.approx(5)
        for each, count in zip(shares, counts, strict=True):
            assert len(each[3][1]) == max(1, round(count))
    assert 0 in [each.weight(3) for each in parts(arrays, 6)]


def test_validation_batches_are_taken_in_turn():
    whole = arrays()
    found = [Turns(whole, rank, 3) for rank in range(3)]
    assert [len(each) for each in found] == [2, 1, 1]
    np.testing.assert_array_equal(found[0][1][1], whole[3][1])


def test_one_alone_reads_all():
    data = arrays(), arrays()
    assert share_data(ALONE, *data) == data
    assert ALONE.send(b"kept") == b"kept"
    assert ALONE.describe({"a": 1}) == [{"a": 1}]
    np.testing.assert_array_equal(ALONE.gather(np.arange(3, dtype=np.uint32)), [[0, 1, 2]])
    assert ALONE.requested(2) == 2


def test_a_batch_that_does_not_divide_is_refused():
    group = type("Four", (type(ALONE),), {"size": 4})()
    with pytest.raises(SightkitError, match=r"batch_size=6, processes=4\. Give --batch-size 8"):
        share_data(group, arrays(), arrays())
