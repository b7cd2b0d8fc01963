from __future__ import annotations

import inspect
import json
import math

import keras
import numpy as np
import pytest

from sightkit import callbacks
from sightkit._errors import SightkitError
from sightkit.callbacks import (
    AdaptiveRate,
    ManualDrops,
    OneCycle,
    StatefulCallback,
    StepDrop,
)
from sightkit.callbacks.schedules import Schedule
from sightkit.training.state import Position, TrainingState

STEPS = [0, 1, 2, 7, 9, 10, 11, 29, 30, 31, 59, 60, 89, 90, 99, 100, 101, 250]


def one_cycle(t, highest=0.4, steps=100, rise=0.3, first=25, last=1e4):
    start, end, peak = highest / first, highest / first / last, rise * steps
    low, share = (start, t / peak) if t < peak else (end, (steps - min(t, steps)) / (steps - peak))
    return low + (highest - low) * (1 - math.cos(math.pi * share)) / 2


# Schedule and the closed formula of the notes or the paper, in double precision.
CASES = {
    "step": (StepDrop(0.01, 10, 0.5, 3), lambda t: 0.01 * 0.5 ** ((1 + t // 10) // 3)),
    "step 0.1": (StepDrop(0.01, 10, 0.1, 1), lambda t: 0.01 * 0.1 ** (1 + t // 10)),
    "one cycle": (OneCycle(0.4, 100), one_cycle),
    "manual": (
        ManualDrops([(0, 0.01), (3, 0.001), (9, 0.0001)], 10),
        lambda t: 0.01 if t < 30 else 0.001 if t < 90 else 0.0001,
    ),
}
of_keras = keras.optimizers.schedules
RESUMED = {name: CASES[name][0] for name in ("step", "one cycle", "manual")}
RESUMED["warm-up"] = of_keras.CosineDecay(0.001, 90, 0.02, warmup_target=0.1, warmup_steps=10)
EVERY_STEP = range(260)


def test_warmed_cosine_rises_and_falls_to_nothing():
    found = values(callbacks.warmed_cosine(0.1, 100, 0.1), range(101))
    assert found.argmax() == 10 and abs(found[10] - 0.1) < 1e-6 and found[0] == 0
    assert (np.diff(found[:11]) > 0).all() and (np.diff(found[10:]) < 0).all() and found[-1] < 1e-6


def values(schedule, steps=STEPS):
    return np.array([float(schedule(step)) for step in steps])


def test_every_schedule_has_a_case():
    known = {
        name
        for name in callbacks.__all__
        if inspect.isclass(getattr(callbacks, name))
        and issubclass(getattr(callbacks, name), Schedule)
    }
    assert known == {type(schedule).__name__ for schedule, _ in CASES.values()}
    assert len(known) == 3


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_closed_formula_at_every_step(name):
    schedule, formula = CASES[name]
    expected = np.array([formula(step) for step in EVERY_STEP])
    found = values(schedule, EVERY_STEP)
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-7 * expected.max())


def test_piecewise_constants_of_keras_change_a_step_late():
    """The reason for ManualDrops; where this fails, Keras has mended it."""
    theirs = of_keras.PiecewiseConstantDecay([30, 90], [0.01, 0.001, 0.0001])
    late = [step for step in EVERY_STEP if theirs(step) != CASES["manual"][0](step)]
    assert late == [30, 90]


def test_the_notes_worked_step_drop():
    """S1's MiniVGGNet: 0.01, F = 0.25 every five epochs: 0.01, then 0.0025, then 0.000625."""
    rates = values(StepDrop(0.01, 1, 0.25, 5), range(10))
    np.testing.assert_allclose(rates, [0.01] * 4 + [0.0025] * 5 + [0.000625], rtol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_it_survives_json_with_its_optimizer(name):
    schedule = CASES[name][0]
    optimizer = keras.optimizers.SGD(schedule)
    config = json.loads(json.dumps(keras.optimizers.serialize(optimizer), allow_nan=False))
    again = keras.optimizers.deserialize(config)
    again.iterations.assign(31)
    assert float(again.learning_rate) == float(schedule(31))
    assert type(schedule).from_config(json.loads(json.dumps(schedule.get_config()))) == schedule


@pytest.mark.parametrize("name", CASES)
def test_a_step_of_any_kind_gives_the_same_float32(name):
    schedule = CASES[name][0]
    for step in (0, 37, 250):
        expected = float(schedule(step))
        variable = keras.Variable(step, dtype="int64", trainable=False)
        for each in (np.int64(step), keras.ops.convert_to_tensor(step), variable):
            assert float(schedule(each)) == expected
        assert keras.backend.standardize_dtype(schedule(variable).dtype) == "float32"


def test_epochs_are_counted_exactly_where_float32_cannot():
    """16,777,217 is no float32: as one, the epoch would begin a step too late."""
    schedule = ManualDrops([(0, 1.0), (1, 0.5)], steps_per_epoch=2**24 + 1)
    assert values(schedule, [2**24, 2**24 + 1]).tolist() == [1.0, 0.5]


class Rates(StatefulCallback):
    """The learning rate of each step, as the step uses it."""

    def __init__(self, stop_after=None):
        super().__init__()
        self.rates, self.stop_after = [], stop_after

    def on_train_batch_begin(self, batch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))

    def on_train_batch_end(self, batch, logs=None):
        if len(self.rates) == self.stop_after:
            raise KeyboardInterrupt

    def get_state(self):
        return {}

    def set_state(self, state):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("name", [*RESUMED, "adaptive"])
def test_resumed_steps_have_the_rates_of_an_uninterrupted_run(name, tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)).astype("float32"), rng.normal(size=(40, 1)).astype("float32")

    def train(folder, *, stop_after=None, resume=False):
        adaptive = name == "adaptive"
        rate = 0.01 if adaptive else RESUMED[name]
        extra = [AdaptiveRate(monitor="loss", patience=1, steady=1, slow=0.5)] if adaptive else []
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.set_weights([np.full((3, 1), 0.1), np.zeros(1)])
        model.compile(keras.optimizers.SGD(rate, momentum=0.9), "mse")
        state = TrainingState(model, extra, folder)
        seen = Rates(stop_after)
        if resume:
            state.restore_latest()
        save = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: state.save(Position(epoch + 1))
        )
        try:
            model.fit(
                x,
                y,
                4,
                6,
                0,
                [*extra, seen, save],
                shuffle=False,
                initial_epoch=state.position.epoch,
            )
        except KeyboardInterrupt:
            pass
        return seen.rates

    for folder in ("whole", "killed"):
        (tmp_path / folder).mkdir()
    whole = train(tmp_path / "whole")
    assert len(whole) == 60
    assert len(set(whole)) > 1
    train(tmp_path / "killed", stop_after=27)
    assert train(tmp_path / "killed", resume=True) == whole[20:]


@pytest.mark.parametrize(
    "make",
    (
        lambda: StepDrop(0.1, 0),
        lambda: StepDrop(0.1, 10, factor=0),
        lambda: StepDrop(0.1, 10, every=0),
        lambda: StepDrop(float("nan"), 10),
        lambda: OneCycle(0.1, 10, rise=1.0),
        lambda: OneCycle(0.1, 10, start_divisor=0),
        lambda: ManualDrops([], 10),
        lambda: ManualDrops([(1, 0.1)], 10),
        lambda: ManualDrops([(0, 0.1), (5, 0.01), (5, 0.001)], 10),
        lambda: ManualDrops([(0, 0.1), (5, 0.0)], 10),
    ),
)
def test_values_that_make_no_sense_are_refused(make):
    with pytest.raises(SightkitError, match="Received"):
        make()
