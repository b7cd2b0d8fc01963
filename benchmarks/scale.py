"""Predict what a network between machines costs a training, and measure it on simulated links.

    sudo .venv/bin/python benchmarks/scale.py [--quick] [--json FILE]

Processes in network namespaces of their own sum a vector as they would the gradients of a step,
over links that have a rate, a delay and a loss (benchmarks/simulated_links.py). Predicted is a
ring: each of n processes sends the n-th part 2 (n - 1) times, and each time waits for an answer;
TCP that loses packets is as fast as Mathis, Semke, Mahdavi and Ott found (1997). What the engine
itself takes is measured on links that nothing slows, and added. Needs root, iproute2 and Linux. It
also prints the prediction for ResNet-50 on ImageNet, the table of docs/scale.md.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import measure
import numpy as np
from simulated_links import FREE, Link, namespaces

from sightkit import _cli, training
from sightkit.training.cluster import TF_CONFIG, Cluster

PORT = 20_000
SIZES = (1_000_000, 8_600_000)
"""Bytes that are summed; the second are MiniVGGNet's gradients."""
RESNET50 = 4 * 25_557_032
"""Bytes of the gradients of ResNet-50 in float32."""
MACHINES = (1, 2, 4, 8, 16, 32, 64)
LINKS = {"1 Gbit/s": 1e9, "10 Gbit/s": 1e10, "100 Gbit/s": 1e11}
SPEED, BATCH = 1_700.0, 256
"""Images a second of one machine, and a step: a Gaudi, by its maker; see docs/scale.md."""


@dataclass(frozen=True)
class Config:
    """Compare predicted with measured sums over simulated links."""

    quick: bool = False
    """Two processes and two links."""
    json: Path | None = None
    """File to write the rows to."""


def main(config: Config) -> list[measure.Row]:
    links = [Link(1e8), Link(1e8, 5e-3, 1e-3)]
    if not config.quick:
        links += [Link(2e8), Link(2e8, 5e-3), Link(1e8, 5e-3, 1e-2)]
    rows = []
    for machines in (2,) if config.quick else (2, 3, 4):
        free = measured(machines, FREE, SIZES)
        for link in links:
            found = measured(machines, link, SIZES)
            for size in SIZES:
                predicted = free[size] + link.seconds(machines, size)
                name = f"{machines} processes, {size / 1e6:.1f} MB, {link}"
                against = f"{predicted:.2f} s predicted"
                rows.append(measure.at_most(name, against, found[size] / predicted, 0))
                rows[-1].update(seconds=found[size], predicted=predicted, engine=free[size])
    measure.report(rows, config.json)
    print(*prediction(), sep="\n")
    return rows


def prediction() -> list[str]:
    """Return the lines of a table: ResNet-50 by number of machines and link."""
    lines = ["", "| machines | sent a step | " + " | ".join(LINKS) + " |"]
    lines.append("|---:|---:|" + "---:|" * len(LINKS))
    for machines in MACHINES:
        sent = 2 * (machines - 1) / machines * RESNET50
        cells = []
        for rate in LINKS.values():
            ring = Link(rate, 1e-4).seconds(machines, RESNET50) if machines > 1 else 0.0
            share = 1 / (1 + ring * SPEED / BATCH)
            cells.append(f"{1e3 * ring:,.0f} ms, {share:.0%}")
        lines.append(f"| {machines} | {sent / 1e6:,.0f} MB | " + " | ".join(cells) + " |")
    return lines


def measured(machines: int, link: Link, sizes: tuple[int, ...]) -> dict[int, float]:
    """Return the median seconds of a sum, by size in bytes."""
    with namespaces(machines, link) as places:
        addresses = tuple(f"{address}:{PORT}" for _, address in places)
        jobs = []
        for rank, (name, _) in enumerate(places):
            environment = {**os.environ, TF_CONFIG: Cluster(addresses, rank).tf_config}
            words = ["ip", "netns", "exec", name, sys.executable, __file__, "sum"]
            words += map(str, sizes)
            jobs.append(
                subprocess.Popen(
                    words,
                    env=environment,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            )
        first, *_ = [job.communicate(timeout=900)[0] for job in jobs]
    return {int(size): seconds for size, seconds in json.loads(first.splitlines()[-1]).items()}


def sum_vectors(sizes: list[int]) -> None:
    """Sum vectors with the others, and print the median seconds by size."""
    group = training.connect_processes("tensorflow")
    found = {}
    for size in sizes:
        vector, seconds = np.ones(size // 4, np.float32), []
        for _ in range(6):
            group.sum(np.zeros(1))  # all begin together
            start = time.perf_counter()
            group.sum(vector)
            seconds.append(time.perf_counter() - start)
        found[size] = statistics.median(seconds[1:])
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["sum"]:
        sum_vectors([int(word) for word in sys.argv[2:]])
    else:
        _cli.run(main, Config)
