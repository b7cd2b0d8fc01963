"""Batches reach Keras untuned, in the same order, with the same calls."""

import time

import keras
import numpy as np
import pytest

from sightkit.training.data_adapter import adapt

BATCHES = 6


class Numbers(keras.utils.PyDataset):
    """Batch i holds nothing but i; remembers what Keras called."""

    def __init__(self, **options):
        super().__init__(**options)
        self.calls = []

    def __len__(self):
        return BATCHES

    def __getitem__(self, index):
        time.sleep(0.01)
        return np.full((2, 3), index, np.float32), np.zeros(2, np.int32)

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


def network(seen):
    class Watch(keras.layers.Layer):
        def call(self, inputs):
            import tensorflow as tf

            tf.py_function(lambda x: seen.append(int(x[0, 0])), [inputs], [])
            return inputs

    model = keras.Sequential([keras.Input((3,)), Watch(), keras.layers.Dense(2)])
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    return model


def walked(how):
    """Batches that a training of two epochs saw, and the calls that the data got."""
    seen, data = [], Numbers()
    network(seen).fit(how(data), epochs=2, shuffle=False, verbose=0)
    return seen[-2 * BATCHES :], data.calls


@pytest.mark.slow
def test_batches_and_calls_are_those_of_keras():
    assert walked(adapt) == walked(lambda data: data)
    assert walked(adapt)[0] == 2 * list(range(BATCHES))


def test_keras_reads_without_tuning(tuned):
    """A Keras that wraps the adapter in one of its own would tune again."""
    model = network([])
    model.fit(adapt(Numbers()), validation_data=adapt(Numbers()), verbose=0)
    model.evaluate(adapt(Numbers()), verbose=0)
    assert tuned and set(tuned) == {False}


@pytest.mark.parametrize("data", [Numbers(workers=2), (np.zeros((2, 3)), np.zeros(2)), None])
def test_other_data_is_left_alone(data):
    assert adapt(data) is data
