from __future__ import annotations

import json
import math

import keras
import pytest

from sightkit._errors import SightkitError
from sightkit.callbacks import BestCheckpoint, Diverged, StopOnDivergence
from sightkit.io import HDF5DatasetGenerator
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline

NAN, INFINITE = float("nan"), float("inf")


def network(rate=0.05, loss="sparse_categorical_crossentropy", classes=3):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), loss)
    return model


@pytest.fixture
def data(write_dataset):
    """100 samples in batches of 8, shuffled."""
    return HDF5DatasetGenerator(
        write_dataset(train=100, validation=10, test=5),
        8,
        preprocessors=Pipeline((ImageToArrayPreprocessor(),)),
        shuffle=True,
        seed=1,
    )


def fit(model, data, *callbacks, epochs=3):
    return model.fit(data, epochs=epochs, verbose=0, shuffle=False, callbacks=[*callbacks])


def feed(guard, losses, model=None, epochs=1):
    """Batches with these losses, given as Keras does: the mean over the epoch."""
    guard.set_model(model or network())
    guard.on_train_begin()
    for epoch in range(epochs):
        guard.on_epoch_begin(epoch)
        total = 0.0
        for batch, loss in enumerate(losses):
            total += loss
            guard.on_train_batch_end(batch, {"loss": total / (batch + 1)})
        guard.on_epoch_end(epoch, {"loss": total / len(losses)})


def stopped(guard, losses, **options):
    with pytest.raises(Diverged) as raised:
        feed(guard, losses, **options)
    return raised.value


def test_a_learning_rate_of_a_million_is_stopped_within_an_epoch(data):
    model = network(rate=1e6)
    before = model.get_weights()
    with pytest.raises(Diverged) as raised:
        fit(model, data, StopOnDivergence(data))
    error = raised.value
    assert error.epoch == 0
    assert 1 <= error.batch < len(data)
    expected = data.rows(0)[error.batch * 8 : (error.batch + 1) * 8].tolist()
    assert error.rows == expected
    text = str(error)
    assert f"epoch=1, batch={error.batch + 1}, samples=[{', '.join(map(str, expected))}]" in text
    assert "learning_rate=1000000.0" in text
    assert "Lower --learning-rate; the network has the weights that it began with again." in text
    assert "\n" not in text
    assert isinstance(error, SightkitError)
    for mine, theirs in zip(model.get_weights(), before, strict=True):
        assert mine.tobytes() == theirs.tobytes()


def test_a_training_that_goes_well_is_left_alone_to_the_last_bit(data):
    alone, guarded = network(), network()
    fit(alone, data)
    data.set_epoch(-1)
    fit(guarded, data, StopOnDivergence(data))
    for mine, theirs in zip(alone.get_weights(), guarded.get_weights(), strict=True):
        assert mine.tobytes() == theirs.tobytes()


@pytest.mark.parametrize(
    ("losses", "at"),
    (
        ([1, 2, 3, 4, 5, 6, 7, 8], 5),  # means 1, 1.5, 2, 2.5, 3, 3.5
        ([1] * 9 + [30], 9),
        ([1] * 9 + [20] + [1] * 9, None),  # one hard batch
        ([0.1] * 30 + [0.8] * 12, 32),  # the last ten, not the epoch
        ([1, NAN], 1),
        ([NAN], 0),
        ([1, 1, INFINITE], 2),
        ([1, 0.1, 2.9, 2.9, 2.9] + [2.9] * 20, None),
    ),
)
def test_when_it_stops(losses, at):
    model, guard = network(loss="mse"), StopOnDivergence()
    if at is None:
        feed(guard, losses, model=model)
    else:
        error = stopped(guard, losses, model=model)
        assert (error.epoch, error.batch, error.rows) == (0, at, None)


def test_the_epochs_follow_on_each_other():
    """The window and the first loss go over the epoch's end; Keras' mean begins anew."""
    guard = StopOnDivergence()
    feed(guard, [1, 1, 1, 2], model=network(loss="mse"), epochs=4)
    assert stopped(guard, [1, 4, 5, 6, 7, 8], model=network(loss="mse"), epochs=1).batch == 5


@pytest.mark.parametrize("initial", (0.0, -2.0))
def test_a_loss_that_begins_at_or_below_zero_has_no_multiple(initial):
    feed(StopOnDivergence(), [initial, 5, 50], model=network(loss="mse"))
    assert stopped(StopOnDivergence(), [initial, NAN], model=network(loss="mse")).batch == 1


def test_a_fine_tuned_network_may_become_worse_than_its_easy_start():
    easy = [0.01, *[1.5] * 30]
    feed(StopOnDivergence(), easy)
    assert stopped(StopOnDivergence(), easy, model=network(loss="mse")).batch == 1
    assert stopped(StopOnDivergence(), [0.01, *[3.5] * 30]).batch == 10  # 3 log 3 = 3.30


