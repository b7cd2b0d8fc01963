from __future__ import annotations

import json

import keras
import pytest

from sightkit._errors import SightkitError
from sightkit.callbacks import AdaptiveRate, StepDrop

NAN = float("nan")


def network(rate=0.5):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse")
    return model


def rates(callback, values, model=None):
    """The rate after each epoch."""
    callback.set_model(model or network())
    callback.on_train_begin()
    found = []
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {callback.monitor: value})
        found.append(float(callback.model.optimizer.learning_rate))
    return found


FAST = [8, 4, 2, 1, 0.5, 0.25, 0.12, 0.06]
SLOW = [1 * 0.995**epoch for epoch in range(8)]


@pytest.mark.parametrize(
    ("values", "expected"),
    (
        (FAST, [0.5] * 8),
        ([1] * 7, [0.5] * 3 + [0.25] * 3 + [0.125]),
        ([1, NAN, NAN, NAN], [0.5] * 3 + [0.25]),
        ([1, 2, 1, 2, 1, 2, 1], [0.5] * 3 + [0.25] * 3 + [0.125]),
        ([NAN] * 3, [0.5, 0.5, 0.25]),
        (SLOW, [0.5] * 3 + [1.0] * 3 + [2.0] * 2),  # the first of them is no progress yet
        ([1, 0.995, 0.99, 1.0, 0.985, 0.98, 0.975], [0.5] * 6 + [1.0]),  # a step back: count anew
        ([1, 0.99999, 0.99998, 0.99997], [0.5] * 3 + [0.25]),  # flat is a plateau
    ),
)
def test_rate_falls_on_a_plateau_and_rises_when_progress_is_slow(values, expected):
    callback = AdaptiveRate(patience=3, steady=3, higher=2.0)
    assert rates(callback, values) == expected


def test_higher_may_be_better():
    callback = AdaptiveRate(monitor="val_accuracy", mode="max", patience=2)
    assert rates(callback, [0.5, 0.6, 0.7, 0.6, 0.6]) == [0.5] * 4 + [0.25]


def test_it_never_returns_to_where_the_plateau_was():
    callback = AdaptiveRate(patience=2, steady=2, higher=2.0)
    values = [1, 1, 1, 0.995, 0.99, 0.985, 0.98]
    assert rates(callback, values) == [0.5, 0.5] + [0.25] * 5


def test_it_stays_between_its_bounds():
    callback = AdaptiveRate(patience=1, lowest=0.2)
    assert rates(callback, [1] * 5) == [0.5, 0.25, *[pytest.approx(0.2)] * 3]
    callback = AdaptiveRate(patience=1, lowest=0.9)  # the first rate is below it
    assert rates(callback, [1] * 3) == [0.5] * 3
    callback = AdaptiveRate(steady=1, higher=2.0, highest=1.0)
    assert rates(callback, SLOW) == [0.5] + [1.0] * 7
    callback = AdaptiveRate(steady=1, higher=4.0)
    assert max(rates(callback, SLOW)) == 2.0  # ten times the first are 5


@pytest.mark.parametrize("values", ([1] * 12, SLOW + [0.9] * 4, FAST + [0.06] * 4))
@pytest.mark.parametrize("kill_after", (1, 3, 4, 9))
def test_a_resumed_run_has_the_rates_of_the_uninterrupted(values, kill_after):
    def make():
        return AdaptiveRate(patience=3, steady=3)

    expected = rates(make(), values)
    first, model = make(), network()
    before = rates(first, values[:kill_after], model)
    state = json.loads(json.dumps(first.get_state(), allow_nan=False))
    resumed, second = network(), make()
    resumed.optimizer.learning_rate = before[-1]  # a variable of the optimizer: checkpoints have it
    second.set_state(state)
    assert before + rates(second, values[kill_after:], resumed) == expected


def test_an_optimizer_with_a_schedule_is_refused():
    callback = AdaptiveRate()
    callback.set_model(network(StepDrop(0.1, 10)))
    with pytest.raises(SightkitError, match="Take the schedule out"):
        callback.on_train_begin()


@pytest.mark.parametrize(
    "arguments",
    (
        {"patience": 0},
        {"steady": 0},
        {"lower": 1.0},
        {"lower": 0.0},
        {"higher": 1.0},
        {"flat": -1.0},
        {"slow": 1e-5},
        {"lowest": 0.0},
        {"mode": "auto"},
    ),
)
def test_values_that_make_no_sense_are_refused(arguments):
    with pytest.raises(SightkitError, match="Received"):
        AdaptiveRate(**arguments)
