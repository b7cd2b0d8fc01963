"""Networks of every form that Keras knows, in all that walks their layers."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit import callbacks, evaluation, inference, training, zoo
from sightkit._errors import SightkitError
from sightkit._network import flat_layers
from sightkit.callbacks.dead_units import dead_units
from sightkit.training.measurements import measurement_key

L = keras.layers
CLASSES, COUNT = 3, 48
RNG = np.random.default_rng(0)
Y = np.arange(COUNT) % CLASSES
X = RNG.random((COUNT, 8, 8, 1)).astype("float32") * 0.5 + Y[:, None, None, None] / 6


class Plain(keras.Model):
    def __init__(self, ending="softmax"):
        super().__init__()
        self.parts = [L.Conv2D(4, 3, activation="relu"), L.Flatten(), L.Dense(CLASSES, ending)]

    def call(self, x):
        for part in self.parts:
            x = part(x)
        return x


class Backwards(keras.Model):
    """Its layers are made in another order than they are used."""

    def __init__(self):
        super().__init__()
        self.last = L.Dense(CLASSES, activation="softmax")
        self.first = keras.Sequential([L.Conv2D(4, 3), L.ReLU(), L.Flatten()])

    def call(self, x):
        return self.last(self.first(x))


class Block(L.Layer):
    """A layer of one's own, with layers inside."""

    def __init__(self):
        super().__init__()
        self.convolution, self.normalization = L.Conv2D(4, 3), L.BatchNormalization()

    def call(self, x, training=None):
        return keras.ops.relu(self.normalization(self.convolution(x), training=training))


class Residual(keras.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [Block(), Block()]
        self.dropout, self.dense = L.Dropout(0.5), L.Dense(CLASSES, activation="softmax")

    def call(self, x, training=None):
        for block in self.blocks:
            x = block(x, training=training)
        return self.dense(self.dropout(L.Flatten()(x), training=training))


def functional(inner):
    images = keras.Input((8, 8, 1))
    return keras.Model(images, L.Dense(CLASSES, activation="softmax")(inner(images)))


def convolutions():
    return [L.Conv2D(4, 3, activation="relu"), L.Flatten()]


FORMS = {
    "functional": lambda: functional(lambda x: L.Flatten()(L.Conv2D(4, 3)(x))),
    "sequential": lambda: keras.Sequential(
        [keras.Input((8, 8, 1)), *convolutions(), L.Dense(CLASSES, activation="softmax")]
    ),
    "without input": lambda: keras.Sequential([*convolutions(), L.Dense(CLASSES, "softmax")]),
    "nested": lambda: functional(keras.Sequential(convolutions())),
    "nested twice": lambda: functional(keras.Sequential([keras.Sequential(convolutions())])),
    "sequential of functional": lambda: keras.Sequential(
        [functional(L.Flatten()), L.Dense(CLASSES, activation="softmax")]
    ),
    "subclassed": Plain,
    "subclassed, logits": lambda: Plain(None),
    "subclassed, made backwards": Backwards,
    "subclassed, own layers": Residual,
    "own layer in functional": lambda: functional(lambda x: L.Flatten()(Block()(x))),
    "wrapped": lambda: functional(
        lambda x: L.Flatten()(L.TimeDistributed(L.Dense(4, activation="relu"))(x))
    ),
    "attention": lambda: functional(
        lambda x: L.Flatten()(L.MultiHeadAttention(1, 4)(*[L.Reshape((8, 8))(x)] * 2))
    ),
}


def compiled(form):
    keras.utils.set_random_seed(1)
    network = FORMS[form]()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits="logits" in form)
    network.compile(keras.optimizers.SGD(0.01), loss, metrics=["accuracy"])
    return network


QUICK = {"without input", "nested twice", "subclassed, made backwards", "own layer in functional"}


@pytest.fixture(
    params=[pytest.param(f, marks=[] if f in QUICK else pytest.mark.slow) for f in FORMS]
)
def form(request):
    return request.param


@pytest.mark.slow
def test_preflight_makes_every_check_or_says_why_not(form):
    found = training.preflight(compiled(form), (X, Y), (np.sqrt(X[:12]), Y[:12]))
    assert [line for line in found.lines if line.verdict == "failed"] == []
    assert {"inputs", "labels", "balance", "initial loss", "gradients"} <= {
        line.name for line in found.lines
    }
    assert all(reason for _, reason in found.left_out) and str(found)


def test_lsuv_scales_the_layers_of_every_form(form):
    network = compiled(form)
    if form == "wrapped":  # TimeDistributed calls its layer once a step
        with pytest.raises(SightkitError, match="used once"):
            training.initialize_lsuv(network, X)
        return
    reached = training.initialize_lsuv(network, X)
    kinds = [each for each in flat_layers(network) if isinstance(each, L.Dense | L.Conv2D)]
    assert len(reached) == len({each.name for each in kinds}) > 0
    assert all(abs(variance - 1) < 0.15 for variance in reached.values())


def test_dead_units_are_found_at_any_depth(form):
    network = compiled(form)
    network(X[:1])
    for layer in flat_layers(network):
        if getattr(layer, "bias", None) is not None and len(layer.bias.shape) == 1:
            layer.bias.assign(keras.ops.full(layer.bias.shape, -1e6))
    before = [w.tobytes() for w in network.get_weights()]
    shares = dead_units(network, X[:5], batch_size=2, training=True)
    own = form in ("functional", "attention", "sequential of functional") or "own" in form
    assert list(shares.values()) == ([] if own else [1.0])
    assert [w.tobytes() for w in network.get_weights()] == before
    assert not any("call" in vars(layer) for layer in flat_layers(network))


@pytest.mark.faults
def test_training_is_watched_in_a_new_folder(form, tmp_path):
    network = compiled(form)
    monitor = callbacks.UpdateRatioMonitor(tmp_path / "new" / "folder", probe=X[:4])
    network.fit(X, Y, epochs=1, verbose=0, callbacks=[monitor])
    assert {row["layer"] for row in monitor.rows} and (
        tmp_path / "new/folder/updates.csv"
    ).is_file()


def test_predictors_and_keys_are_made(form):
    network = compiled(form)
    network(X[:1])
    assert measurement_key(network, X) == measurement_key(network, X)
    found = evaluation.evaluate(inference.compile(network), (X, Y))
    assert len(found.labels) == COUNT


@pytest.mark.slow
@pytest.mark.parametrize(
    "use",
    (
        zoo.describe,
        lambda network: training.learning_rate_finder(network, (X, Y), steps=10),
        lambda network: evaluation.draw_architecture(network, "net.png"),
    ),
    ids=("describe", "learning_rate_finder", "draw_architecture"),
)
def test_what_needs_a_graph_is_made_or_refused(form, use, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    network = compiled(form)
    network(X[:1])
    try:
        use(network)
    except SightkitError as error:
        assert "functional" in str(error)
