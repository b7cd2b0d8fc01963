from __future__ import annotations

import json

import keras
import pytest

from sightkit._errors import SightkitError
from sightkit.callbacks import BestCheckpoint, Diverged, StopOnDivergence
from sightkit.io import HDF5DatasetGenerator
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline

NAN, INFINITE = float("nan"), float("inf")


def network(
    rate=0.05, loss="sparse_categorical_crossentropy", classes=3, activation: object = "relu"
):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, activation=activation),
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


def feed(guard, losses, model=None, epochs=1, start=0):
    """Batches with these losses, given as Keras does: the mean over the epoch."""
    guard.set_model(model or network())
    guard.set_params({"steps": len(losses)})
    guard.on_train_begin()
    for epoch in range(start, start + epochs):
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


def test_a_rate_of_a_million_is_stopped_within_two_epochs(data):
    model = network(rate=1e6)
    with pytest.raises(Diverged) as raised:
        fit(model, data, StopOnDivergence(data))
    error = raised.value
    assert error.epoch <= 1
    assert 1 <= error.batch < len(data)
    assert error.rows is None  # it is no sample's fault
    text = str(error)
    assert f"epoch={error.epoch + 1}, batch={error.batch + 1}, learning_rate" in text
    assert "learning_rate=1000000.0" in text
    assert "Lower --learning-rate, or give --guard off; " in text
    assert "the network has the weights that it began with again." in text
    assert "\n" not in text
    assert isinstance(error, SightkitError)


def test_an_epoch_above_the_limit_is_not_the_best(tmp_path, data):
    best = BestCheckpoint(tmp_path / "best.weights.h5", monitor="loss")
    for guard, others in (
        (StopOnDivergence(data), []),
        (StopOnDivergence(data, best=best), [best]),
    ):
        model = network(rate=1e6)
        before = model.get_weights()
        data.set_epoch(-1)
        with pytest.raises(Diverged, match="began with") as raised:
            fit(model, data, guard, *others)
        assert raised.value.epoch == 1
        for mine, first in zip(model.get_weights(), before, strict=True):
            assert mine.tobytes() == first.tobytes()


@pytest.mark.slow
def test_a_training_that_goes_well_is_left_alone_to_the_last_bit(data):
    alone, guarded = network(), network()
    fit(alone, data)
    data.set_epoch(-1)
    fit(guarded, data, StopOnDivergence(data))
    for mine, theirs in zip(alone.get_weights(), guarded.get_weights(), strict=True):
        assert mine.tobytes() == theirs.tobytes()


def test_a_burst_that_comes_back_is_left_alone():
    feed(StopOnDivergence(), [1, 900, 30, *[2] * 5, *[0.5] * 8], model=network(loss="mse"))
    assert stopped(StopOnDivergence(), [1, *[4] * 15], model=network(loss="mse")).batch == 15


@pytest.mark.parametrize(
    "loss",
    (
        "sparse_categorical_crossentropy",
        keras.losses.SparseCategoricalCrossentropy(),
        keras.losses.sparse_categorical_crossentropy,
    ),
)
def test_crossentropies_start_at_least_at_chance(loss):
    easy = [0.01, *[3] * 15]  # 3 log 3 = 3.30
    feed(StopOnDivergence(), easy, model=network(loss=loss))
    assert stopped(StopOnDivergence(), easy, model=network(loss="mse")).batch == 15
    assert stopped(StopOnDivergence(), [0.01, *[4] * 15], model=network(loss=loss)).batch == 15


def dead(classes=3):
    """Whatever comes, it answers the same."""
    model = network(classes=classes)
    model.layers[-1].set_weights([w * 0 for w in model.layers[-1].get_weights()])
    return model


@pytest.mark.parametrize("alive", (False, True))
def test_a_dead_network_is_told_by_a_probe_of_the_data(alive, data):
    guard = StopOnDivergence(data)
    model = network() if alive else dead()
    if alive:  # the first 64 images are not all of one class then
        model.layers[-1].set_weights([w * 100 for w in model.layers[-1].get_weights()])
    feed(guard, [1.1, 50, 9, *[1.2] * 17], model=model)
    if alive:
        feed(guard, [1.1] * 20, model=model, start=1)
        return
    with pytest.raises(Diverged, match="one class is predicted for all of 64") as raised:
        feed(guard, [1.1] * 20, model=model, start=1)
    assert (raised.value.epoch, raised.value.batch) == (1, 19)


def test_a_network_of_one_sigmoid_is_probed_too(data):
    for scale, alive in ((0.0, False), (100.0, True)):
        model = network(loss="binary_crossentropy", classes=1)
        hidden = model.layers[-2].output
        end = keras.layers.Dense(1, activation="sigmoid")(hidden)
        model = keras.Model(model.inputs[0], end)
        model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy")
        kernel, bias = model.layers[-1].get_weights()
        kernel -= kernel.mean()
        model.layers[-1].set_weights([kernel * scale, bias])
        guard = StopOnDivergence(data)
        guard.set_model(model)
        assert guard._one_class() is not alive


