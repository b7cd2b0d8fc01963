"""Attacks and maximization on JAX, whose gradients are taken in another way."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.faults  # a process of its own, with another backend
PROGRAM = """
import json
import keras, numpy as np
from keras import layers
from sightkit import inference, training
from sightkit.apps.explain import Attack, maximize
from sightkit.preprocessing import AspectAwarePreprocessor, ImageToArrayPreprocessor, Pipeline

assert keras.backend.backend() == "jax"
keras.utils.set_random_seed(4)
inputs = keras.Input((16, 16, 3))
maps = layers.Conv2D(6, 3, activation="tanh", name="c")
body = keras.Sequential([keras.Input((16, 16, 3)), maps])
network = keras.Model(inputs, layers.Dense(3, activation="softmax")(layers.Flatten()(body(inputs))))
chain = Pipeline((AspectAwarePreprocessor(16, 16), ImageToArrayPreprocessor()))
predictor = inference.compile(network, engine="keras")
bundle = training.Bundle(lambda: network, predictor, chain, ("ant", "bee", "cat"), {})
rng = np.random.default_rng(0)
attack = Attack(bundle)
pictures = attack.pictures([rng.integers(40, 210, (20, 24, 3), np.uint8) for _ in range(5)])
before = attack.predict(pictures)
truth = before.argmax(axis=1)
found = {}
for method in ("fgsm", "pgd"):
    after = attack.run(method, pictures, truth, epsilon=10 / 255)
    found[method] = {
        "levels": int(np.abs(after.astype(int) - pictures).max()),
        "lowered": bool((attack.predict(after) < before)[np.arange(5), truth].all()),
    }
for name, wanted in (("class", {"target": "bee"}), ("channel", {"channel": 2, "layer": "c"})):
    scores = maximize(attack.explainer, steps=20, rate=0.1, **wanted).scores
    found[name] = [float(scores[0]), float(scores[-1])]
print(json.dumps(found))
"""


def test_attacks_and_maximization_work_on_jax():
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed (extra: jax)")
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert told.returncode == 0, told.stderr[-3000:]
    found = json.loads(told.stdout.splitlines()[-1])
    for method in ("fgsm", "pgd"):
        assert found[method] == {"levels": 10, "lowered": True}
    for name in ("class", "channel"):
        assert found[name][1] > found[name][0] + 0.005
