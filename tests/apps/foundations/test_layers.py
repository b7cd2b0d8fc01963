"""Layers in a network: all gradients, the input's too, by differences, and as Keras'."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.foundations import (
    Activation,
    BatchNormalization,
    Convolution,
    Dense,
    Dropout,
    Flatten,
    MaxPooling,
    NeuralNetwork,
    dense_layers,
    relative_error,
)

RNG = np.random.default_rng(0)
NETWORKS = {
    "dense": lambda r: dense_layers((6, 5, 4, 3), "tanh"),
    "softmax inside": lambda r: dense_layers((6, 5, 3), "softmax"),
    "normalized": lambda r: [
        Dense(6, 5, r), BatchNormalization(5), Activation("elu"), Dense(5, 3, r)
    ],
    "dropout": lambda r: [Dense(6, 5, r), Dropout(0.4, r), Dense(5, 3, r)],
    "pictures": lambda r: [
        Convolution(3, 2, 4, r, padding="same"), BatchNormalization(4), Activation("tanh"),
        MaxPooling(2), Convolution(2, 4, 3, r), MaxPooling(), Flatten(), Dense(3, 3, r),
    ],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("loss", ("cross_entropy", "squared_error"))
@pytest.mark.parametrize("name", NETWORKS)
def test_every_gradient_by_differences(name, loss):
    rng = np.random.default_rng(1)
    network = NeuralNetwork(NETWORKS[name](rng), loss)
    x = rng.normal(size=(5, 6, 6, 2) if name == "pictures" else (5, 6))
    y = np.array([0, 2, 1, 2, 0]) if loss == "cross_entropy" else rng.normal(size=(5, 3))

    def loss_of():
        for layer in network.layers:  # the same units are silent each time
            if isinstance(layer, Dropout):
                layer.rng = np.random.default_rng(7)
        return network.backward(x, y)

    _, by_x = loss_of()
    gradients = [by_x, *(g.copy() for layer in network.layers for g in layer.gradients)]
    for value, gradient in zip([x, *network.parameters], gradients, strict=True):
        wanted = np.empty_like(value)
        for index in np.ndindex(value.shape):
            kept = value[index]
            value[index] = kept + 1e-5
            above = loss_of()[0]
            value[index] = kept - 1e-5
            wanted[index] = (above - loss_of()[0]) / 2e-5
            value[index] = kept
        assert relative_error(gradient, wanted) < 1e-5 or abs(wanted).max() < 1e-9


def test_a_network_is_that_of_keras():
    """Scores, loss, gradients by all weights and by the input, differentiated by Keras."""
    from sightkit.training.gradients import differentiate

    rng = np.random.default_rng(3)
    network = NeuralNetwork(
        [Convolution(3, 2, 4, rng), Activation("relu"), Flatten(), Dense(64, 3, rng)]
    )
    x, y = rng.normal(size=(5, 6, 6, 2)), np.array([0, 2, 1, 2, 0])
    theirs = keras.Sequential([
        keras.layers.Conv2D(4, 3, activation="relu", dtype="float64"),
        keras.layers.Flatten(dtype="float64"), keras.layers.Dense(3, dtype="float64"),
    ])  # fmt: skip
    theirs.build(x.shape)

    def loss_of(values):
        scores, _ = theirs.stateless_call(values[1:], [], values[0])
        losses = keras.losses.sparse_categorical_crossentropy(y, scores, from_logits=True)
        return keras.ops.mean(losses), scores

    given = [keras.ops.convert_to_tensor(v, "float64") for v in (x, *network.parameters)]
    loss, scores, wanted = differentiate(loss_of, compiled=False)(given)
    ours, by_x = network.backward(x, y)
    assert ours == pytest.approx(float(loss))
    assert np.allclose(network.forward(x), keras.ops.convert_to_numpy(scores))
    found = [by_x, *(g for layer in network.layers for g in layer.gradients)]
    for gradient, each in zip(found, wanted, strict=True):
        assert relative_error(gradient, keras.ops.convert_to_numpy(each)) < 1e-9


def test_a_broken_layer_is_found():
    """A mutation: the gradient of a bias that is not divided by the batch."""
    network = NeuralNetwork(dense_layers((6, 5, 3), "tanh"))
    x, y = RNG.normal(size=(5, 6)), np.array([0, 2, 1, 2, 0])
    network.backward(x, y)
    bias = network.layers[0].parameters[1]
    gradient = network.layers[0].gradients[1].copy()
    bias[0] += 1e-5
    above = network.backward(x, y)[0]
    bias[0] -= 2e-5
    wanted = (above - network.backward(x, y)[0]) / 2e-5
    assert gradient[0] == pytest.approx(wanted, rel=1e-5)
    assert gradient[0] * len(x) != pytest.approx(wanted, rel=0.01)


def test_to_predict_is_not_to_train(rng):
    x = rng.normal(3, 2, (200, 4))
    drop, normalize = Dropout(0.5, rng), BatchNormalization(4)
    assert (drop.forward(x) == x).all() and (drop.forward(x, training=True) == 0).any()
    for _ in range(100):
        trained = normalize.forward(x, training=True)
    assert np.allclose(normalize.forward(x), trained, atol=1e-3)
    assert np.allclose(normalize.forward(x[:1]), trained[:1], atol=1e-3)  # alone: the same answer


@pytest.mark.parametrize(
    ("make", "message"),
    (
        (lambda r: dense_layers((3,)), "an input and an output"),
        (lambda r: dense_layers((3, 0, 2)), "none below 1"),
        (lambda r: dense_layers((3, 4, 2), "rulu"), "activation must be one of .* relu"),
        (lambda r: dense_layers((3, 2), initializer="xavier"), "initializer must be one of"),
        (lambda r: Dense(3, -1, r), "whole number"),
        (lambda r: Convolution(0, 1, 1, r), "whole number"),
    ),
)
def test_layers_that_cannot_be_are_refused(make, message, rng):
    with pytest.raises(SightkitError, match=message):
        make(rng)
