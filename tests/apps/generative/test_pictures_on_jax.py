"""Dreams and styles on JAX, whose gradients are taken in another way."""

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
from sightkit.apps import generative as g
from sightkit.apps.generative.picture_flags import made_up_network

assert keras.backend.backend() == "jax"
keras.utils.set_random_seed(1)
picture = np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)
network, steps, losses = made_up_network(), [], []
dreamer = g.open_dreamer(network, {}, picture[::-1])
dreamer.dream(picture, g.DreamSettings(octaves=1), lambda step: steps.append(step.loss))
for optimizer in ("lbfgs", "adam"):
    settings = g.PaintSettings(optimizer, scales=2, evaluations=4, rate=0.5)
    found = []
    g.paint(g.open_style(network), picture, [(picture[::-1], 1.0)], settings,
            lambda step, picture: found.append(step.loss))
    losses.append([found[0], min(found[:8])])  # of the smaller size, which has eight
print(json.dumps([steps[0], steps[19], losses]))
"""


def test_dreams_and_styles_work_on_jax():
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed (extra: jax)")
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert found.returncode == 0, found.stderr[-3000:]
    first, last, losses = json.loads(found.stdout.splitlines()[-1])
    assert last > first and all(best < start for start, best in losses)
