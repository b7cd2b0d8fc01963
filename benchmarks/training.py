"""Measure a training step, in the processor's seconds: against Keras' defaults, and PyTorch.

    python benchmarks/training.py [--networks minivggnet resnet_cifar] [--quick] [--json FILE]

Each network of the zoo on one batch of random images, in float32 and in bfloat16, against the same
layers with Keras' own batch normalization, compiled as Keras does by default, in float32. They take
turns; medians of their seconds. Before that, losses of ten steps from the same weights, without
dropout, must agree: float32's within 2 %, and bfloat16's with our float32's within 10 % (small
networks: at most 0.2 %; the deep ResNets and DeeperGoogLeNet, whose start is steep, 3 to 4 %). Bars
for bfloat16 are those of a processor with ``amx_bf16``; on others the bar is 0: they show what it
is. With ``--networks``, rows of others in FILE remain there, if they were measured on
the same machine with the same versions.

Small networks are timed in bare PyTorch too, in the same turns, where it is installed: ``pip
install -e ".[bench]"``, in an environment of its own. Its bfloat16 convolutions wait for each other
in loops that count as processor seconds; so it is timed with one thread and with all, and the
cheaper of the two is the baseline.
What was found and tried is in docs/measurements.md.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import time
from collections.abc import Callable
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
BARS_TORCH = {"minivggnet": 1.45, "minigooglenet": 1.1, "resnet_cifar": 1.1, "lenet": 0, "mlp": 0}
"""In bfloat16, against PyTorch's; other networks are not timed there."""
BAR_MEDIAN, BAR_NORMALIZED, BAR_OTHERS = 1.3, 1.0, 0.97
ROUNDS, SECONDS = 5, 1.0
"""Turns; and how long a contestant's turn lasts at least."""
SHORT_STEP, ROUNDS_SHORT = 0.05, 15
"""Steps shorter than that take more turns: five medians of one and the same network, at 8 ms a
step, lay 17 % apart, with fifteen turns 4 %."""
LOSS_STEPS, LOSS_TOLERANCE, LOSS_RATE = 10, 0.02, 1e-4
"""A tenth of the rate that is timed: at that the steep start of DeeperGoogLeNet makes 1e-7 in the
first loss, which is rounding, 2 % in the seventh."""
LOSS_TOLERANCE_BFLOAT16 = 0.1
PRECISIONS = (FLOAT32, BFLOAT16)
KERAS = "Keras' defaults, float32"
OURS_BFLOAT16 = "ours, bfloat16"
LARGE = "one large convolution"
LARGE_SHAPE = (32, 14, 14, 256)
"""Images and channels, in and out; its kernel is 3x3. Nothing in the networks is faster."""


class UnequalError(Exception):
    """Two sides that must compute the same do not."""


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

    amx = "amx_bf16" in processor_flags()
    print(f"processor: {', '.join(processor_flags())}; load {os.getloadavg()[0]:.1f}")
    with_torch = importlib.util.find_spec("torch") is not None
    if not with_torch:
        print("against bare PyTorch: not measured: torch is not installed")
    names = ("lenet", "minivggnet") if config.quick else config.networks
    rows = [] if config.quick else measure.stored_rows(config.json, names)
    unequal: list[str] = []
    for name in names:
        try:
            found = _rows_of(name, quick=config.quick, amx=amx, with_torch=with_torch)
        except UnequalError as error:  # it is not timed; the others are
            rows = measure.replaced(rows, name, [])
            unequal.append(str(error))
            print(unequal[-1])
            continue
        measure.report(found, None)
        rows = measure.replaced(rows, name, found)
        if config.json is not None:  # a run that is cut keeps what it has
            measure.write([*rows, *_median(rows)], config.json)
    rows += _median(rows)
    print(f"\nload {os.getloadavg()[0]:.1f}")
    if rows:
        measure.report(rows, config.json)
    if unequal:
        raise SystemExit("Not timed, since the losses differ: " + "; ".join(unequal))
    return rows


