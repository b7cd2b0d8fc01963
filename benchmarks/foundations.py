"""Measure a training step of the NumPy network of apps/foundations against Keras' compiled one.

    python benchmarks/foundations.py [--quick] [--json FILE]

784-512-512-10, a batch of 128, float32, SGD with momentum. Before anything is timed, both sides
take the same steps from the same weights, and must arrive at the same ones. Keras' side is
baselines/bare_loop.py: steps and the loop over them in one compiled function, without ``fit``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import numpy as np

from sightkit import _cli

SIZES, BATCH, BAR = (784, 512, 512, 10), 128, 0.5
RATE, MOMENTUM = 0.01, 0.9


@dataclass(frozen=True)
class Config:
    """Measure a training step in NumPy."""

    quick: bool = False
    """Fewer steps and rounds: a smoke test whose ratios mean little."""
    json: Path | None = None
    """File to write the rows to."""


def main(config: Config) -> list[measure.Row]:
    _cli.start_keras()
    steps = 5 if config.quick else 50
    rng = np.random.default_rng(0)
    batch = rng.random((BATCH, SIZES[0]), dtype="float32"), np.arange(BATCH) % SIZES[-1]
    ours, theirs = _network(), _keras_network()
    theirs.set_weights(ours.parameters)
    contestants = {"numpy": _steps(ours, batch, steps), "keras": _keras_steps(theirs, batch, steps)}
    for contestant in contestants.values():
        contestant()
    for weights, wanted in zip(ours.parameters, theirs.get_weights(), strict=True):
        if not np.allclose(weights, wanted, atol=1e-4):
            raise RuntimeError("The two have trained other weights.")
    costs = measure.interleaved_costs(contestants, rounds=3 if config.quick else 11)
    ours_cost, their_cost = costs["numpy"], costs["keras"]
    rows = [
        measure.at_least(
            "step of 784-512-512-10 in NumPy",
            "Keras' compiled step",
            their_cost.wall / ours_cost.wall,
            BAR,
            cpu_ratio=their_cost.cpu / ours_cost.cpu,
            milliseconds=round(1000 * ours_cost.wall / steps, 3),
            baseline_milliseconds=round(1000 * their_cost.wall / steps, 3),
        )
    ]
    measure.report(rows, config.json)
    return rows


def _network() -> Any:
    from sightkit.apps.foundations import NeuralNetwork

    return NeuralNetwork.dense(SIZES, "relu", dtype="float32")


def _keras_network() -> Any:
    import keras

    layers = [keras.layers.Dense(size, "relu") for size in SIZES[1:-1]]
    network = keras.Sequential(
        [keras.Input(SIZES[:1]), *layers, keras.layers.Dense(SIZES[-1], "softmax")]
    )
    network.compile(keras.optimizers.SGD(RATE, momentum=MOMENTUM))
    return network


def _steps(network: Any, batch: tuple[np.ndarray, np.ndarray], steps: int) -> Callable[[], object]:
    from sightkit.apps.foundations import Momentum

    optimizer = Momentum(RATE, momentum=MOMENTUM)

    def run() -> None:
        for _ in range(steps):
            network.step(*batch, optimizer)

    return run


def _keras_steps(
    network: Any, batch: tuple[np.ndarray, np.ndarray], steps: int
) -> Callable[[], object]:
    from baselines.bare_loop import bare_loops

    return bare_loops(network, batch, steps)["compiled"]


if __name__ == "__main__":
    _cli.run(main, Config)
