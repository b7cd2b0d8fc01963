"""After how many images a faster engine has regained its start: measured, beside the rule.

    python benchmarks/break_even.py [--networks mobilenetv2_0.35 …] [--quick] [--json FILE]

``inference.compile`` makes an engine from a number of images on that follows from the network alone
(``inference/break_even.py``). The constants of that rule come from this table: what starting
OpenVINO costs (import of its library left out), and what an image saves against the zoo's network
in Keras, all in the processor's seconds and float32.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import numpy as np

from sightkit import _cli
from sightkit._errors import SightkitError

NETWORKS = {
    "lenet": 2048,
    "minivggnet": 1024,
    "minigooglenet": 256,
    "resnet20": 1024,
    "resnet_cifar": 256,
    "resnet_tiny_imagenet": 128,
    "deepergooglenet": 128,
    "squeezenet": 64,
    "alexnet": 64,
    "googlenet": 32,
    "mobilenet_0.25": 256,
    "mobilenetv2_0.35": 256,
    "resnet50": 32,
    "inception_v3": 16,
    "xception": 16,
}
"""Images of a turn."""
BATCH, ROUNDS = 256, 5


@dataclass(frozen=True)
class Config:
    """Measure where an engine begins to pay."""

    networks: tuple[str, ...] = tuple(NETWORKS)
    """Names of the zoo."""
    quick: bool = False
    """Two small networks, one round: a smoke test whose figures mean little."""
    json: Path | None = None
    """File to write the rows to."""


def main(config: Config) -> list[measure.Row]:
    unknown = sorted(set(config.networks) - set(NETWORKS))
    if unknown:
        raise SightkitError("The networks must be among those timed.",
                            f"Known: {sorted(NETWORKS)}.", networks=unknown)  # fmt: skip
    _cli.start_keras()
    from sightkit.inference.openvino_engine import load_openvino

    load_openvino()
    print(
        f"{'network':<22}{'start':>8}{'rule':>7}{'saved':>10}{'rule':>10}{'images':>9}{'rule':>9}"
    )
    names = ("lenet", "minivggnet") if config.quick else config.networks
    rows = [_row(name, quick=config.quick) for name in names]
    if config.json is not None:
        measure.write(rows, config.json)
    return rows


def _row(name: str, *, quick: bool) -> measure.Row:
    from sightkit import zoo
    from sightkit.inference.break_even import break_even, saved_seconds, start_seconds
    from sightkit.inference.openvino_engine import OpenVinoEngine, convert
    from sightkit.inference.predictor import KerasEngine

    network = zoo.build(name, **zoo.entry(name).published[0][0])
    images = _images(NETWORKS[name], network)
    begin = time.process_time()
    engine = OpenVinoEngine(name, convert(network), "float32", BATCH)
    engine(images[:8])
    engine(np.resize(images, (engine.at_once, *images.shape[1:])))
    start = time.process_time() - begin
    keras = KerasEngine(network, BATCH, "float32")
    contestants = {"keras": lambda: keras(images), "openvino": lambda: engine(images)}
    costs = measure.interleaved_costs(contestants, rounds=1 if quick else ROUNDS)
    saved = (costs["keras"].cpu - costs["openvino"].cpu) / len(images)
    images_until = math.ceil(start / saved) if saved > 0 else math.inf
    by_rule = break_even(network)
    print(
        f"{name:<22}{start:>8.2f}{start_seconds(network):>7.2f}{1000 * saved:>8.3f}ms"
        f"{1000 * saved_seconds(network):>8.3f}ms{images_until:>9,}{by_rule:>9,}",
        flush=True,
    )
    return {
        "network": name,
        "start_cpu_seconds": start,
        "keras_cpu_ms_per_image": 1000 * costs["keras"].cpu / len(images),
        "openvino_cpu_ms_per_image": 1000 * costs["openvino"].cpu / len(images),
        "images": None if saved <= 0 else images_until,
        "by_rule": None if by_rule == math.inf else by_rule,
    }


def _images(count: int, network: Any) -> np.ndarray:
    shape = network.input_shape[1:]
    return np.random.default_rng(0).uniform(-1, 1, (count, *shape)).astype(np.float32)


if __name__ == "__main__":
    _cli.run(main, Config)
