"""Builds of datasets that are killed: by name, or at random instants. Needs no Keras, so it forks.

    python tests/faults/dataset_job.py points FOLDER
    python tests/faults/dataset_job.py kills FOLDER COUNT

prints a line of JSON for each kill: what stood under the dataset's name before and afterwards (the
number of rows, or null), how many rows the build would have had, and what is left in the folder.
A file that is not whole ends this program with an error.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

from sightkit import _faults
from sightkit.io import DatasetFile, HDF5DatasetWriter, ImageSource, build_dataset, verify
from sightkit.preprocessing import Pipeline, SimplePreprocessor

CHAIN = Pipeline((SimplePreprocessor(24, 24),))
POINTS = (
    "build.read",
    "file.written",
    "file.synced",
    "file.renamed",
    "build.listed",
    "dataset.created",
    "dataset.rows",
    "dataset.rows:2",
    "dataset.flushed",
    "dataset.complete",
    "dataset.synced",
    "dataset.renamed",
)


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Pictures of which one is in the test split and once more outside of it."""

    count: int

    def to_config(self):
        return {"name": "Pictures", "count": self.count}

    def __call__(self):
        rng = np.random.default_rng(self.count)
        images = rng.integers(0, 256, (self.count, 40, 30, 3)).astype(np.uint8)
        images[1] = images[self.count - 1]
        return ImageSource(
            name="pictures",
            class_names=("a", "b"),
            labels=np.arange(self.count) % 2,
            read=lambda row: images[row],
            identify=lambda row: f"picture {row}",
            fixed=(("test", np.arange(self.count - 20, self.count)),),
        )


def build(path: Path, count: int) -> None:
    """A dataset of ``count - 1`` rows, written in several portions."""
    from sightkit.io.build import dataset as build

    build.PORTION_BYTES = 24 * 24 * 3 * 50
    build_dataset(
        Pictures(count),
        path,
        preprocessors=CHAIN,
        fractions={"train": 0.8, "validation": 0.1, "test": 0.1},
        overwrite=True,
    )


def write(path: Path, count: int) -> None:
    """A dataset of ``count - 1`` rows, by the writer alone."""
    rows = np.random.default_rng(count).integers(0, 256, (count - 1, 24, 24, 3)).astype(np.uint8)
    with HDF5DatasetWriter(rows.shape, path, class_names=("a", "b"), overwrite=True) as writer:
        for start in range(0, len(rows), 50):
            part = rows[start : start + 50]
            writer.add(part, np.arange(start, start + len(part)) % 2)


def fork(work, path: Path, count: int, crash: str = "") -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.environ[_faults.CRASH_VARIABLE] = crash
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            work(path, count)
            code = 0
        finally:
            os._exit(code)
    return child


def rows_at(path: Path) -> int | None:
    """Rows of the dataset under this name, every one of them right; None where there is none."""
    if not path.exists():
        return None
    assert verify(path, tolerance=0).checked == DatasetFile.open(path).shape[0]
    return DatasetFile.open(path).shape[0]


def told(path: Path, **facts) -> None:
    left = sorted(each.name for each in path.parent.iterdir())
    print(json.dumps({**facts, "after": rows_at(path), "left": left}), flush=True)


def points(path: Path) -> None:
    for old in (None, 100):
        for point in POINTS:
            path.unlink(missing_ok=True)
            if old:
                os.waitpid(fork(build, path, old + 1), 0)
            _, status = os.waitpid(fork(build, path, 301, point), 0)
            code = os.waitstatus_to_exitcode(status)
            told(path, point=point, code=code, before=old, new=300)
    os.waitpid(fork(build, path, 301), 0)
    told(path, point="", code=0, before=None, new=300)


def kills(path: Path, count: int) -> None:
    random.seed(0)
    seconds = {}
    for work in (build, write):
        start = time.monotonic()
        os.waitpid(fork(work, path, 301), 0)
        seconds[work] = time.monotonic() - start
    for number in range(count):
        work = (build, write)[number % 2]
        if number % 4 < 2:
            path.unlink(missing_ok=True)
        before = rows_at(path)
        new = 300 + number
        child = fork(work, path, new + 1)
        time.sleep(random.random() * seconds[work] * 1.1)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        told(path, before=before, new=new)


if __name__ == "__main__":
    where = Path(sys.argv[2]) / "data.h5"
    points(where) if sys.argv[1] == "points" else kills(where, int(sys.argv[3]))