@pytest.mark.slow
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
            fit(model, data, guard, best, Raise(), epochs=4)
        assert raised.value.epoch in (2, 3)
        expected = network()
        expected.optimizer.build(expected.trainable_variables)  # the file holds it too
        expected.load_weights(best.path)
        for mine, theirs in zip(model.get_weights(), expected.get_weights(), strict=True):
            assert mine.tobytes() == theirs.tobytes()


@pytest.mark.slow
def test_nan_samples_are_named_and_the_rate_is_not_blamed(data):
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
    assert f"Samples [{error.broken[0]}] hold NaN or infinity: fix the data" in str(error)
    assert "Lower" not in str(error)


@pytest.mark.slow
def test_nan_weights_stop_the_epoch_even_if_the_loss_hides_them(data):
    """Some of TensorFlow's ReLUs make 0 of NaN, depending on the CPU; this one always does."""

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

    ops = keras.ops
    model = network(activation=lambda x: ops.where(ops.isnan(x), 0.0, ops.relu(x)))
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
    assert "samples=[64, 65, 66, 67, 68, 69, 70, 71], samples_in_all=36" in str(error)


def test_all_samples_of_a_several_step_execution_are_named(data):
    model = network()
    model.layers[-1].set_weights([w * NAN for w in model.layers[-1].get_weights()])
    model.compile("sgd", "sparse_categorical_crossentropy", steps_per_execution=4)
    with pytest.raises(Diverged) as raised:
        fit(model, data, StopOnDivergence(data))
    assert len(raised.value.rows) == 32


def test_an_execution_beyond_the_epoch_ends_with_its_last_sample(data):
    """100 samples are 13 batches; of four steps an execution Keras counts 16."""
    guard = StopOnDivergence(data)
    guard.set_model(network())
    guard.on_train_begin()
    guard.on_epoch_begin(0)
    guard.on_train_batch_end(11, {"loss": 1.0})
    with pytest.raises(Diverged) as raised:
        guard.on_train_batch_end(15, {"loss": NAN})
    assert raised.value.rows == [int(row) for row in data.rows(0)[96:]]


class RaiseRate(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            self.model.optimizer.learning_rate = 1e7


STEPS = keras.optimizers.schedules.PiecewiseConstantDecay([15], [0.01, 1e7])


@pytest.mark.parametrize(("rate", "others"), ((0.01, [RaiseRate()]), (STEPS, [])))
def test_the_message_names_the_rate_that_was_in_force(rate, others, tmp_path, data):
    """Best weights come with their optimizer, whose rate is another."""
    best = BestCheckpoint(tmp_path / "best.weights.h5", monitor="loss")
    model = network(rate=rate)
    with pytest.raises(Diverged, match="its best") as raised:
        fit(model, data, StopOnDivergence(data, best=best), best, *others, epochs=9)
    assert "learning_rate=10000000.0" in str(raised.value)


def test_the_rate_is_that_of_the_step_that_was_made():
    """PiecewiseConstantDecay changes after the boundary: step 3 is the last with the first rate."""
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([3], [0.5, 7.0])
    for made, expected in ((4, "0.5"), (5, "7.0")):
        model = network(rate=schedule)
        model.optimizer.iterations.assign(made)
        assert f"learning_rate={expected}" in str(
            stopped(StopOnDivergence(), [1.0, NAN], model=model)
        )
    wrapped = network()
    wrapped.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.25)), "mse")
    assert "learning_rate=0.25" in str(stopped(StopOnDivergence(), [1.0, NAN], model=wrapped))


def test_a_resumed_run_remembers_the_losses():
    guard = StopOnDivergence()
    feed(guard, [1.0, 900.0, *[4.0] * 6, *[3.5] * 8], model=network(loss="mse"))
    state = json.loads(json.dumps(guard.get_state(), allow_nan=False))
    resumed = StopOnDivergence()
    resumed.set_state(state)
    assert resumed.detector.initial == 1.0
    error = stopped(resumed, [3.5] * 16, model=network(loss="mse"), start=1)
    assert (error.epoch, error.batch) == (1, 15)


def test_a_run_resumed_within_an_epoch_reads_the_same_losses():
    """Keras' mean goes on where it was: its first value is no loss of one batch."""
    losses = [1.0, 900.0, *[4.0] * 6, *[3.5] * 8]
    means = [sum(losses[: n + 1]) / (n + 1) for n in range(16)]
    whole, resumed = StopOnDivergence(), StopOnDivergence()
    for guard, batches in ((whole, range(10)), (resumed, range(10, 15))):
        guard.set_model(network(loss="mse"))
        guard.set_params({"steps": 16})
        guard.on_train_begin()
        guard.on_epoch_begin(0)
        for batch in batches:
            guard.on_train_batch_end(batch, {"loss": means[batch]})
        if guard is whole:
            resumed.set_state(json.loads(json.dumps(whole.get_state(), allow_nan=False)))
    assert resumed.get_state()["losses"] == pytest.approx(losses[:15])


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
