"""Both backends build every small network alike: same weights, outputs within 1e-4, one step."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

PROGRAM = """
import sys
import keras
import numpy as np
from sightkit import zoo

folder, names = sys.argv[1], sys.argv[2:]
backend = keras.backend.backend()
for name in names:
    model = zoo.build(name, **zoo.row(name).sample)
    path = f"{folder}/{name}.weights.h5"
    if backend == "tensorflow":
        model.save_weights(path)
    else:
        zoo.load_weights(model, path)
    random = np.random.default_rng(6)
    images = random.random((4, *model.inputs[0].shape[1:]), dtype="float32")
    # TensorFlow is quicker without tracing a step that runs once, JAX with compiling it.
    model.compile(keras.optimizers.SGD(1e-3), "mse", run_eagerly=backend == "tensorflow")
    before = model.predict_on_batch(images)
    loss = model.train_on_batch(images, random.random(before.shape, dtype="float32"))
    after = model.predict_on_batch(images)
    assert np.isfinite(loss) and np.isfinite(after).all(), name
    assert not np.array_equal(before, after), name
    np.savez(f"{folder}/{name}.{backend}.npz", before=before, after=after, loss=loss)
print("done", backend)
"""

QUICK = [
    "mlp",
    "convnet",
    "lenet",
    "minivggnet",
    "resnet20",
    "alexnet_two_groups",
    "unet",
    "dcgan_generator",
    "fcn_head",
]
LONG = [
    "shallownet",
    "lenet5",
    "minialexnet",
    "minigooglenet",
    "deepergooglenet",
    "resnet_cifar",
    "resnet_tiny_imagenet",
    "squeezenet",
    "googlenet",
    "srcnn",
    "dcgan_discriminator",
    "fc_head",
]
# Their training step includes dropout, whose random numbers differ between backends.
DROPPING = {"minialexnet", "minivggnet", "minigooglenet", "deepergooglenet", "alexnet_two_groups"}
DROPPING |= {"squeezenet", "googlenet", "fc_head", "fcn_head"}


@pytest.mark.parametrize("names", [QUICK, pytest.param(LONG, marks=pytest.mark.slow)])
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
        compared = ("before",) if name in DROPPING else ("before", "loss", "after")
        for what in compared:
            np.testing.assert_allclose(
                jax[what], tensorflow[what], atol=1e-4, err_msg=f"{name} {what}"
            )
