"""Training steps with memory that glibc keeps, against its defaults (``reuse_freed_memory``).

    python benchmarks/allocation.py [--quick] [--json FILE]

Each contestant is a process of its own, as malloc's settings are a process's; they take turns. The
baseline sets one of glibc's variables to its default, at which ``start_keras`` leaves malloc alone.
Processor seconds of a step of ``training.fit``, the system's among them; losses of both are
compared before anything else.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure

from sightkit import _cli
from sightkit._errors import SightkitError

CIFAR: dict[str, Any] = {"input_shape": [32, 32, 3], "classes": 10}
NETWORKS: dict[str, tuple[dict[str, Any], int, int]] = {
    "srcnn_paper": ({"input_shape": [36, 36, 1]}, 8, 200),
    "minialexnet": (CIFAR, 128, 30),
    "resnet20": (CIFAR, 128, 15),
}
"""Arguments, batch, and the steps that are timed."""
OURS, DEFAULTS = {}, {"MALLOC_CHECK_": "0"}
STEPS = """
import json, os, sys, tempfile
import numpy as np
import sightkit
sightkit.start_keras()
import keras
from sightkit import training, zoo
name, arguments, batch, steps = json.loads(sys.argv[1])
training.prepare(seed=0)
network = zoo.build(name, **arguments)
rng = np.random.default_rng(0)
x = rng.random((batch * steps, *network.input_shape[1:]), dtype="float32")
y = rng.random((batch * steps, *network.output_shape[1:]), dtype="float32")
network.compile(keras.optimizers.Adam(1e-3), "mean_squared_error")
times = []
record = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: times.append(os.times()))
with tempfile.TemporaryDirectory() as folder:
    rows = training.fit(
        network, (x, y), (x[:batch], y[:batch]), run=folder + "/run", epochs=2, batch_size=batch,
        callbacks=[record], preflight=False,
    )
before, after = times  # the second epoch, in which nothing is traced
system, wall = after.system - before.system, after.elapsed - before.elapsed
cpu = system + after.user - before.user
print(json.dumps({"loss": rows[-1]["loss"], "wall": wall, "cpu": cpu, "system": system}))
"""


@dataclass(frozen=True)
class Config:
    """Measure what new pages cost a training."""

    quick: bool = False
    """One round of few steps of one network."""
    json: Path | None = None
    """File to write the rows to."""


def main(config: Config) -> list[measure.Row]:
    rows = [row(name, config) for name in list(NETWORKS)[: 1 if config.quick else None]]
    measure.report(rows, config.json)
    return rows


def row(name: str, config: Config) -> measure.Row:
    """Compare one network's step in both settings."""
    *_, steps = NETWORKS[name]
    rounds, steps = (1, 3) if config.quick else (3, steps)
    taken: dict[bool, list[dict[str, float]]] = {True: [], False: []}
    for _ in range(rounds):
        for ours in taken:
            taken[ours].append(timed(name, steps, OURS if ours else DEFAULTS))
    if len({each["loss"] for both in taken.values() for each in both}) > 1:
        raise SightkitError("Both must end with the same loss.", "Look at start_keras.", name=name)
    medians = {
        (ours, what): 1000 / steps * statistics.median(each[what] for each in taken[ours])
        for ours in taken
        for what in ("wall", "cpu", "system")
    }
    return measure.at_most(
        f"step of {name}", "malloc's defaults",
        medians[True, "cpu"] / medians[False, "cpu"], 0,
        wall_ratio=medians[True, "wall"] / medians[False, "wall"],
        milliseconds={f"{('defaults', 'ours')[k]} {what}": round(value, 2)
                      for (k, what), value in medians.items()},
    )  # fmt: skip


def timed(name: str, steps: int, variables: dict[str, str]) -> dict[str, float]:
    """Run one process."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
    arguments, batch, _ = NETWORKS[name]
    command = [sys.executable, "-c", STEPS, json.dumps([name, arguments, batch, steps])]
    done = subprocess.run(
        command, env=env | variables, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    _cli.run(main, Config)
