"""Measure feeding a network, against the ways of books, of Keras, and of plain memory.

    python benchmarks/input.py [--quick] [--json FILE] [--only fit memory …]

Every line is a ratio of two things measured side by side in this run; both give equal outputs,
which is checked before anything is timed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import measure
import numpy as np

from sightkit import _cli
from sightkit._errors import SightkitError

SIDE = 227
BATCH = 64
CLASSES = ("first", "second")


@dataclass(frozen=True)
class Config:
    """Measure the way from images to batches."""

    quick: bool = False
    """Less data, fewer rounds: a smoke test whose ratios mean little."""
    json: Path | None = None
    """File to write the rows to."""
    only: tuple[str, ...] = ()
    """Measure these alone."""

    @property
    def rounds(self) -> int:
        return 3 if self.quick else 9


def main(config: Config) -> list[measure.Row]:
    unknown = set(config.only) - set(MEASUREMENTS)
    if unknown:
        raise SightkitError(
            f"--only takes names of measurements: {', '.join(MEASUREMENTS)}.", only=sorted(unknown)
        )
    _cli.start_keras()
    rows: list[measure.Row] = []
    for name in config.only or MEASUREMENTS:
        print(f"{name} …", file=sys.stderr)
        with tempfile.TemporaryDirectory() as folder:
            rows += MEASUREMENTS[name](config, Path(folder))
    measure.report(rows, config.json)
    return rows


def measure_reading(config: Config, folder: Path) -> list[measure.Row]:
    """Bytes on disk; images a second, delivered into memory of their own; shuffled or not."""
    from baselines.book_hdf5 import BookGenerator, BookWriter

    from sightkit.io import HDF5DatasetGenerator

    count = 256 if config.quick else 1024
    images, labels = _noise(count, SIDE)
    ours = _write_dataset(folder / "ours.h5", images, labels)
    book = BookWriter(images.shape, str(folder / "book.h5"))
    book.add(list(images), list(labels))
    book.close()
    sequential = HDF5DatasetGenerator(ours, BATCH)
    shuffled = HDF5DatasetGenerator(ours, BATCH, shuffle=True)
    reference = BookGenerator(str(folder / "book.h5"), BATCH)
    for (x, y), (book_x, book_y) in zip(_batches(sequential), reference.one_pass(), strict=True):
        if not (np.array_equal(x, book_x) and np.array_equal(y, book_y.argmax(axis=1))):
            raise RuntimeError("The two readers give different batches.")

    chunks = [images[start : start + BATCH] for start in range(0, count, BATCH)]
    seconds = measure.interleaved(
        {
            "ours": lambda: _drain(_batches(sequential)),
            "shuffled": lambda: _drain(_batches(shuffled)),
            "book": lambda: _drain(reference.one_pass()),
            "copy": lambda: _drain(np.array(chunk) for chunk in chunks),
        },
        rounds=config.rounds,
    )
    reference.close()
    files = {name: (folder / f"{name}.h5").stat().st_size for name in ("ours", "book")}
    pixels = {"ours": _pixel_bytes(folder / "ours.h5"), "book": _pixel_bytes(folder / "book.h5")}
    speed = {name: count / value for name, value in seconds.items()}
    return [
        measure.at_least(
            "bytes of pixels on disk",
            "book writer",
            pixels["book"] / pixels["ours"],
            8,
            files=files,
        ),
        measure.at_least(
            "images/s, in order", "book generator", speed["ours"] / speed["book"], 8, **speed
        ),
        measure.at_least(
            "images/s, shuffled", "book generator", speed["shuffled"] / speed["book"], 8
        ),
        measure.at_least("images/s, in order", "memory copy", speed["ours"] / speed["copy"], 0.7),
        measure.at_least(
            "images/s, shuffled", "memory copy", speed["shuffled"] / speed["copy"], 0.7
        ),
        measure.at_most(
            "epoch, shuffled", "epoch in order", seconds["shuffled"] / seconds["ours"], 1.15
        ),
    ]


def measure_fit(config: Config, folder: Path) -> list[measure.Row]:
    """Training from a file against training on one batch in memory.

    In bfloat16, where a step is shortest, with flips and shifts too; in the processor's seconds.
    """
    from sightkit.preprocessing import Augment

    batch, steps = 128, 10 if config.quick else 80  # what a fit costs at its start is shared
    images, labels = _noise(batch * steps, 32)
    path = _write_dataset(folder / "data.h5", images, labels)
    varied = Augment(horizontal_flip=True, translation=0.1)
    rows = []
    for precision, augment, bar in (("float32", None, 1.03), ("bfloat16", varied, 1.10)):
        costs = _fit_costs(path, batch, precision, augment, 2 if config.quick else 5)
        rows.append(
            measure.at_most(
                f"fit from HDF5{', flips and shifts' if augment else ''}, MiniVGGNet, {precision}",
                "fit with one batch in memory",
                costs["file"].cpu / costs["memory"].cpu,
                bar,
                wall_ratio=costs["file"].wall / costs["memory"].wall,
                cpu_ms_per_image={
                    who: round(1000 * cost.cpu / len(images), 4) for who, cost in costs.items()
                },
            )
        )
    return rows


def _fit_costs(
    path: Path, batch: int, precision: str, augment: Any, rounds: int
) -> dict[str, measure.Cost]:
    """Return the times of an epoch from the file, and of as many steps on its first batch."""
    import tensorflow as tf

    from sightkit.io import HDF5DatasetGenerator
    from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline
    from sightkit.training.data_adapter import adapt

    chain = Pipeline((ImageToArrayPreprocessor(),))
    file = HDF5DatasetGenerator(path, batch, preprocessors=chain, augment=augment, shuffle=True)
    memory = measure.untuned(tf.data.Dataset.from_tensors(file[0]).repeat(len(file)))
    network = _minivggnet(precision)
    return measure.interleaved_costs(
        {
            "file": lambda: network.fit(adapt(file), shuffle=False, verbose=0),
            "memory": lambda: network.fit(memory, shuffle=False, verbose=0),
        },
        rounds=rounds,
    )


def _minivggnet(precision: str) -> Any:
    import keras

    from sightkit import training
    from sightkit.zoo import MiniVGGNet

    training.prepare(seed=0, precision=precision)
    network = MiniVGGNet((32, 32, 3), len(CLASSES))
    keras.config.set_dtype_policy("float32")
    network.compile("sgd", "sparse_categorical_crossentropy")
    return network


def measure_passes(config: Config, folder: Path) -> list[measure.Row]:
    """Whole passes on the wall, read as ``training.fit`` has it and as Keras alone does.

    Keras waits, with idle cores, after some passes and not after others (``training.data_adapter``
    has the reason), so that medians show little: the figure is of the sums of all turns.
    """
    from sightkit.io import HDF5DatasetGenerator
    from sightkit.preprocessing import ImageToArrayPreprocessor
    from sightkit.training.data_adapter import adapt

    images, labels = _noise(640 if config.quick else 7680, 32)
    path = _write_dataset(folder / "data.h5", images, labels)
    file = HDF5DatasetGenerator(path, 128, preprocessors=ImageToArrayPreprocessor(), shuffle=True)
    network = _minivggnet("bfloat16")
    contestants = {"ours": lambda: adapt(file), "keras": lambda: file}
    seconds: dict[str, list[float]] = {who: [] for who in contestants}
    for turn in range(config.rounds + 1):
        for who, data in contestants.items():
            start = time.perf_counter()
            network.fit(data(), shuffle=False, verbose=0)
            if turn:  # the first traces
                seconds[who].append(time.perf_counter() - start)
    ours, theirs = sum(seconds["ours"]), sum(seconds["keras"])
    return [
        measure.at_least(
            f"{config.rounds} passes of {min(seconds['ours']):.0f} s, on the wall",
            "Keras' reading of the same",
            theirs / ours,
            0,
            seconds={who: [round(each, 2) for each in all_] for who, all_ in seconds.items()},
        )
    ]


def measure_memory(config: Config, folder: Path) -> list[measure.Row]:
    """Anonymous memory that a pass over a large file adds; the file's own pages do not count."""
    from sightkit.io import HDF5DatasetGenerator, HDF5DatasetWriter

    size = 2**28 if config.quick else 2**32
    images, labels = _noise(512, SIDE)
    count = size // images[0].nbytes // len(images) * len(images)
    path = folder / "large.h5"
    with HDF5DatasetWriter(
        (count, *images.shape[1:]), path, class_names=CLASSES, splits={"train": count}
    ) as writer:
        for _ in range(count // len(images)):
            writer.add(images, labels)
    generator = HDF5DatasetGenerator(path, BATCH, shuffle=True)
    _drain([generator[0]])
    before = peak = _anonymous_bytes()
    for x, _ in _batches(generator):
        x.sum(dtype=np.int64)
        peak = max(peak, _anonymous_bytes())
    grown = (peak - before) / 2**20
    name = f"MB more while reading {path.stat().st_size / 2**30:.1f} GB"
    return [measure.at_most(name, "before reading", grown, 200)]


MEASUREMENTS: dict[str, Callable[[Config, Path], list[measure.Row]]] = {
    "reading": measure_reading,
    "fit": measure_fit,
    "passes": measure_passes,
    "memory": measure_memory,
}


def _noise(count: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels; no compression of any kind may help."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    return images, np.arange(count) % len(CLASSES)


def _write_dataset(path: Path, images: np.ndarray, labels: np.ndarray) -> Path:
    from sightkit.io import HDF5DatasetWriter

    with HDF5DatasetWriter(
        images.shape, path, class_names=CLASSES, splits={"train": len(images)}
    ) as writer:
        writer.add(images, labels)
    return path


def _pixel_bytes(path: Path) -> int:
    """Return the bytes of the images in the file, without hashes and names of the sources."""
    with h5py.File(path) as file:
        return file["images"].id.get_storage_size()


def _batches(generator: Any) -> Any:
    return (generator[index] for index in range(len(generator)))


def _drain(batches: Any) -> None:
    for _ in batches:
        pass


def _anonymous_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("The kernel does not report anonymous memory.")


if __name__ == "__main__":
    _cli.run(main, Config)
