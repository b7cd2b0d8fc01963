from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit import io
from sightkit._errors import SightkitError
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline
from sightkit.training import CutMix, MixUp, SoftLabels


@pytest.fixture
def generator(write_dataset):
    path = write_dataset(train=40, validation=8, test=4)

    def make(split="train", **options):
        options = {"shuffle": split == "train", "seed": 1, **options}
        chain = Pipeline((ImageToArrayPreprocessor(),))
        return io.HDF5DatasetGenerator(path, 8, split=split, preprocessors=chain, **options)

    return make


def batch(rng, count=6):
    return rng.random((count, 8, 10, 3)).astype("float32"), io.one_hot(np.arange(count) % 3, 3)


def test_mixup_blends_images_and_labels_alike(rng):
    x, y = batch(rng)
    mixed, shares = MixUp(0.5)(x, y, np.random.default_rng(7))
    draws = np.random.default_rng(7)
    share, other = draws.beta(0.5, 0.5), draws.permutation(6)
    np.testing.assert_allclose(mixed, share * x + (1 - share) * x[other], rtol=1e-5)
    np.testing.assert_allclose(shares, share * y + (1 - share) * y[other], rtol=1e-5)
    assert (mixed.dtype, shares.dtype) == (np.float32, np.float32)


def test_cutmix_labels_are_the_share_of_pixels(rng):
    x, y = batch(rng)
    kept = set()
    for seed in range(40):
        mixed, shares = CutMix()(x, y, np.random.default_rng(seed))
        draws = np.random.default_rng(seed)
        draws.beta(1, 1)
        other = draws.permutation(6)
        own = (mixed == x).all(axis=3)
        foreign = (mixed == x[other]).all(axis=3)
        assert (own | foreign).all()
        for row in range(6):
            if other[row] == row:
                continue
            part = own[row].mean()
            kept.add(round(part, 3))
            np.testing.assert_allclose(
                shares[row], part * y[row] + (1 - part) * y[other[row]], atol=1e-6
            )
            rows, columns = np.where(~own[row])
            if len(rows):  # one box
                assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    assert min(kept) < 0.5 and max(kept) == 1.0
    assert x.max() <= 1 and not np.shares_memory(x, mixed)


def test_the_mean_area_is_that_of_the_paper(rng):
    """Beta(1, 1) is uniform; boxes cut off at the edge leave a mean share of about 0.72."""
    x, y = np.zeros((2, 100, 100, 1), "float32"), np.eye(2, dtype="float32")
    parts = [CutMix()(x, y, np.random.default_rng(seed))[1][0, 0] for seed in range(800)]
    mixed = [part for part in parts if part < 1]
    sides = np.sqrt(1 - np.random.default_rng(0).uniform(size=20000))
    centre = np.random.default_rng(1).uniform(size=(2, 20000))
    spans = np.minimum(1, centre + sides / 2) - np.maximum(0, centre - sides / 2)
    assert np.mean(mixed) == pytest.approx(1 - np.prod(spans, axis=0).mean(), abs=0.03)