def _median(rows: list[measure.Row]) -> list[measure.Row]:
    ratios = [
        row["ratio"]
        for row in rows
        if row["precision"] == FLOAT32 and row["baseline"] == KERAS and row["normalized"]
    ]
    if not ratios:
        return []
    name = f"median of {len(ratios)} with batch normalization, float32"
    return [measure.at_least(name, KERAS, statistics.median(ratios), BAR_MEDIAN)]


def _rows_of(name: str, *, quick: bool, amx: bool, with_torch: bool) -> list[measure.Row]:
    import keras
    from baselines.plain_keras import plain_keras

    from sightkit.zoo.batch_normalization import BatchNormalization

    with_torch = with_torch and name in BARS_TORCH
    _require_equal(name, with_torch=with_torch)
    contestants: dict[str, Callable[[], Any]] = {}
    for precision in PRECISIONS:
        contestants[f"ours, {precision}"] = _ours(name, precision)
    network, batch = _network(name, FLOAT32)
    normalized = any(isinstance(layer, BatchNormalization) for layer in network.layers)
    plain = _compiled(plain_keras(network))
    contestants[KERAS] = _step(plain, batch)
    if with_torch:
        from baselines.torch_training import torch_step

        for precision in PRECISIONS:
            for threads in (None, 1):
                who = f"{_torch(precision)}, {'one thread' if threads else 'all threads'}"
                contestants[who] = torch_step(plain, batch, precision, threads)
    keras.config.set_dtype_policy(FLOAT32)
    contestants[LARGE], large_work = _large_convolution()
    costs = _costs(contestants, quick=quick)
    for precision in PRECISIONS if with_torch else ():
        both = [cost for who, cost in costs.items() if who.startswith(_torch(precision))]
        costs[_torch(precision)] = min(both)
    images = len(batch[0])
    speed = large_work / costs.pop(LARGE).cpu
    arithmetic = images * _work(network) / speed
    figures = {
        "gflops_a_core": round(speed / 1e9, 1),
        "arithmetic_cpu_ms_per_image": round(1000 * arithmetic / images, 4),
        "cpu_ms_per_image": {who: round(1000 * c.cpu / images, 4) for who, c in costs.items()},
        "wall_ms_per_image": {who: round(1000 * c.wall / images, 4) for who, c in costs.items()},
    }
    keras_bars = {
        FLOAT32: BAR_NORMALIZED if normalized else BAR_OTHERS,
        BFLOAT16: BARS_BFLOAT16.get(name, 0.0) if amx else 0.0,
    }
    torch_bars = {FLOAT32: 0.0, BFLOAT16: BARS_TORCH.get(name, 0.0) if amx else 0.0}
    return [
        measure.at_least(
            f"{name}, {precision}",
            baseline,
            costs[baseline].cpu / costs[f"ours, {precision}"].cpu,
            bars[precision],
            network=name,
            precision=precision,
            normalized=normalized,
            limit=costs[baseline].cpu / arithmetic if precision == FLOAT32 else None,
            **figures,
        )
        for precision in PRECISIONS
        for baseline, bars in ((KERAS, keras_bars), (_torch(precision), torch_bars))
        if baseline in costs
    ]


def _work(network: Any) -> float:
    """Floating-point operations of a training step, an image: forward, and both gradients.

    The first layer's images need none.
    """
    from sightkit import zoo

    counts = [row.multiply_adds for row in zoo.describe(network) if row.multiply_adds]
    return 2.0 * (3 * sum(counts) - counts[0])


def _large_convolution() -> tuple[Callable[[], Any], float]:
    """A convolution that keeps both cores at work, and its floating-point operations."""
    import tensorflow as tf

    channels = LARGE_SHAPE[-1]
    images = tf.random.normal(LARGE_SHAPE)
    kernel = tf.random.normal((3, 3, channels, channels))
    convolution = tf.function(lambda: tf.nn.conv2d(images, kernel, 1, "SAME"))
    return lambda: convolution().numpy(), 2.0 * int(tf.size(images)) * 9 * channels