@pytest.mark.parametrize(
    "loss",
    (
        "sparse_categorical_crossentropy",
        keras.losses.SparseCategoricalCrossentropy(),
        keras.losses.sparse_categorical_crossentropy,
    ),
)
def test_clipped_crossentropies_of_many_classes_are_seen(loss):
    """Three times log 1000 are 20.7; clipped probabilities never lose more than 16.1."""
    start, worst = math.log(1000), -math.log(1e-7)
    model = network(loss=loss, classes=1000)
    assert stopped(StopOnDivergence(), [start, *[worst] * 20], model=model).batch <= 10
    model = network(loss=loss, classes=1000)  # penalties on the weights are no error
    feed(StopOnDivergence(), [start + 30, *[start + 30] * 20], model=model)


def test_the_best_weights_are_returned(tmp_path, data):
    best = BestCheckpoint(tmp_path / "best.weights.h5", monitor="loss")
    model = network()

    class Raise(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.model.optimizer.learning_rate = 1e6

    for guard in (StopOnDivergence(data, best=best), StopOnDivergence(data)):
        model = network()
        data.set_epoch(-1)
        with pytest.raises(Diverged, match="best") as raised:
            fit(model, data, guard, best, Raise())
        assert raised.value.epoch == 2
        expected = network()
        expected.optimizer.build(expected.trainable_variables)  # the file holds it too
        expected.load_weights(best.path)
        for mine, theirs in zip(model.get_weights(), expected.get_weights(), strict=True):
            assert mine.tobytes() == theirs.tobytes()


def test_samples_that_hold_nan_are_named_and_the_rate_is_not_blamed(data):
    class Broken:
        """One sample of the epoch's third batch is NaN."""

        batch_size = 8

        def rows(self, epoch):
            return data.rows(epoch)

        def __getitem__(self, index):
            x, y = data[index]
            if index == 2:
                x = x.copy()
                x[5, 0, 0] = NAN
            return x, y

    error = stopped(StopOnDivergence(Broken()), [1.0, 1.0, NAN])
    assert error.broken == [data.rows(0)[21]]
    assert f"Samples [{error.broken[0]}] hold NaN or infinity: put the data right" in str(error)
    assert "Lower" not in str(error)


def test_weights_of_nan_stop_the_epoch_even_where_the_loss_hides_them(data):
    """On a CPU TensorFlow's ReLU makes 0 of NaN: the loss stays finite."""

    class Broken(keras.utils.PyDataset):
        """One sample of the epoch's second batch is NaN."""

        batch_size = 8

        def rows(self, epoch):
            return data.rows(epoch)

        def __len__(self):
            return len(data)

        def __getitem__(self, index):
            x, y = data[index]
            if index == 1:
                x = x.copy()
                x[3, 0, 0] = NAN
            return x, y

    model = network()
    before = model.get_weights()
    with pytest.raises(Diverged, match="weights hold NaN or infinity") as raised:
        fit(model, Broken(), StopOnDivergence(Broken()))
    assert (raised.value.epoch, raised.value.broken) == (0, [data.rows(0)[11]])
    for mine, first in zip(model.get_weights(), before, strict=True):
        assert mine.tobytes() == first.tobytes()


def test_many_samples_are_counted(write_dataset):
    data = HDF5DatasetGenerator(write_dataset(train=100, validation=3, test=3), 64)
    error = stopped(StopOnDivergence(data), [1.0, NAN])
    assert error.rows == list(range(64, 100))
    assert "samples=[64, 65, 66, 67, 68, 69, 70, 71, …] (36 in all)" in str(error)


def test_with_several_steps_an_execution_all_their_samples_are_named(data):
    model = network(rate=1e6)
    model.compile(
        keras.optimizers.SGD(1e6), "sparse_categorical_crossentropy", steps_per_execution=4
    )
    with pytest.raises(Diverged) as raised:
        fit(model, data, StopOnDivergence(data))
    assert len(raised.value.rows) == 32


def test_an_execution_that_is_counted_beyond_the_epoch_ends_with_its_last_sample(data):
    """100 samples are 13 batches; of four steps an execution Keras counts 16."""
    guard = StopOnDivergence(data)
    guard.set_model(network())
    guard.on_train_begin()
    guard.on_epoch_begin(0)
    guard.on_train_batch_end(11, {"loss": 1.0})
    with pytest.raises(Diverged) as raised:
        guard.on_train_batch_end(15, {"loss": NAN})
    assert raised.value.rows == [int(row) for row in data.rows(0)[96:]]


def test_a_resumed_run_remembers_the_first_loss():
    guard = StopOnDivergence()
    feed(guard, [1.0, 0.5, 0.4], model=network(loss="mse"))
    state = json.loads(json.dumps(guard.get_state(), allow_nan=False))
    resumed = StopOnDivergence()
    resumed.set_state(state)
    assert resumed.initial == 1.0
    error = stopped(resumed, [12.0], model=network(loss="mse"))
    assert error.batch == 0  # the mean of 1, 0.5, 0.4 and 12 is 3.475


def test_logs_without_a_loss_are_told():
    guard = StopOnDivergence()
    guard.set_model(network())
    guard.on_train_begin()
    with pytest.raises(SightkitError, match="'generator_loss'"):
        guard.on_train_batch_end(0, {"generator_loss": 1.0})


@pytest.mark.parametrize("factor", (1, 0, -3, NAN))
def test_a_factor_that_makes_no_sense_is_refused(factor):
    with pytest.raises(SightkitError, match="factor must be above 1"):
        StopOnDivergence(factor=factor)
