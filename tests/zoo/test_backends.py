"""Both backends build every small network alike: same weights, outputs within 1e-4, one step."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from sightkit import zoo
from sightkit.zoo.table import OTHERS, SMALL

PROGRAM = """
import inspect, sys
import keras
import numpy as np
from sightkit import zoo
from sightkit.zoo.registry import builder_of

folder, names = sys.argv[1], sys.argv[2:]
backend = keras.backend.backend()

def build(name, **options):
    return zoo.build(name, **{**zoo.entry(name).sample, **options})

def step(model, images, target):
    # TensorFlow is quicker without tracing a step that runs once, JAX with compiling it.
    model.compile(keras.optimizers.SGD(1e-3), "mse", run_eagerly=backend == "tensorflow")
    return model.train_on_batch(images, target)

for name in names:
    drops = "dropout" in inspect.signature(builder_of(name)).parameters
    # Dropout's random numbers differ between backends: without it the whole step is compared.
    model = build(name, **({"dropout": 0.0} if drops else {}))
    path = f"{folder}/{name}.weights.h5"
    if backend == "tensorflow":
        model.save_weights(path)
    else:
        zoo.load_weights(model, path)
    random = np.random.default_rng(6)
    images = random.random((4, *model.inputs[0].shape[1:]), dtype="float32")
    before = model.predict_on_batch(images)
    target = random.random(before.shape, dtype="float32")
    loss = step(model, images, target)
    after = model.predict_on_batch(images)
    assert np.isfinite(loss) and np.isfinite(after).all(), name
    assert not np.array_equal(before, after), name
    np.savez(f"{folder}/{name}.{backend}.npz", before=before, after=after, loss=loss)
    if name == "fc_head":  # the smallest with dropout
        dropping = build(name, dropout=0.5)
        dropping.set_weights(model.get_weights())
        dropped = step(dropping, images, target)
        assert abs(dropped - np.mean((target - after) ** 2)) > 1e-6, name
print("done", backend)
"""

QUICK = [
    "mlp",
    "lenet",
    "minivggnet",
    "resnet20",
    "unet",
    "subpixel_x3",
    "dcgan_generator",
    "dcgan_discriminator",
    "fcn_head",
]
# JAX takes four to twenty seconds for some of these.
LONG = [
    "convnet",
    "shallownet",
    "lenet5",
    "minialexnet",
    "alexnet_two_groups",
    "srcnn",
    "fc_head",
    "cifarnet",
    "minigooglenet",
    "deepergooglenet",
    "resnet_cifar",
    "resnet_tiny_imagenet",
    "googlenet",
    "squeezenet",
]


def test_every_small_builder_is_tried():
    tried = {zoo.entry(name).builder for name in QUICK + LONG}
    assert {row.builder for row in (*SMALL, *OTHERS)} <= tried


@pytest.mark.parametrize(
    "names",
    [pytest.param(QUICK, marks=pytest.mark.slow), pytest.param(LONG, marks=pytest.mark.faults)],
)
def test_backends_agree(names, tmp_path):
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed (extra: jax)")
    for backend in ("tensorflow", "jax"):
        environment = {
            **os.environ,
            "KERAS_BACKEND": backend,
            "TF_CPP_MIN_LOG_LEVEL": "2",
            # XLA's optimizations take three times as long as these small networks.
            "XLA_FLAGS": "--xla_backend_optimization_level=0 "
            "--xla_llvm_disable_expensive_passes=true",
        }
        told = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path), *names],
            env=environment,
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert told.stdout.splitlines()[-1:] == [f"done {backend}"], told.stderr[-3000:]
    for name in names:
        tensorflow, jax = (np.load(tmp_path / f"{name}.{b}.npz") for b in ("tensorflow", "jax"))
        for what in ("before", "loss", "after"):
            np.testing.assert_allclose(
                jax[what], tensorflow[what], atol=1e-4, err_msg=f"{name} {what}"
            )
