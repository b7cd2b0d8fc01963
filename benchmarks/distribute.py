"""Measure two processes of one core each against one process on two cores.

    python benchmarks/distribute.py [--quick] [--json FILE]

Networks train as a user starts them, ``sightkit launch --processes 2 -- train …`` against the same
without ``launch``, with the same batch in all, on pictures of CIFAR-10's form. Seconds are
those of more epochs less those of one: neither start nor tracing counts. The two take turns.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import measure
import numpy as np

from sightkit import _cli, _run_files, io

BAR = 0.9
"""Images a second of two processes, as a share of those of one."""
NETWORKS = ("minivggnet", "resnet20")
BATCH = 128


@dataclass(frozen=True)
class Config:
    """Measure what dividing a batch between two processes costs."""

    quick: bool = False
    """Few pictures, one round: a smoke test whose ratios mean little."""
    network: str = ""
    """One of the networks alone: minivggnet."""
    json: Path | None = None
    """File to write the rows to."""


def main(config: Config) -> list[measure.Row]:
    images, epochs, rounds = (512, 2, 1) if config.quick else (2_560, 3, 3)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pictures(folder / "pictures.h5", images)
        for network in (config.network,) if config.network else NETWORKS:
            seconds: dict[int, list[float]] = {1: [], 2: []}
            for _ in range(rounds):
                for processes, found in seconds.items():
                    short, long = (
                        train(network, folder, processes, count) for count in (1, epochs)
                    )
                    found.append((long - short) / (epochs - 1))
            one, two = (statistics.median(found) for found in seconds.values())
            against = f"one on two cores, {images / one:,.0f} images/s"
            found = measure.at_least(f"{network}, two processes", against, one / two, BAR)
            rows.append({**found, "seconds": seconds})
    measure.report(rows, config.json)
    return rows


def write_pictures(path: Path, count: int) -> None:
    """Write a dataset file of pictures whose class can be seen."""
    rng = np.random.default_rng(0)
    splits = {"train": count, "validation": 128, "test": 128}
    labels = np.arange(sum(splits.values())) % 10
    pictures = rng.integers(0, 256, (len(labels), 32, 32, 3)).astype(np.uint8)
    pictures[:, :8] = (25 * labels)[:, None, None, None]
    names = [f"class {index}" for index in range(10)]
    with io.HDF5DatasetWriter(pictures.shape, path, class_names=names, splits=splits) as writer:
        writer.add(pictures, labels)


def train(network: str, folder: Path, processes: int, epochs: int) -> float:
    """Return the seconds that a network trained."""
    sightkit = [sys.executable, "-m", "sightkit"]
    launch = ["launch", "--processes", str(processes), "--"] if processes > 1 else []
    run = folder / "run"
    flags = ("--preflight", "off", "--overwrite", "--epochs", epochs, "--batch-size", BATCH)
    data = ("--network", network, "--data", folder / "pictures.h5", "--output", run)
    words = [*sightkit, *launch, "train", *map(str, (*data, *flags))]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    return float(json.loads((run / _run_files.ENVIRONMENT).read_text())["training_seconds"])


if __name__ == "__main__":
    _cli.run(main, Config)
