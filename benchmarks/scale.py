"""Predict what a network between machines costs a training, and measure it on simulated links.

    sudo .venv/bin/python benchmarks/scale.py [--quick] [--json FILE]

Processes in network namespaces of their own, joined by a bridge, sum a vector as they would the
gradients of a step; the links have a rate, a delay and a loss (tc's netem). Predicted is a ring:
each of n processes sends the n-th part 2 (n - 1) times, and each time waits for an answer; TCP that
loses packets is as fast as Mathis, Semke, Mahdavi and Ott found (1997). What the engine itself
takes is measured on links that nothing slows, and added. Needs root, iproute2 and Linux. It also
prints the prediction for ResNet-50 on ImageNet, the table of docs/scale.md.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import measure
import numpy as np

from sightkit import _cli, training
from sightkit._errors import SightkitError
from sightkit.training.cluster import TF_CONFIG, Cluster

PORT, SEGMENT = 20_000, 1_448
RESNET50 = 4 * 25_557_032
"""Bytes of the gradients of ResNet-50 in float32."""
MACHINES = (1, 2, 4, 8, 16, 32, 64)
LINKS = {"1 Gbit/s": 1e9, "10 Gbit/s": 1e10, "100 Gbit/s": 1e11}
SPEED, BATCH = 1_700.0, 256
"""Images a second of one machine, and a step: a Gaudi, by its maker; see docs/scale.md."""


@dataclass(frozen=True)
class Link:
    """What a process sends through: bits a second, seconds one way, share of packets lost."""

    rate: float = math.inf
    delay: float = 0.0
    loss: float = 0.0

    def __str__(self) -> str:
        """Return the link in words."""
        if self.rate == math.inf:
            return "a link that nothing slows"
        slowed = f", {self.delay * 1e3:g} ms, {self.loss:.2%} lost" if self.delay else ""
        return f"{self.rate / 1e9:g} Gbit/s{slowed}"

    @property
    def usable(self) -> float:
        """Bits a second that one TCP connection gets."""
        if not self.loss:
            return self.rate
        return min(self.rate, 8 * SEGMENT * 1.22 / (2 * self.delay * math.sqrt(self.loss)))

    def seconds(self, machines: int, size: int) -> float:
        """Return what a ring takes to sum vectors of ``size`` bytes, by this link alone."""
        steps = 2 * (machines - 1)
        return steps * (2 * self.delay + 8 * size / machines / self.usable)

    @property
    def discipline(self) -> list[str]:
        """Arguments of tc: a queueing discipline that makes such a link."""
        if not self.delay:
            return f"tbf rate {self.rate:.0f}bit burst 256kb latency 200ms".split()
        words = f"netem limit 100000 delay {self.delay * 1e6:.0f}us rate {self.rate:.0f}bit"
        return [*words.split(), *(["loss", f"{100 * self.loss:g}%"] if self.loss else [])]


FREE = Link()


@dataclass(frozen=True)
class Config:
    """Compare predicted with measured sums over simulated links."""

    quick: bool = False
    """Two processes and two links."""
    json: Path | None = None
    """File to write the rows to."""


def main(config: Config) -> list[measure.Row]:
    if os.geteuid():
        raise SightkitError("Network namespaces are made by root.", "Run it with sudo.")
    sizes = (8_600_000, RESNET50)
    links = [Link(1e9), Link(1e9, 2e-3, 1e-4)]
    if not config.quick:
        links += [Link(3e8), Link(1e9, 1e-3), Link(1e8, 1e-2, 1e-3)]
    rows = []
    for machines in (2,) if config.quick else (2, 3, 4):
        free = measured(machines, FREE, sizes)
        for link in links:
            try:
                found = measured(machines, link, sizes)
            except SightkitError as error:  # of a kernel without netem
                print(f"Left out, {link}: {error}")
                continue
            for size in sizes:
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
    with namespaces(machines, link) as names:
        addresses = tuple(f"10.77.0.{number + 1}:{PORT}" for number in range(machines))
        jobs = []
        for rank, name in enumerate(names):
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


@contextlib.contextmanager
def namespaces(machines: int, link: Link) -> Iterator[list[str]]:
    """Yield names of network namespaces that reach each other over such links."""
    prefix = f"sk{os.getpid() % 10_000}"
    names, bridge = [f"{prefix}n{number}" for number in range(machines)], f"{prefix}b"
    try:
        run("ip", "link", "add", bridge, "type", "bridge")
        run("ip", "link", "set", bridge, "up")
        for number, name in enumerate(names):
            inside, outside = f"{prefix}i{number}", f"{prefix}o{number}"
            run("ip", "netns", "add", name)
            run("ip", "link", "add", inside, "type", "veth", "peer", "name", outside)
            run("ip", "link", "set", outside, "master", bridge, "up")
            run("ip", "link", "set", inside, "netns", name)
            run("ip", "-n", name, "address", "add", f"10.77.0.{number + 1}/24", "dev", inside)
            run("ip", "-n", name, "link", "set", "lo", "up")
            run("ip", "-n", name, "link", "set", inside, "up")
            if link != FREE:
                run(*f"tc -n {name} qdisc add dev {inside} root".split(), *link.discipline)
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "delete", bridge], check=False, capture_output=True)


def run(*words: str) -> None:
    """Run a command of iproute2."""
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SightkitError(f"{' '.join(words)}: {done.stderr.rstrip()}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["sum"]:
        sum_vectors([int(word) for word in sys.argv[2:]])
    else:
        _cli.run(main, Config)
