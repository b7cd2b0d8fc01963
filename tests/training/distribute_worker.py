"""One process of a training, of several or alone: ``distribute_worker.py JOB.json RESULT.npz``."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _cli, _keras
from sightkit.training.run_config import RunConfig

DEFAULTS: dict[str, Any] = {
    "floatx": "float32",
    "count": 200,
    "clipnorm": None,
    "normalized": False,
    "dropout": 0,
    "epochs": 8,
    "seed": 7,
    "data_seed": 3,
    "resume": False,
    "compress": False,
    "synchronize": False,
    "stop_by": "SIGTERM",
    "stop_at": -1,
}


@dataclass(frozen=True)
class Flags(RunConfig):
    output: Path
    seed: int
    resume: bool = False
    distribute: str = "auto"


def data(job, held):
    from sightkit import io

    rng = np.random.default_rng(job["data_seed"])
    images = rng.random((job["count"], 12, 12, 3), np.float32)
    labels = rng.integers(0, 3, len(images))
    images[np.arange(len(images)), labels, :, 0] += 1
    return (
        io.ArrayBatches(images[held:], labels[held:], batch_size=12, shuffle=True, seed=1),
        io.ArrayBatches(images[:held], labels[:held], batch_size=8),
    )


def network(job):
    import keras
    from keras import layers

    from sightkit import zoo

    inputs = keras.Input((12, 12, 3))
    penalty = keras.regularizers.L2(1e-3)
    x = layers.Conv2D(4, 3, activation="relu", kernel_regularizer=penalty)(inputs)
    x = zoo.BatchNormalization()(x) if job["normalized"] else x
    x = layers.Dropout(job["dropout"])(layers.Flatten()(x))
    made = keras.Model(inputs, layers.Dense(3, activation="softmax")(x))
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9, clipnorm=job["clipnorm"])
    made.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made


def main(job: dict[str, Any], result: str) -> None:
    import keras

    from sightkit import training

    training.prepare(seed=job["seed"])
    keras.config.set_floatx(job["floatx"])
    keras.config.set_dtype_policy(job["floatx"])
    trained, steps = network(job), iter(range(10**6))

    def stop(batch, logs):
        if next(steps) == job["stop_at"]:
            os.kill(os.getpid(), getattr(signal, job["stop_by"]))

    flags = Flags(Path(job["output"]), job["seed"], job["resume"])
    with training.Run.open(flags, experiment="worker") as run:
        rows = training.fit(
            trained,
            *data(job, job["count"] // 4),
            run=run,
            epochs=job["epochs"],
            callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=stop)],
            preflight=False,
        )
    weights = {f"weight-{k}": value for k, value in enumerate(trained.get_weights())}
    np.savez(result, history=json.dumps(rows), **weights)


if __name__ == "__main__":
    _cli.prepare_environment()
    JOB = {**DEFAULTS, **json.loads(Path(sys.argv[1]).read_text())}

    def connect() -> None:
        from sightkit import training

        training.connect_processes("auto", compress=JOB["compress"], synchronize=JOB["synchronize"])

    with _cli.exit_codes():
        _keras.start_keras(connect)
        main(JOB, sys.argv[2])
