"""The network learns XOR and digits; sizes and labels that do not fit."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sightkit._errors import SightkitError
from sightkit.apps.foundations import Dense, NeuralNetwork

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
XOR = np.array([[0], [1], [1], [0]])


@pytest.mark.slow
def test_xor_is_learned_by_15_of_20_seeds():
    losses = []
    for seed in range(20):
        network = NeuralNetwork.dense(
            (2, 2, 1), "tanh", initializer="glorot", seed=seed, loss="squared_error"
        )
        losses.append(network.fit(X, XOR, 2000, batch_size=4, seed=seed)[-1])
    assert sum(loss < 0.001 for loss in losses) >= 15


@pytest.mark.slow
def test_digits_are_told_apart_by_97_percent():
    digits = load_digits()
    right = []
    for seed in range(3):
        x, held_out, y, truth = train_test_split(
            digits.data / 16,
            digits.target,
            test_size=0.25,
            random_state=seed,
            stratify=digits.target,
        )
        network = NeuralNetwork.dense(
            (64, 32, 16, 10), "tanh", initializer="glorot", seed=seed, dtype="float32"
        )
        network.fit(x, y, 100, seed=seed)
        right.append((network.predict(held_out).argmax(axis=1) == truth).mean())
    assert np.mean(right) >= 0.97


def test_parameters_are_counted_as_the_notes_do():
    network = NeuralNetwork.dense((784, 512, 512, 10))
    sizes = [w.size + b.size for w, b in zip(*[iter(network.parameters)] * 2, strict=True)]
    assert sizes == [401_920, 262_656, 5_130] and sum(sizes) == 669_706


def test_the_first_loss_is_the_logarithm_of_the_classes(rng):
    network = NeuralNetwork.dense((20, 30, 10), initializer="normal")
    loss, _ = network.backward(rng.normal(size=(50, 20)), rng.integers(0, 10, 50))
    assert loss == pytest.approx(np.log(10), abs=0.01)


def test_the_same_seed_gives_the_same_network_and_float32_stays(rng):
    x, y = rng.normal(size=(40, 5)), rng.integers(0, 3, 40)
    ours = [NeuralNetwork.dense((5, 4, 3), seed=2, dtype="float32") for _ in range(2)]
    histories = [network.fit(x, y, 3, seed=1) for network in ours]
    assert histories[0] == histories[1] and histories[0][-1] < histories[0][0]
    assert {each.dtype for each in ours[0].parameters} == {np.dtype("float32")}
    assert np.allclose(ours[0].predict(x).sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    (
        (np.zeros((4, 3)), [0, 1, 1, 0], r"Received: x=\(1, 3\), weights=\(2, 4\)"),
        (np.zeros((4, 2)), [0, 1, 1], r"y=\(3,\)"),
        (np.zeros((4, 2)), [0, 1, 2, 3], "from 0 to 2"),
        (np.zeros((4, 2)), [0, -1, 2, 1], "from 0 to 2"),
        (np.zeros((4, 2)), [0.0, 1, 2, 1], "from 0 to 2"),
    ),
)
def test_samples_that_do_not_fit_are_refused(x, y, message):
    with pytest.raises(SightkitError, match=message):
        NeuralNetwork.dense((2, 4, 3)).fit(x, y, 1)


def test_numbers_that_do_not_fit_are_refused():
    with pytest.raises(SightkitError, match=r"\(4, 3\), true=\(4,\)"):
        NeuralNetwork.dense((2, 3), loss="squared_error").fit(np.zeros((4, 2)), np.zeros(4), 1)
    with pytest.raises(SightkitError, match="loss must be one of"):
        NeuralNetwork([], "crossentropy")


def test_layers_that_do_not_follow_each_other_are_refused(rng):
    network = NeuralNetwork([Dense(2, 4, rng), Dense(5, 3, rng)])
    with pytest.raises(SightkitError, match=r"weights=\(5, 3\).*what the one before gives"):
        network.fit(np.zeros((4, 2)), [0, 1, 2, 1], 1)


def test_sizes_are_no_layers_and_no_samples_no_training():
    with pytest.raises(SightkitError, match=r"Layers must be given.*layers=\(2, 1\).*dense"):
        NeuralNetwork((2, 1))
    with pytest.raises(SightkitError, match="samples must be a whole number, 1"):
        NeuralNetwork.dense((2, 2)).fit(np.zeros((0, 2)), np.zeros(0, int), epochs=1)
    with pytest.raises(SightkitError, match="epochs must be a whole number"):
        NeuralNetwork.dense((2, 2)).fit(np.zeros((1, 2)), np.zeros(1, int), epochs=0.5)
