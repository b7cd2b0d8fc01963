"""What a training step costs, in the processor's seconds: ours against Keras with its defaults.

    python benchmarks/training.py [--networks minivggnet resnet_cifar] [--quick] [--json FILE]

Each network of the zoo on one batch of random images, in float32 and in bfloat16, against the same
layers with Keras' own batch normalization, compiled as Keras does by default, in float32. They take
turns; medians of their seconds. Before that, losses of ten steps from the same weights, without
dropout, must agree. Bars for bfloat16 are those of a processor with ``amx_bf16``; on others the
bar is 0: they say what it is.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import numpy as np

from sightkit import _cli
from sightkit._errors import SightkitError

FLOAT32, BFLOAT16 = "float32", "bfloat16"
BATCHES = {
    "mlp": 128,
    "lenet": 128,
    "lenet5": 128,
    "shallownet": 128,
    "convnet": 128,
    "minialexnet": 128,
    "minivggnet": 128,
    "minigooglenet": 128,
    "resnet20": 128,
    "resnet_cifar": 128,
    "resnet_tiny_imagenet": 32,
    "deepergooglenet": 32,
    "squeezenet": 16,
    "alexnet": 32,
    "alexnet_two_groups": 16,
    "googlenet": 16,
    "mobilenet_0.25": 32,
    "mobilenetv2_0.35": 32,
    "resnet50": 8,
    "resnet_imagenet": 8,
    "inception_v3": 8,
    "xception": 4,
    "vgg16": 4,
}
"""Images a step. Names that differ in width or number of classes alone are left out."""
BARS_BFLOAT16 = {"minivggnet": 2.7, "minigooglenet": 2.6, "resnet_cifar": 2.2, "lenet": 2.0}
BAR_MEDIAN, BAR_NORMALIZED, BAR_OTHERS = 1.3, 1.0, 0.97
ROUNDS, SECONDS = 5, 1.0
"""Turns; and how long a contestant's turn lasts at least."""
LOSS_STEPS, LOSS_TOLERANCE = 10, 0.02


@dataclass(frozen=True)
class Config:
    """Measure training steps against plain Keras."""

    networks: tuple[str, ...] = tuple(BATCHES)
    """Names of the zoo."""
    quick: bool = False
    """MiniVGGNet and LeNet alone, few turns: a smoke test whose ratios mean little."""
    json: Path | None = None
    """File to write the rows to."""


def main(config: Config) -> list[measure.Row]:
    unknown = sorted(set(config.networks) - set(BATCHES))
    if unknown:
        raise SightkitError("The networks must be among those timed.", f"Known: {sorted(BATCHES)}.",
                            networks=unknown)  # fmt: skip
    _cli.start_keras()
    from sightkit.training.environment import processor_flags

    flags = processor_flags()
    print(f"processor: {', '.join(flags)}; PyTorch rows: not measured here")
    names = ("lenet", "minivggnet") if config.quick else config.networks
    rows: list[measure.Row] = []
    for name in names:
        rows += _rows_of(name, flags, quick=config.quick)
        measure.report(rows[-2:], None)
    ratios = [row["ratio"] for row in rows if row["precision"] == FLOAT32 and row["normalized"]]
    if ratios:
        median = statistics.median(ratios)
        rows.append(measure.at_least("median with batch normalization, float32", "Keras", median,
                                     BAR_MEDIAN))  # fmt: skip
    print()
    measure.report(rows, config.json)
    return rows


def _rows_of(name: str, flags: list[str], *, quick: bool) -> list[measure.Row]:
    import keras
    from baselines.plain_keras import plain_keras

    from sightkit.zoo.batch_normalization import BatchNormalization

    _require_equal(name)
    contestants = {}
    for precision in (FLOAT32, BFLOAT16):
        network, batch = _network(name, precision)
        contestants[f"ours, {precision}"] = _compiled(network, fixed=True), batch
    normalized = any(isinstance(layer, BatchNormalization) for layer in network.layers)
    contestants["Keras"] = _compiled(plain_keras(_network(name, FLOAT32)[0])), batch
    keras.config.set_dtype_policy(FLOAT32)
    seconds = _processor_seconds(contestants, rounds=2 if quick else ROUNDS)
    milliseconds = {who: round(1000 * value / len(batch[0]), 4) for who, value in seconds.items()}
    against = "Keras' defaults, float32"
    bar = BAR_NORMALIZED if normalized else BAR_OTHERS
    ratio = {who: seconds["Keras"] / value for who, value in seconds.items()}
    facts = {"ms_per_image": milliseconds, "processor": flags, "normalized": normalized}
    return [
        measure.at_least(
            f"{name}, float32", against, ratio["ours, float32"], bar, precision=FLOAT32, **facts
        ),
        measure.at_least(
            f"{name}, bfloat16",
            against,
            ratio["ours, bfloat16"],
            BARS_BFLOAT16.get(name, 0.0) if "amx_bf16" in flags else 0.0,
            precision=BFLOAT16,
            **facts,
        ),
    ]


def _network(name: str, precision: str) -> tuple[Any, tuple[Any, Any]]:
    """Freshly built with seed 1, and a batch for it."""
    from sightkit import training, zoo

    training.prepare(seed=1, precision=precision)
    first = zoo.row(name).published[0][0]
    network = zoo.build(name, **first)
    rng = np.random.default_rng(0)
    images = rng.random((BATCHES[name], *network.input_shape[1:]), np.float32)
    return network, (images, np.arange(len(images)) % network.output_shape[-1])


def _compiled(network: Any, *, fixed: bool = False) -> Any:
    """With SGD and momentum; ``fixed`` as ``training.fit`` plans it, else by Keras' defaults."""
    import keras

    from sightkit.training.execution_plan import jit_rule

    network.compile(
        keras.optimizers.SGD(1e-3, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    if fixed:
        network.jit_compile = jit_rule(network)
    return network


def _require_equal(name: str) -> None:
    """Ten steps from the same weights, without dropout, give the same losses."""
    from baselines.plain_keras import plain_keras, without_dropout

    network, batch = _network(name, FLOAT32)
    ours = _compiled(without_dropout(network), fixed=True)
    theirs = _compiled(plain_keras(network, dropout=False))
    for step in range(LOSS_STEPS):
        pair = [float(each.train_on_batch(*batch)[0]) for each in (ours, theirs)]
        if abs(pair[0] - pair[1]) > LOSS_TOLERANCE * abs(pair[1]):
            raise SystemExit(f"{name}: losses of step {step + 1} differ: {pair}")


def _processor_seconds(contestants: dict[str, Any], rounds: int) -> dict[str, float]:
    """Median seconds of the processor that a step of each takes."""
    steps = {}
    for who, (network, batch) in contestants.items():
        network.train_on_batch(*batch)  # traces and compiles
        begun = time.perf_counter()
        network.train_on_batch(*batch)
        steps[who] = max(1, round(SECONDS / (time.perf_counter() - begun)))
    seconds: dict[str, list[float]] = {who: [] for who in contestants}
    for turn in range(rounds):
        names = list(contestants)
        for who in names[turn % 3 :] + names[: turn % 3]:
            network, batch = contestants[who]
            begun = time.process_time()
            for _ in range(steps[who]):
                network.train_on_batch(*batch)
            seconds[who].append((time.process_time() - begun) / steps[who])
    return {who: statistics.median(values) for who, values in seconds.items()}


if __name__ == "__main__":
    _cli.run(main, Config)
