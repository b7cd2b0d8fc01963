"""A search over an experiment that trains nothing: what several processes of a test share.

    python tests/training/search/search_job.py FOLDER TRIALS SECONDS

Its ``main`` is best at a learning rate of 0.01, and writes down each call.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightkit import experiments, io
from sightkit._errors import SightkitError
from sightkit.training.search.plan import SearchPlan
from sightkit.training.search.results import write_results
from sightkit.training.search.space import default_space, draw
from sightkit.training.search.study import Search

__all__ = ["Search", "default_space", "draw", "write_results"]


@dataclass(frozen=True)
class Config(experiments.Config):
    output: Path = Path("run")
    data: Path = Path("data.h5")
    preflight: str = "off"
    epochs: int = 8
    batch_size: int = 10
    learning_rate: float = 0.1
    seconds: float = 0.0
    """Of an epoch."""
    fails_above: float = 1e9
    """Learning rate."""


def write_data(path, validation="validation", count=60):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 4, 4, 1)).astype(np.uint8)
    images[20:24] = images[0]  # equal images
    labels = np.arange(count) % 2
    labels[20:24] = labels[0]
    splits = {"train": count - 20, validation: 10, "test": 10}
    with io.HDF5DatasetWriter(
        images.shape, path, class_names=("a", "b"), splits=splits, recipe={"source": "here"}
    ) as writer:
        writer.add(images, labels)


def main(config, *, callbacks=()):
    config.output.mkdir(parents=True, exist_ok=True)
    if not config.data.exists():
        write_data(config.data, config.validation_split)
    for callback in callbacks:
        callback.on_train_begin()
    note = config.output.parent / "calls.txt"
    with open(note, "a") as file:
        file.write(f"{config.output.name} {config.epochs} {config.learning_rate}\n")
    if config.learning_rate > config.fails_above:
        raise SightkitError("The rate must be lower.", learning_rate=config.learning_rate)
    quality = 1 / (1 + math.log10(config.learning_rate / 0.01) ** 2)
    for epoch in range(config.epochs):
        time.sleep(config.seconds)
        logs = {"val_accuracy": quality * (epoch + 1) / config.epochs, "val_loss": 1 - quality}
        for callback in callbacks:
            callback.on_epoch_end(epoch, logs)
    file = io.DatasetFile.open(config.data)
    print("trained on", file.splits)
    file.rows(config.validation_split)
    bad = {"rank1": -1.0, "loss": 99.0}
    return {config.validation_split: {"rank1": quality, "loss": 1 - quality}, "test": bad}


def plan(folder, trials=8, config=None, **options):
    config = config or Config(data=Path(folder) / "data.h5")
    return SearchPlan(
        **{
            "experiment": "job",
            "main": main,
            "config": config,
            "space": default_space(config),
            "output": Path(folder) / "search",
            "trials": trials,
            "coarse_epochs": 2,
            **options,
        }
    )


if __name__ == "__main__":
    place, trials, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    search = Search(plan(place, trials, Config(data=place / "data.h5", seconds=seconds)))
    search.run(lambda line: print(line, flush=True))
    write_results(search)
