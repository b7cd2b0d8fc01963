from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.callbacks import EarlyStopping

NAN = float("nan")


def network():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd", "mse")
    return model


def set_to(model, value):
    model.set_weights([np.full((2, 1), value, np.float32)])


def feed(callback, values, first=0):
    """Epochs until it stops; the weights of epoch k are k. Returns the epochs that were run."""
    callback.set_model(network())
    callback.model.stop_training = False
    callback.on_train_begin()
    for epoch, value in enumerate(values, start=first):
        set_to(callback.model, epoch)
        callback.on_epoch_end(epoch, {"loss": 1.0, "val_loss": value})
        if callback.model.stop_training:
            break
    return epoch + 1 - first


def weight(callback):
    return float(callback.model.get_weights()[0][0, 0])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "best.weights.h5"


@pytest.mark.parametrize(
    ("options", "values", "epochs", "best"),
    (
        ({}, [5, 4, 3, 4, 4, 4, 1], 6, 2),
        ({}, [5, 4, 3, 2, 1], 5, 4),  # the end is reached while it still improves
        ({}, [5, 1, 2], 3, 1),  # and before the patience is over
        ({}, [5, 4, 4, 3, 3, 3, 3], 7, 3),
        ({}, [NAN, NAN, NAN, 1], 3, None),
        ({}, [3, NAN, NAN, NAN, 1], 4, 0),
        ({"min_delta": 0.5}, [3, 2.9, 2.8, 2.7, 1], 4, 3),  # too little, but better
        ({"min_delta": 0.5}, [3, 2.8, 2.4, 2.3, 2.2, 1.8], 6, 5),  # little by little is enough
        ({"mode": "max"}, [1, 3, 2, 2, 2, 9], 5, 1),
        ({"mode": "max", "min_delta": 0.5}, [1, 1.2, 1.6, 1.7, 1.8, 1.9, 9], 6, 5),
    ),
)
def test_it_stops_in_time_and_always_ends_with_the_best(options, values, epochs, best, path):
    callback = EarlyStopping(path, patience=3, **options)
    assert feed(callback, values) == epochs
    last = weight(callback)
    callback.on_train_end()
    assert weight(callback) == (last if best is None else best)
    assert (callback.stopped_epoch is None) == (not callback.model.stop_training)


@pytest.mark.parametrize("kill_after", range(1, 7))
def test_a_resumed_run_stops_where_the_uninterrupted_does(kill_after, path):
    values = [5, 4, 3, 4, 4, 4, 4, 1]
    first = EarlyStopping(path, patience=4)
    feed(first, values[:kill_after])
    state = json.loads(json.dumps(first.get_state(), allow_nan=False))
    second = EarlyStopping(path, patience=4)
    second.set_state(state)
    assert feed(second, values[kill_after:], first=kill_after) == 7 - kill_after
    second.on_train_end()
    assert weight(second) == 2  # trained, for most of these kills, by the process that is gone


def test_keras_stops_and_the_best_is_in_the_model(path):
    """A learning rate that overshoots: the first epoch is the best."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(1.5), "mse")
    model.set_weights([np.full((1, 1), 0.1, np.float32)])
    x = np.ones((8, 1), np.float32)
    callback = EarlyStopping(path, patience=2)
    options = {"validation_data": (x, 0 * x), "verbose": 0, "shuffle": False}
    history = model.fit(x, 0 * x, epochs=50, callbacks=[callback], **options).history
    assert len(history["loss"]) == 3
    assert model.get_weights()[0][0, 0] == pytest.approx(-0.2)
    assert len(model.fit(x, 0 * x, epochs=50, callbacks=[callback], **options).epoch) == 2


@pytest.mark.parametrize("arguments", ({"patience": 0}, {"min_delta": -1}, {"min_delta": NAN}))
def test_values_that_make_no_sense_are_refused(arguments, path):
    with pytest.raises(SightkitError, match="patience must be at least 1"):
        EarlyStopping(path, **arguments)