def _torch(precision: str) -> str:
    return f"bare PyTorch, {precision}"


def _network(name: str, precision: str) -> tuple[Any, tuple[Any, Any]]:
    """Freshly built with seed 1, and a batch for it."""
    from sightkit import training, zoo

    training.prepare(seed=1, precision=precision)
    first = zoo.entry(name).published[0][0]
    network = zoo.build(name, **first)
    rng = np.random.default_rng(0)
    images = rng.random((BATCHES[name], *network.input_shape[1:]), np.float32)
    return network, (images, np.arange(len(images)) % network.output_shape[-1])


def _compiled(network: Any, *, fixed: bool = False, rate: float = 1e-3) -> Any:
    """With SGD and momentum; ``fixed`` as ``training.fit`` plans it, else by Keras' defaults."""
    import keras

    from sightkit.training.execution_plan import jit_rule

    network.compile(
        keras.optimizers.SGD(rate, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    if fixed:
        network.jit_compile = jit_rule(network)
    return network


def _ours(name: str, precision: str) -> Callable[[], Any]:
    network, batch = _network(name, precision)
    return _step(_compiled(network, fixed=True), batch)


def _step(network: Any, batch: tuple[Any, Any]) -> Callable[[], Any]:
    return lambda: network.train_on_batch(*batch)


def _require_equal(name: str, *, with_torch: bool) -> None:
    """Ten steps from the same weights, without dropout, give the same losses."""
    from baselines.plain_keras import plain_keras, without_dropout

    rounded = _compiled(without_dropout(_network(name, BFLOAT16)[0]), fixed=True, rate=LOSS_RATE)
    network, batch = _network(name, FLOAT32)
    ours = _compiled(without_dropout(network), fixed=True, rate=LOSS_RATE)
    rounded.set_weights(ours.get_weights())
    theirs = _compiled(plain_keras(network, dropout=False), rate=LOSS_RATE)
    others: dict[str, Callable[[], Any]] = {
        "Keras": lambda: theirs.train_on_batch(*batch)[0],
        OURS_BFLOAT16: lambda: rounded.train_on_batch(*batch)[0],
    }
    if with_torch:
        from baselines.torch_training import torch_step

        others["PyTorch"] = torch_step(ours, batch, FLOAT32)
    for step in range(LOSS_STEPS):
        decay = float(sum(ours.losses))  # PyTorch's loss is without
        loss = float(ours.train_on_batch(*batch)[0])
        for who, other in others.items():
            found = float(other()) + (decay if who == "PyTorch" else 0)
            tolerance = LOSS_TOLERANCE_BFLOAT16 if who == OURS_BFLOAT16 else LOSS_TOLERANCE
            if not abs(loss - found) <= tolerance * abs(loss):  # nor are they equal if one is NaN
                raise UnequalError(f"{name}: loss of step {step + 1}: {loss}; {who}: {found}")


def _costs(contestants: dict[str, Callable[[], Any]], *, quick: bool) -> dict[str, measure.Cost]:
    """Median seconds that a step of each takes, of the processor and on the wall."""
    seconds = {}
    for who, step in contestants.items():
        step()  # traces and compiles
        begun = time.perf_counter()
        step()
        seconds[who] = time.perf_counter() - begun
    counts = {who: max(1, round(SECONDS / spent)) for who, spent in seconds.items()}

    def repeated(step: Callable[[], Any], count: int) -> Callable[[], None]:
        def turn() -> None:
            for _ in range(count):
                step()

        return turn

    turns = {who: repeated(step, counts[who]) for who, step in contestants.items()}
    rounds = ROUNDS_SHORT if max(seconds.values()) < SHORT_STEP else ROUNDS
    costs = measure.interleaved_costs(turns, rounds=2 if quick else rounds)
    return {
        who: measure.Cost(cost.cpu / counts[who], cost.wall / counts[who])
        for who, cost in costs.items()
    }


if __name__ == "__main__":
    _cli.run(main, Config)
