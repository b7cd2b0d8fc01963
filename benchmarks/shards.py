"""Measure reading a dataset in shards, against one file of the same rows.

    python benchmarks/shards.py [--quick] [--json FILE]

Rows of 256x256x3, as ImageNet's, in one file and in 16 shards: an epoch of training batches in its
shuffled order, and one in stored order, through ``HDF5DatasetGenerator``. Rows are compared with
their hashes when they are read first; that epoch does not count. The files are in the memory that
the system has for files, where what the program itself does weighs most; processor seconds, for
nothing waits for a disk.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import measure
import numpy as np

from sightkit import _cli

SHAPE, CLASSES, SHARDS, BATCH = (256, 256, 3), 10, 16, 64


@dataclass(frozen=True)
class Config:
    """Measure shards against one file."""

    quick: bool = False
    """Fewer rows and rounds: a smoke test whose ratios mean little."""
    json: Path | None = None
    """File to write the rows to."""


def main(config: Config) -> list[measure.Row]:
    _cli.start_keras()
    from sightkit import io

    count, rounds = (512, 1) if config.quick else (3072, 41)
    rows = []
    with tempfile.TemporaryDirectory(dir=".") as scratch:
        one, shards = _write(Path(scratch), count)
        for shuffle in (True, False):
            order = "shuffled" if shuffle else "in stored order"
            data = {
                name: io.HDF5DatasetGenerator(path, BATCH, shuffle=shuffle, seed=1)
                for name, path in (("one file", one), ("shards", shards))
            }
            for k in range(0, len(data["shards"]), 7):
                if not np.array_equal(data["one file"][k][0], data["shards"][k][0]):
                    raise RuntimeError(f"Batch {k} of the shards is another one.")
            costs = measure.interleaved_costs(
                {name: lambda each=each: _epoch(each) for name, each in data.items()},
                rounds=rounds,
            )
            speeds = {name: count / cost.cpu for name, cost in costs.items()}
            print(f"{order}: " + ", ".join(f"{n} {v:,.0f} rows/s" for n, v in speeds.items()))
            ratio = speeds["shards"] / speeds["one file"]
            figures = {f"{name.replace(' ', '_')}_rows_a_second": v for name, v in speeds.items()}
            rows.append(
                measure.at_least(f"{SHARDS} shards, {order}", "one file", ratio, 0.95, **figures)
            )
    measure.report(rows, config.json)
    return rows


def _epoch(data) -> None:
    for k in range(len(data)):
        data[k]


def _write(folder: Path, count: int) -> tuple[Path, Path]:
    """Write random rows into one file, and the same rows in the same order into shards."""
    from sightkit import io
    from sightkit.io.hdf5.shards import shard_path, write_list_of

    rng = np.random.default_rng(0)
    one, listed = folder / "one.h5", folder / "many.shards"
    with io.HDF5DatasetWriter(
        (count, *SHAPE), one, class_names=[str(k) for k in range(CLASSES)]
    ) as writer:
        for k in range(0, count, BATCH):
            images = rng.integers(0, 256, (BATCH, *SHAPE), dtype=np.uint8)
            writer.add(images, np.arange(k, k + BATCH) % CLASSES)
    file, shards = io.DatasetFile.open(one), []
    for number, rows in enumerate(np.array_split(np.arange(count), SHARDS)):
        path = shard_path(listed, number, SHARDS)
        io.write_rows(path, file, {"train": rows}, recipe={"shard": [number, SHARDS]})
        shards.append(io.DatasetFile.open(path))
    write_list_of(listed, shards)
    return one, listed


if __name__ == "__main__":
    _cli.run(main, Config)
