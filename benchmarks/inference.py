"""Measure a trained network's predictions, against ``model.predict`` of Keras and PyTorch.

    python benchmarks/inference.py [--quick] [--json FILE] [--only mobilenetv2_0.35 resnet50]

The same network with the same (random) weights on every side, pictures of 224x224, batches of 32.
Keras is ``keras.applications``' network with its own batch normalization; ours is what
``inference.compile`` makes of the zoo's. Outputs are compared before anything is timed. Ratios are
of processor seconds, which other work on the machine disturbs least; start-up is reported apart.

PyTorch's threads wait for each other in loops that burn what is measured: it is timed with one
thread and with all, and what took fewer of the processor's seconds is the baseline.
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import numpy as np

from sightkit import _cli
from sightkit._errors import SightkitError

BATCH = 32
KERAS = "keras, predict"
OURS = ("openvino", "folded")
PRECISIONS = ("float32", "bfloat16")
FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")


@dataclass(frozen=True)
class Network:
    """A network that is measured.

    Attributes:
        application: its builder in ``keras.applications``, and that one's options.
        images: in a turn.
        bars: least ratios by contestant.
    """

    application: str
    options: dict[str, Any]
    images: int
    bars: dict[str, float]


NETWORKS = {
    "mobilenetv2_0.35": Network(
        "MobileNetV2",
        {"alpha": 0.35},
        256,
        {"openvino float32": 3.0, "openvino bfloat16": 5.0, "folded float32": 1.7},
    ),
    "resnet50": Network("ResNet50", {}, 32, {"openvino float32": 1.4, "openvino bfloat16": 6.0}),
}


@dataclass(frozen=True)
class Config:
    """Measure inference."""

    quick: bool = False
    """One batch and one round: a smoke test whose ratios mean little."""
    json: Path | None = None
    """File to write the rows to."""
    only: tuple[str, ...] = ()
    """Measure these networks alone."""


def main(config: Config) -> list[measure.Row]:
    unknown = set(config.only) - set(NETWORKS)
    if unknown:
        raise SightkitError(f"--only takes {', '.join(NETWORKS)}.", only=sorted(unknown))
    _cli.start_keras()
    from sightkit.inference.processor import cpu_flags

    flags = [flag for flag in FLAGS if flag in cpu_flags()]
    cores = len(os.sched_getaffinity(0))
    print(f"{cores} cores, {' '.join(flags)}; load {os.getloadavg()[0]:.1f} at the start")
    rows: list[measure.Row] = []
    for name in config.only or NETWORKS:
        rows += _measure(name, NETWORKS[name], config, amx="amx_bf16" in flags)
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    measure.report(rows, config.json)
    return rows


def _measure(name: str, network: Network, config: Config, *, amx: bool) -> list[measure.Row]:
    theirs, ours = _networks(name, network)
    images = np.random.default_rng(0).uniform(
        -1, 1, (BATCH if config.quick else network.images, 224, 224, 3)
    )
    images = images.astype(np.float32)
    contestants: dict[str, Callable[[], np.ndarray]] = {
        KERAS: lambda: theirs.predict(images, batch_size=BATCH, verbose=0),
        "zoo, predict": lambda: ours.predict(images, batch_size=BATCH, verbose=0),
    }
    for engine in OURS:
        for precision in PRECISIONS:
            contestants[f"{engine} {precision}"] = _engine(engine, ours, precision, images)
    contestants |= _torch(theirs, images)
    _require_equal(name, contestants)
    costs = _cheaper_torch(measure.interleaved_costs(contestants, rounds=1 if config.quick else 5))
    print(f"{name}: ms an image, processor and wall")
    for contestant, cost in costs.items():
        cpu, wall = (1000 * seconds / len(images) for seconds in cost)
        print(f"  {contestant:<20}{cpu:8.2f}{wall:8.2f}  {1000 / wall:7.0f} images/s")
    baselines = [other for other in costs if other == KERAS or other.startswith("torch")]
    return [
        _row(name, contestant, baseline, costs, network.bars if baseline == KERAS else {}, amx)
        for contestant in contestants
        if contestant.startswith(OURS)
        for baseline in baselines
        if baseline == KERAS or contestant.endswith(baseline.removeprefix("torch "))
    ]


def _row(
    name: str,
    contestant: str,
    baseline: str,
    costs: dict[str, measure.Cost],
    bars: dict[str, float],
    amx: bool,
) -> measure.Row:
    held = amx or not contestant.endswith("bfloat16")  # bars in bfloat16 are for such processors
    return measure.at_least(
        f"{name}, {contestant}",
        baseline,
        costs[baseline].cpu / costs[contestant].cpu,
        bars.get(contestant, 0.0) if held else 0.0,
        wall_ratio=costs[baseline].wall / costs[contestant].wall,
        load=os.getloadavg()[0],
    )


def _networks(name: str, network: Network) -> tuple[Any, Any]:
    """Keras' own network and the zoo's, with the same weights, biases and statistics at random."""
    import keras

    from sightkit import zoo

    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    theirs = getattr(keras.applications, network.application)(weights=None, **network.options)
    weights = [
        array + rng.uniform(-0.3, 0.3, array.shape) if array.ndim == 1 else array
        for array in theirs.get_weights()
    ]
    theirs.set_weights(weights)
    ours = zoo.build(name, input_shape=(224, 224, 3), classes=1000)
    ours.set_weights(weights)
    return theirs, ours


def _engine(
    engine: str, network: Any, precision: str, images: np.ndarray
) -> Callable[[], np.ndarray]:
    """An engine as ``inference.compile`` makes it; ``_require_equal`` compares it, on noise."""
    from sightkit.inference.engines import MAKERS

    start = time.perf_counter()
    compiled, _ = MAKERS[engine](network, precision, BATCH, None)
    print(f"{network.name}: {engine} {precision} started in {time.perf_counter() - start:.1f} s")
    return lambda: compiled(images)


def _torch(network: Any, images: np.ndarray) -> dict[str, Callable[[], np.ndarray]]:
    if importlib.util.find_spec("torch") is None:
        print("torch: not measured: torch is not installed")
        return {}
    from baselines.torch_inference import bare_torch

    return {
        f"torch {precision}, {'one thread' if threads else 'all threads'}": bare_torch(
            network, images, BATCH, precision, threads
        )
        for precision in PRECISIONS
        for threads in (None, 1)
    }


def _cheaper_torch(costs: dict[str, measure.Cost]) -> dict[str, measure.Cost]:
    """PyTorch's two numbers of threads, a precision, as one: what took less of the processor."""
    found = {who: cost for who, cost in costs.items() if not who.startswith("torch ")}
    for precision in PRECISIONS:
        both = [cost for who, cost in costs.items() if who.startswith(f"torch {precision}, ")]
        if both:
            found[f"torch {precision}"] = min(both)
    return found


def _require_equal(name: str, contestants: dict[str, Callable[[], np.ndarray]]) -> None:
    """Float32 within 1e-3 of Keras, as ``inference.compile`` has it; bfloat16 within 5 %."""
    from sightkit.inference.agreement import agreement, disagreement

    reference = contestants[KERAS]()
    for contestant, ask in contestants.items():
        answer = ask()
        largest = np.abs(answer - reference).max() / np.abs(reference).max()
        same, what = agreement(answer, reference)
        print(f"{name}, {contestant}: off by {largest:.1g} of the largest; {what}: {same:.0%}")
        if "bfloat16" in contestant:
            wrong = largest > 0.05
        else:
            wrong = disagreement(answer, reference, "float32") is not None
        if wrong:
            raise RuntimeError(f"{name}: {contestant} gives another output than Keras.")


if __name__ == "__main__":
    _cli.run(main, Config)
