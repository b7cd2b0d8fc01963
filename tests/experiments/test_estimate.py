"""Memory and time of a training: counted without weights, refused with what would fit."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit import io, zoo
from sightkit._errors import SightkitError
from sightkit.experiments.estimate import (
    MemoryNeed,
    in_words,
    memory_need,
    require_memory,
    seconds_of,
)

GIB = 2**30


def need_at(size):
    return MemoryNeed(weights=100 * size[0] ** 2, outputs=1000 * size[0] ** 2, batch_size=64)


def test_weights_and_outputs_are_counted_without_weights():
    need = memory_need(lambda: zoo.MLP((4, 4, 1), 3, hidden=(8, 6)), 32, "sgd")
    network = zoo.MLP((4, 4, 1), 3, hidden=(8, 6))
    assert need.weights == network.count_params()
    tensors = [layer.output.shape[1:] for layer in network.layers]
    assert need.outputs == sum(int(np.prod(shape)) for shape in tensors)
    assert need.bytes - GIB == 4 * (6 * need.weights + 2 * 32 * need.outputs)


def test_a_network_of_gigabytes_is_counted_at_once():
    need = memory_need(lambda: zoo.MiniVGGNet((4096, 4096, 3), 2), 32, "adam")
    assert need.weights > 30e9 and need.slots == 2


def test_what_fits_is_returned_and_what_does_not_is_refused():
    need = need_at((64, 64))
    assert require_memory(need_at, (64, 64), 8, need.bytes) == need
    with pytest.raises(SightkitError, match=r"--batch-size 32 or --size 32, or name a smaller"):
        require_memory(need_at, (64, 64), 8, need.bytes - 1)


def test_proposals_fit_themselves():
    with pytest.raises(SightkitError, match=r"Give --size 32, or name") as raised:
        require_memory(need_at, (512, 512), 8, need_at((32, 32)).bytes)
    assert "512x512" in str(raised.value)
    with pytest.raises(SightkitError, match="Close other programs"):
        require_memory(need_at, (64, 64), 64, GIB)


def test_timing_leaves_every_bit(write_dataset):
    train = io.HDF5DatasetGenerator(write_dataset(), 8, shuffle=True, seed=1)
    network = zoo.MLP((8, 8, 1), 3, hidden=(8,), dropout=0.5)
    network.compile(keras.optimizers.SGD(0.1, 0.9), "sparse_categorical_crossentropy")
    network.optimizer.build(network.trainable_variables)
    every = [*network.variables, *network.optimizer.variables]
    before = [np.array(variable.value) for variable in every]
    assert seconds_of(network, train, 6, epochs=3) > 0
    for variable, value in zip(every, before, strict=True):
        assert (np.array(variable.value) == value).all(), variable.path


@pytest.mark.parametrize(
    ("seconds", "text"), ((0.2, "1 s"), (40, "40 s"), (720, "12 min"), (12_600, "3.5 h"))
)
def test_durations_are_short(seconds, text):
    assert in_words(seconds) == text
