"""Measure a training step of a small network in ``fit``, against bare loops without it.

    python benchmarks/steps.py [--quick] [--json FILE]

One batch of an MLP 784-32-10 (25,450 parameters) again and again, loss and accuracy counted on both
sides; ``fit`` with 1, 8 and 32 steps per execution, on a pipeline of TensorFlow's and on a
``PyDataset``, as the generator is one. Then the zoo's MLP and LeNet with a batch of 128, planned as
``training.fit`` plans a long training, on either kind of data against a compiled loop on the same,
in the processor's seconds. Weights after equal numbers of steps are compared before anything else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import numpy as np

from sightkit import _cli

BATCH, BAR = 32, 1.2
STEPS_PER_EXECUTION = (1, 8, 32)
FED = "compiled, fed by Python"
LOOPS = ("in Python", "compiled", FED)
ZOO_BATCH, ZOO_BAR = 128, 1.1
ZOO_STEPS = {"mlp": 640, "lenet": 128}


@dataclass(frozen=True)
class Config:
    """Measure a training step's overhead."""

    quick: bool = False
    """Fewer steps and rounds: a smoke test whose ratios mean little."""
    json: Path | None = None
    """File to write the rows to."""


def main(config: Config) -> list[measure.Row]:
    _cli.start_keras()
    rows = _tiny(config)
    for name in ZOO_STEPS:
        rows += _planned(name, config)
    measure.report(rows, config.json)
    return rows


def _tiny(config: Config) -> list[measure.Row]:
    from baselines.bare_loop import bare_loops

    steps = 64 if config.quick else 640
    batch, repeated, dataset = _data(BATCH, steps)
    contestants: dict[str, Callable[[], object]] = {}
    networks = {}
    for name in LOOPS:
        networks[name] = _network()
        contestants[name] = bare_loops(networks[name], batch, steps)[name]
    for count in STEPS_PER_EXECUTION:
        for kind, data in (("tf.data", repeated), ("PyDataset", dataset)):
            name = f"{kind}, {count} per execution"
            networks[name] = _network(count)
            contestants[name] = _fit(networks[name], data)
    _require_equal(contestants, networks)
    seconds = measure.interleaved(contestants, rounds=3 if config.quick else 11)
    milliseconds = {name: round(1000 * value / steps, 4) for name, value in seconds.items()}
    for name, value in milliseconds.items():
        print(f"{name:<28}{value:8.3f} ms a step")
    return [
        measure.at_most(
            f"step, fit on {name}",
            f"bare loop {loop}",
            seconds[name] / seconds[loop],
            BAR,
            milliseconds=milliseconds[name],
            baseline_milliseconds=milliseconds[loop],
        )
        for name in contestants
        for loop in LOOPS
        if "per execution" in name and (loop != FED or name.startswith("PyDataset"))
    ]


def _planned(name: str, config: Config) -> list[measure.Row]:
    """A network of the zoo as ``training.fit`` runs it, against the compiled loop on such data."""
    from baselines.bare_loop import bare_loops

    from sightkit.training.execution_plan import plan_execution

    steps = 32 if config.quick else ZOO_STEPS[name]
    batch, repeated, dataset = _data(ZOO_BATCH, steps)
    networks = {kind: _zoo(name) for kind in ("compiled", FED, "tf.data", "PyDataset")}
    with tempfile.TemporaryDirectory() as folder:
        plan = plan_execution(
            networks["PyDataset"], dataset, folder=folder, cache=folder, measure=not config.quick
        )
    plan.apply(networks["tf.data"])
    contestants = {loop: bare_loops(networks[loop], batch, steps)[loop] for loop in LOOPS[1:]}
    contestants["tf.data"] = _fit(networks["tf.data"], repeated)
    contestants["PyDataset"] = _fit(networks["PyDataset"], dataset)
    _require_equal(contestants, networks)
    costs = measure.interleaved_costs(contestants, rounds=2 if config.quick else 7)
    return [
        measure.at_most(
            f"step of {name}, fit on {kind}, {plan.steps_per_execution} per execution",
            f"bare loop {loop}",
            costs[kind].cpu / costs[loop].cpu,
            ZOO_BAR,
            wall_ratio=costs[kind].wall / costs[loop].wall,
            cpu_milliseconds=round(1000 * costs[kind].cpu / steps, 4),
            baseline_cpu_milliseconds=round(1000 * costs[loop].cpu / steps, 4),
        )
        for kind, loop in (("tf.data", "compiled"), ("PyDataset", FED))
    ]


def _data(size: int, steps: int) -> tuple[tuple[np.ndarray, np.ndarray], Any, Any]:
    """A batch, and a pipeline of TensorFlow's and a ``PyDataset`` that repeat it."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    batch = rng.random((size, 28, 28, 1), dtype="float32"), np.arange(size) % 10
    repeated = measure.untuned(tf.data.Dataset.from_tensors(batch).repeat(steps).prefetch(2))
    return batch, repeated, _dataset(batch, steps)


def _zoo(name: str) -> Any:
    from sightkit import training, zoo

    training.prepare(seed=0)
    return _compiled(zoo.build(name, input_shape=(28, 28, 1), classes=10))


def _network(steps_per_execution: int = 1) -> Any:
    import keras

    from sightkit import zoo

    keras.utils.set_random_seed(0)
    return _compiled(zoo.MLP((28, 28, 1), 10, hidden=(32,)), steps_per_execution)


def _compiled(network: Any, steps_per_execution: int = 1) -> Any:
    import keras

    network.compile(
        keras.optimizers.SGD(0.01, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=steps_per_execution,
    )
    return network


def _dataset(batch: tuple[np.ndarray, np.ndarray], steps: int) -> Any:
    import keras

    class OneBatch(keras.utils.PyDataset):
        def __len__(self) -> int:
            return steps

        def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            return batch

    return OneBatch()


def _fit(network: Any, data: Any) -> Callable[[], object]:
    from sightkit.training.data_adapter import adapt

    return lambda: network.fit(adapt(data), shuffle=False, verbose=0)


def _require_equal(contestants: dict[str, Callable[[], object]], networks: dict[str, Any]) -> None:
    for contestant in contestants.values():
        contestant()
    first, *others = (network.get_weights() for network in networks.values())
    for other in others:
        for ours, theirs in zip(other, first, strict=True):
            if not np.allclose(ours, theirs, atol=1e-5):
                raise RuntimeError("The contestants have trained other weights.")


if __name__ == "__main__":
    _cli.run(main, Config)