def test_mixing_is_a_function_of_seed_epoch_and_batch(generator):
    def all_batches(epoch, first=0, **options):
        data = SoftLabels(generator(), 3, mixing=MixUp(1.0), **options)
        data.set_epoch(epoch, first)
        return [data[index] for index in range(len(data))]

    whole = all_batches(2)
    rest = all_batches(2, 3)
    assert (len(whole), len(rest)) == (5, 2)
    for ours, theirs in zip(rest, whole[3:], strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert not np.array_equal(whole[0][1], all_batches(2, seed=5)[0][1])
    shares = {float(np.round(y[y < 1].max(), 5)) for _, y in whole}
    assert len(shares) > 2  # each batch has its own


def test_an_epoch_that_ended_leaves_no_batch_behind(generator):
    data = SoftLabels(generator(), 3, mixing=MixUp(1.0))
    data.set_epoch(0, 3)
    data.on_epoch_end()
    assert len(data) == 5
    other = SoftLabels(generator(), 3, mixing=MixUp(1.0))
    other.set_epoch(1)
    assert np.array_equal(data[0][0], other[0][0])


def test_samples_can_be_named(generator):
    """The divergence guard asks for both."""
    soft = SoftLabels(generator(), 3)
    assert soft.batch_size == 8
    np.testing.assert_array_equal(soft.rows(2), generator().rows(2))


def test_plain_it_is_one_hot_and_smoothing_is_keras_own(generator):
    source, plain = generator("validation"), SoftLabels(generator("validation"), 3)
    x, labels = source[0]
    assert np.array_equal(plain[0][0], x)
    assert np.array_equal(plain[0][1], np.eye(3, dtype=np.float32)[labels])
    smooth = SoftLabels(generator("validation"), 3, smoothing=0.3)[0][1]
    np.testing.assert_allclose(smooth.sum(axis=1), 1, rtol=1e-6)
    answers = np.random.default_rng(0).dirichlet(np.ones(3), len(labels)).astype("float32")
    ours = keras.losses.CategoricalCrossentropy()(smooth, answers)
    theirs = keras.losses.CategoricalCrossentropy(label_smoothing=0.3)(plain[0][1], answers)
    assert float(ours) == pytest.approx(float(theirs), rel=1e-5)


def test_class_weights_train_as_keras_own(generator):
    weights = {0: 0.5, 1: 1.0, 2: 3.0}

    def network(loss):
        keras.utils.set_random_seed(0)
        layers = keras.layers
        model = keras.Sequential(
            [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(3, activation="softmax")]
        )
        model.compile(keras.optimizers.SGD(0.1), loss)
        return model

    ours, theirs = network("categorical_crossentropy"), network("sparse_categorical_crossentropy")
    weighted = SoftLabels(generator(shuffle=False), 3, class_weights=weights)
    ours.fit(weighted, shuffle=False, verbose=0)
    source = generator(shuffle=False)
    x, y = (np.concatenate(part) for part in zip(*(source[i] for i in range(5)), strict=True))
    theirs.fit(x, y, batch_size=8, class_weight=weights, shuffle=False, verbose=0)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_weights_follow_mixed_labels_not_smoothed_ones(generator):
    weights = {0: 1.0, 1: 2.0, 2: 5.0}
    mixed = SoftLabels(generator(), 3, mixing=MixUp(1.0), class_weights=weights)[0]
    np.testing.assert_allclose(mixed[2], mixed[1] @ np.array([1, 2, 5], "float32"), rtol=1e-6)
    smooth = SoftLabels(generator(), 3, smoothing=0.5, class_weights=weights)[0]
    assert set(np.unique(smooth[2])) <= {1.0, 2.0, 5.0}


@pytest.mark.parametrize(
    "options",
    (
        {"classes": 1},
        {"smoothing": 1.0},
        {"smoothing": -0.1},
        {"seed": -1},
        {"class_weights": {0: 1.0}},
        {"class_weights": {0: 1.0, 1: 1.0, 2: -1.0}},
    ),
)
def test_numbers_out_of_range_are_refused(options, generator):
    with pytest.raises(SightkitError, match="Received"):
        SoftLabels(generator(), **{"classes": 3, **options})


def test_only_training_data_is_mixed_and_only_floats_are_blended(generator, rng):
    with pytest.raises(SightkitError, match="Only the training split"):
        SoftLabels(generator("validation"), 3, mixing=CutMix())
    for kind in (MixUp, CutMix):
        with pytest.raises(SightkitError, match="alpha"):
            kind(0.0)
    with pytest.raises(SightkitError, match="ImageToArrayPreprocessor"):
        MixUp()(np.zeros((2, 4, 4, 1), np.uint8), np.eye(2, dtype="float32"), rng)


def test_weights_of_the_data_are_those_of_their_soft_labels(generator):
    weights = {0: 1.0, 1: 2.0, 2: 0.5}
    data = SoftLabels(generator(class_weights=weights), 3)
    given = SoftLabels(generator(), 3, class_weights=weights)
    for found, expected in zip(data[0], given[0], strict=True):
        np.testing.assert_array_equal(found, expected)
