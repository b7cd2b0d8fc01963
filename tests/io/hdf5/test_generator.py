from __future__ import annotations

import hashlib
import multiprocessing
import pickle
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightkit._errors import SightkitError
from sightkit.io import HDF5DatasetGenerator, HDF5DatasetWriter
from sightkit.preprocessing import Augment, ImageToArrayPreprocessor, Pipeline

VARY = Augment(rotation=15, translation=0.1, zoom=0.1, brightness=0.1, horizontal_flip=True)


def batches(generator):
    return [generator[index] for index in range(len(generator))]


def digest(generator):
    parts = (part.tobytes() for batch in batches(generator) for part in batch)
    return hashlib.sha256(b"".join(parts)).hexdigest()


def row_numbers(generator):
    """write_dataset leaves the number of each row in its last pixel."""
    return [int(row) for x, _ in batches(generator) for row in x[:, -1, -1, 0]]


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    """A file for each n: rows whose pixels say which they are."""
    folder = tmp_path_factory.mktemp("numbered")

    def file(count):
        path = folder / f"{count}.h5"
        if not path.exists():
            images = np.zeros((count, 2, 2, 3), np.uint8)
            images[..., 0] = (np.arange(count) % 256)[:, None, None]
            images[..., 1] = (np.arange(count) // 256)[:, None, None]
            names = ("a", "b", "c", "d", "e", "f", "g")
            with HDF5DatasetWriter(images.shape, path, class_names=names) as writer:
                writer.add(images, np.arange(count) % 7)
        return path

    return file


@given(
    st.integers(1, 70),
    st.integers(1, 80),
    st.booleans(),
    st.integers(0, 2**31 - 1),
    st.integers(0, 99),
)
def test_every_sample_comes_once_an_epoch_with_its_own_label(
    numbered, count, size, shuffle, seed, epoch
):
    generator = HDF5DatasetGenerator(numbered(count), size, shuffle=shuffle, seed=seed)
    generator.set_epoch(epoch)
    found = batches(generator)
    assert len(found) == -(-count // size)
    assert [len(x) for x, _ in found[:-1]] == [size] * (len(found) - 1)
    assert len(found[-1][0]) == count - size * (len(found) - 1)
    x, y = (np.concatenate(parts) for parts in zip(*found, strict=True))
    numbers = x[:, 0, 0, 0] + 256 * x[:, 0, 0, 1].astype(int)
    assert np.array_equal(np.sort(numbers), np.arange(count))
    assert np.array_equal(y, numbers % 7)
    assert y.dtype == np.int64
    if not shuffle:
        assert np.array_equal(numbers, np.arange(count))


def test_rows_are_uint8_without_a_chain_and_floats_with_one(write_dataset):
    path = write_dataset(train=10)
    raw, _ = HDF5DatasetGenerator(path, 10)[0]
    assert raw.dtype == np.uint8
    to_array = Pipeline((ImageToArrayPreprocessor(),))
    floats, _ = HDF5DatasetGenerator(path, 10, preprocessors=to_array)[0]
    assert floats.dtype == np.float32
    assert np.allclose(floats, raw / 255)


def test_each_split_has_its_own_rows(write_dataset):
    path = write_dataset()  # 20, 6 and 5 rows
    splits = {s: HDF5DatasetGenerator(path, 4, split=s) for s in ("train", "validation", "test")}
    assert [g.count for g in splits.values()] == [20, 6, 5]
    assert [row for g in splits.values() for row in row_numbers(g)] == list(range(31))
    assert np.array_equal(splits["test"].labels, np.arange(26, 31) % 3)
    assert np.array_equal(splits["test"].images(np.array([2, 0]))[:, -1, -1, 0], [28, 26])


def test_the_order_is_a_function_of_seed_and_epoch(write_dataset):
    path = write_dataset(train=50)
    first, again = (HDF5DatasetGenerator(path, 7, shuffle=True, seed=3) for _ in range(2))
    for _ in range(4):
        first.on_epoch_begin()
    batches(first)
    first.set_epoch(2)
    again.set_epoch(2)
    assert row_numbers(first) == row_numbers(again)
    again.set_epoch(3)
    assert row_numbers(first) != row_numbers(again)
    other = HDF5DatasetGenerator(path, 7, shuffle=True, seed=4)
    other.set_epoch(2)
    assert row_numbers(first) != row_numbers(other)


def test_batches_may_be_asked_for_in_any_order_and_twice(write_dataset):
    generator = HDF5DatasetGenerator(write_dataset(train=23), 5, shuffle=True, augment=VARY, seed=1)
    forward = batches(generator)
    for index in (4, 0, 3, 3, 1, 2):
        assert np.array_equal(generator[index][0], forward[index][0])


@pytest.mark.parametrize("shuffle", (False, True))
def test_augmentation_depends_on_seed_epoch_and_sample_alone(shuffle, write_dataset):
    path = write_dataset(train=20)

    def varied(size, seed=1, epoch=0):
        generator = HDF5DatasetGenerator(path, size, shuffle=shuffle, augment=VARY, seed=seed)
        generator.set_epoch(epoch)
        x = np.concatenate([x for x, _ in batches(generator)])
        return x[np.argsort(generator.rows(epoch))]  # in the file's order

    expected = varied(20)
    for size in (1, 3, 7, 64):
        assert np.array_equal(varied(size), expected)
    assert not np.array_equal(varied(20, seed=2), expected)
    assert not np.array_equal(varied(20, epoch=1), expected)


def test_shuffling_does_not_change_how_a_sample_is_varied(write_dataset):
    path = write_dataset(train=20)
    plain = HDF5DatasetGenerator(path, 20, augment=VARY, seed=1)
    mixed = HDF5DatasetGenerator(path, 20, augment=VARY, seed=1, shuffle=True)
    assert np.array_equal(mixed[0][0], plain[0][0][mixed.rows(0)])


@pytest.mark.parametrize("split", ("validation", "test"))
def test_only_the_training_split_is_augmented(split, write_dataset):
    with pytest.raises(SightkitError, match=f"Received: split='{split}'"):
        HDF5DatasetGenerator(write_dataset(), 4, split=split, augment=VARY)


@pytest.mark.parametrize(
    ("arguments", "told"),
    (
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": -3}, "batch_size=-3"),
        ({"batch_size": 2.0}, r"batch_size=2\.0"),
        ({"batch_size": True}, "batch_size=True"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": 0.5}, r"seed=0\.5"),
    ),
)
def test_sizes_and_seeds_out_of_range_are_refused(arguments, told, write_dataset):
    with pytest.raises(SightkitError, match=told):
        HDF5DatasetGenerator(write_dataset(), **{"batch_size": 4, **arguments})


def test_numbers_of_numpy_are_numbers(write_dataset):
    path = write_dataset()
    generator = HDF5DatasetGenerator(path, np.int64(7), seed=np.uint8(3), shuffle=True)
    expected = HDF5DatasetGenerator(path, 7, seed=3, shuffle=True)
    assert digest(generator) == digest(expected)
    generator.set_epoch(np.int64(1))
    expected.set_epoch(1)
    assert digest(generator) == digest(expected)


def test_an_unknown_split_is_refused_with_those_there_are(write_dataset):
    with pytest.raises(SightkitError, match=r"train.*validation.*test"):
        HDF5DatasetGenerator(write_dataset(), 4, split="val")


def test_it_works_after_pickling(write_dataset):
    generator = HDF5DatasetGenerator(write_dataset(train=30), 7, shuffle=True, augment=VARY, seed=9)
    generator.set_epoch(3)
    expected = digest(generator)
    pickled = pickle.dumps(generator)
    assert len(pickled) < 10_000  # the images are not carried along
    assert digest(pickle.loads(pickled)) == expected


@pytest.mark.slow
def test_it_works_in_another_process(write_dataset):
    generator = HDF5DatasetGenerator(write_dataset(train=30), 7, shuffle=True, augment=VARY, seed=9)
    expected = generator[1]
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        x, y = pool.apply(HDF5DatasetGenerator.__getitem__, (generator, 1))
    assert np.array_equal(x, expected[0])
    assert np.array_equal(y, expected[1])


class Recording(HDF5DatasetGenerator):
    """Keeps which rows were asked for in which epoch."""

    def __init__(self, *args, pause: float = 0.0, **kwargs):
        super().__init__(*args, **kwargs)
        self.pause = pause
        self.asked: list[list[int]] = []

    def on_epoch_begin(self):
        time.sleep(self.pause)
        super().on_epoch_begin()

    def __getitem__(self, index):
        x, y = super().__getitem__(index)
        return (x / 255).astype("float32"), np.stack([y, x[:, -1, -1, 0]], axis=1)


def rows_that_fit_meets(generator, epochs=3):
    """Train with plain Keras; the labels carry the row's number to the loss."""
    import keras

    seen: list[int] = []

    def loss(truth, prediction):
        seen.extend(int(row) for row in keras.ops.convert_to_numpy(truth)[:, 1])
        return keras.ops.mean(prediction)

    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    model.compile("sgd", loss, run_eagerly=True)
    model.fit(generator, epochs=epochs, verbose=0, shuffle=False)
    size = generator.count
    return [seen[start : start + size] for start in range(0, epochs * size, size)]


def test_plain_fit_mixes_each_epoch_anew_and_meets_every_row(write_dataset):
    path = write_dataset(train=20)
    met = rows_that_fit_meets(Recording(path, 6, shuffle=True, seed=2))
    assert [sorted(epoch) for epoch in met] == [list(range(20))] * 3
    reference = HDF5DatasetGenerator(path, 6, shuffle=True, seed=2)
    assert met == [reference.rows(epoch).tolist() for epoch in range(3)]


@pytest.mark.slow
def test_plain_fit_with_several_workers_meets_every_row(write_dataset):
    # The pause makes a race that is rare into one that is lost for sure.
    generator = Recording(
        write_dataset(train=20), 1, shuffle=True, seed=2, pause=0.2, workers=2, max_queue_size=4
    )
    met = rows_that_fit_meets(generator)
    assert [sorted(epoch) for epoch in met] == [list(range(20))] * 3


def test_an_epoch_may_begin_at_a_later_batch_and_the_next_at_0(write_dataset):
    generator = HDF5DatasetGenerator(write_dataset(train=23), 5, shuffle=True)
    generator.set_epoch(3)
    whole = [x for x, _ in (generator[index] for index in range(len(generator)))]
    generator.set_epoch(3, 2)
    rest = [x for x, _ in (generator[index] for index in range(len(generator)))]
    assert len(whole) == 5
    assert len(rest) == 3
    assert all(np.array_equal(*pair) for pair in zip(rest, whole[2:], strict=True))
    generator.on_epoch_end()
    assert (generator.epoch, len(generator)) == (4, 5)


@pytest.mark.parametrize("shuffle", (False, True))
def test_a_batch_is_the_callers_own(shuffle, write_dataset):
    generator = HDF5DatasetGenerator(write_dataset(train=20), 5, shuffle=shuffle)
    x, _ = generator[0]
    before = generator[0][0].copy()
    x[:] = 0  # a view of the file would be read-only, or change it
    assert np.array_equal(generator[0][0], before)


def test_class_weights_come_with_their_images(write_dataset):
    weights = {0: 0.5, 1: 1.0, 2: 3.0}
    path, options = write_dataset(), {"shuffle": True, "seed": 1}
    data = HDF5DatasetGenerator(path, 7, class_weights=weights, **options)
    plain = HDF5DatasetGenerator(path, 7, **options)
    for index in range(len(data)):
        x, y, w = data[index]
        assert w.dtype == np.float32 and w.tolist() == [weights[label] for label in y.tolist()]
        for found, expected in zip((x, y), plain[index], strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "wrong",
    (
        {},
        {0: 1.0, 5: 2.0},
        {0: 1.0, 1: 2.0},
        {0: 1.0, 1: 2.0, 2: 3.0, 3: 4.0},
        {"positives": 2.0},
        [1.0],
        [1.0, 2.0, 3.0, 4.0],
        {0: 1.0, 1: 2.0, 2: -0.5},
        {0: 1.0, 1: 2.0, 2: float("nan")},
        {0: 1.0, 1: 2.0, 2: 1e300},
        {0: 1.0, 1: 2.0, 2: "2"},
    ),
)
def test_class_weights_of_other_classes_are_refused_at_once(wrong, write_dataset):
    with pytest.raises(SightkitError, match=r"class_weights must be.*Received.*io\.class_weights"):
        HDF5DatasetGenerator(write_dataset(), 7, class_weights=wrong)


def test_class_weights_may_be_numbers_of_numpy(write_dataset):
    weights = {np.int64(k): np.float32(w) for k, w in enumerate((0, 1, 2.5))}
    _, y, w = HDF5DatasetGenerator(write_dataset(), 7, class_weights=weights)[0]
    assert w.tolist() == [weights[label] for label in y.tolist()]
