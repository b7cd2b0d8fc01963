"""What touches weights in the middle of an epoch, on JAX, where the network has none then."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.slow  # a process of its own, with another backend
PROGRAM = """
import json, sys
import keras, numpy as np
from sightkit.callbacks import *
from sightkit.training import learning_rate_finder

folder = sys.argv[1]
assert keras.backend.backend() == "jax"
rng = np.random.default_rng(0)
x, y = rng.random((40, 6)).astype("float32"), rng.integers(0, 3, 40)

def network(rate, classes=3):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((6,))
    hidden = keras.layers.Dense(5, activation="relu", name="hidden")(inputs)
    hidden = keras.layers.Dropout(0.2)(keras.layers.BatchNormalization()(hidden))
    outputs = keras.layers.Dense(classes, activation="softmax", name="head")(hidden)
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), "sparse_categorical_crossentropy")
    return model

def fit(model, *callbacks, epochs=3, y=y):
    options = {"batch_size": 4, "shuffle": False, "verbose": 0, "validation_data": (x, y)}
    model.fit(x, y, epochs=epochs, callbacks=[*callbacks], **options)
    return [w.tobytes() for w in model.get_weights()]

found = {}
schedules = {
    "StepDrop": StepDrop(0.01, 10, 0.5, 3), "OneCycle": OneCycle(0.4, 100),
    "ManualDrops": ManualDrops([(0, 0.01), (3, 0.001)], 10),
}
found["rates"] = {n: [float(s(t)) for t in range(0, 120, 3)] for n, s in schedules.items()}

alone = fit(network(0.05))
monitor = UpdateRatioMonitor(folder, every=3, probe=x[:4])
class Kernel(keras.callbacks.Callback):
    seen = []
    def on_train_batch_begin(self, batch, logs=None):
        self.seen.append(np.array(self.model.get_layer("head").get_weights()[0]))
watched = fit(network(0.05), monitor, Kernel(), StopOnDivergence())
found["not changed"] = watched == alone
before, after = Kernel.seen[2], Kernel.seen[3]
expected = np.linalg.norm(after - before) / np.linalg.norm(before)
found["ratio"] = [monitor.rows[1]["ratio"], float(expected)]
found["dead"] = [row["dead_share"] for row in monitor.rows if "dead_share" in row]

for classes in (3, 1000):
    model = network(1e6, classes)
    start = [w.tobytes() for w in model.get_weights()]
    try:
        fit(model, StopOnDivergence(), y=rng.integers(0, classes, 40), epochs=4)
        found[f"stopped {classes}"] = None
    except Diverged as error:
        found[f"stopped {classes}"] = [error.epoch, error.batch]
    found[f"restored {classes}"] = [w.tobytes() for w in model.get_weights()] == start

class Trace(keras.callbacks.Callback):
    rates = []
    def on_epoch_end(self, epoch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))
fit(network(0.5), AdaptiveRate(patience=1, flat=0.5, slow=0.6), Trace(), epochs=4)
found["adaptive"] = Trace.rates

model = network(0.05)
best = BestCheckpoint(folder + "/best.weights.h5")
fit(model, best)
best.restore()
best.former.exists() and sys.exit("The former best is still there.")
expected = network(0.05)
expected.optimizer.build(expected.trainable_variables)
expected.load_weights(best.path)
found["best"] = all(np.array_equal(a, b) for a, b in zip(model.get_weights(),
                                                         expected.get_weights()))
model = network(0.05)
batches = [(x[i : i + 4], y[i : i + 4]) for i in range(0, 40, 4)]
learning_rate_finder(model, batches, steps=12)
found["finder"] = fit(model) == alone
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed (extra: jax)")
    environment = {**os.environ, "KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "2"}
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path_factory.mktemp("jax"))],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert told.returncode == 0, told.stderr[-3000:]
    return json.loads(told.stdout.splitlines()[-1])


def test_schedules_are_the_same_on_jax(found):
    from sightkit import callbacks

    here = {
        "StepDrop": callbacks.StepDrop(0.01, 10, 0.5, 3),
        "OneCycle": callbacks.OneCycle(0.4, 100),
        "ManualDrops": callbacks.ManualDrops([(0, 0.01), (3, 0.001)], 10),
    }
    for name, schedule in here.items():
        rates = [float(schedule(step)) for step in range(0, 120, 3)]
        # The last place may differ: powers and cosines are each backend's own.
        np.testing.assert_allclose(found["rates"][name], rates, rtol=1e-6, atol=1e-8)


def test_watching_changes_nothing_on_jax(found):
    assert found["not changed"]
    ratio, expected = found["ratio"]
    assert ratio == pytest.approx(expected, rel=1e-5)
    assert len(found["dead"]) == 3


@pytest.mark.parametrize("classes", (3, 1000))
def test_divergence_is_stopped_and_the_weights_are_back_on_jax(classes, found):
    epoch, batch = found[f"stopped {classes}"]
    assert epoch <= 3  # two epochs are a stretch
    assert 1 <= batch < 10
    assert found[f"restored {classes}"]


def test_the_best_weights_are_back_at_the_end_on_jax(found):
    assert found["best"]


def test_the_adaptive_rate_is_that_of_the_next_epoch_on_jax(found):
    assert found["adaptive"][-1] < 0.5


def test_the_finder_leaves_no_trace_on_jax(found):
    assert found["finder"]
