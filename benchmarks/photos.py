"""Measure the way from photographs to batches, against those of books, Keras and torch.

    python benchmarks/photos.py [--quick] [--json FILE] [--data FOLDER] [--only chain …]

Photographs are the JPEGs of ``--data`` (folder/class/image.jpg), or without it parts of
scikit-learn's two sample photographs in the size of ImageNet's. Both sides of a line give equal
batches (or nearly: then the line shows how near), which is checked before anything is timed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import measure
import numpy as np

from sightkit import _cli, io
from sightkit._errors import SightkitError
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    MeanPreprocessor,
    PatchPreprocessor,
    Pipeline,
    RandomPipeline,
    SimplePreprocessor,
)

SIDE, CUT = 256, 227
SMALL, BATCH = 64, 32
MEAN = (124.0, 117.0, 104.0)


@dataclass(frozen=True)
class Config:
    """Measure the way from photographs to batches."""

    quick: bool = False
    """Less data, fewer rounds: a smoke test whose ratios mean little."""
    json: Path | None = None
    """File to write the rows to."""
    data: Path | None = None
    """Folder of photographs, one folder a class."""
    only: tuple[str, ...] = ()
    """Measure these alone."""

    @property
    def rounds(self) -> int:
        return 1 if self.quick else 7


def main(config: Config) -> list[measure.Row]:
    unknown = set(config.only) - set(MEASUREMENTS)
    if unknown:
        raise SightkitError(
            f"--only takes names of measurements: {', '.join(MEASUREMENTS)}.", only=sorted(unknown)
        )
    _cli.start_keras()
    rows: list[measure.Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = config.data or _photographs(Path(scratch) / "photographs", config)
        for name in config.only or MEASUREMENTS:
            print(f"{name} …", file=sys.stderr)
            rows += MEASUREMENTS[name](config, folder, Path(scratch))
    measure.report(rows, config.json)
    return rows


def measure_chain(config: Config, folder: Path, scratch: Path) -> list[measure.Row]:
    """Aspect-aware resize, random patch, mean: photographs that are decoded in memory."""
    from baselines.book_preprocessing import AspectAware, Mean, Patch

    source = io.FolderDataset(folder)()
    photos = [source.read(row) for row in range(min(len(source), 128))]
    ours = RandomPipeline(
        (
            AspectAwarePreprocessor(SIDE, SIDE),
            PatchPreprocessor(CUT, CUT),
            MeanPreprocessor(*MEAN),
        )
    )
    book = (AspectAware(SIDE, SIDE), Patch(CUT, CUT, 0), Mean(*MEAN))

    def by_book() -> None:
        for photo in photos:
            for step in book:
                photo = step.preprocess(photo)

    memory = io.ImageSource(
        "memory", ("a",), np.zeros(len(photos), np.int64), photos.__getitem__, str
    )

    seeded: Any = _Seeded(ours)  # it has the one method that image_batches calls

    def by_us() -> None:
        for _ in io.image_batches(memory, BATCH, preprocessors=seeded):
            pass

    resized = [AspectAwarePreprocessor(SIDE, SIDE)(photo) for photo in photos]
    for image, photo in zip(resized, photos, strict=True):
        # Books round the longer side down and then place the crop: up to a pixel elsewhere.
        _require_near("aspect-aware", image, book[0].preprocess(photo), 8.0)
    seconds = measure.interleaved({"ours": by_us, "book": by_book}, rounds=config.rounds)
    ratio = seconds["book"] / seconds["ours"]
    return [measure.at_least("aspect + patch + mean", "loop of a book", ratio, 2.2)]


def measure_folder(config: Config, folder: Path, scratch: Path) -> list[measure.Row]:
    """JPEG files to batches of 64x64."""
    import keras

    chain = Pipeline((SimplePreprocessor(SMALL, SMALL),))
    near, exact = (io.FolderDataset(folder, at_least=size)() for size in ((SMALL, SMALL), None))
    theirs = keras.utils.image_dataset_from_directory(
        folder, image_size=(SMALL, SMALL), batch_size=BATCH, shuffle=False, verbose=0
    )
    x = np.concatenate([x for x, _ in io.image_batches(near, BATCH, preprocessors=chain)])
    full = np.concatenate([x for x, _ in io.image_batches(exact, BATCH, preprocessors=chain)])
    _require_near("64x64", x, full, 6.0)
    difference = float(np.abs(x.astype(np.float32) - full).mean())
    seconds = measure.interleaved(
        {
            "ours": lambda: _drain(io.image_batches(near, BATCH, preprocessors=chain)),
            "exact": lambda: _drain(io.image_batches(exact, BATCH, preprocessors=chain)),
            "keras": lambda: _drain(iter(theirs)),
        },
        rounds=config.rounds,
    )
    name = f"JPEGs to {SMALL}x{SMALL} batches"
    against = "image_dataset_from_directory"
    return [
        measure.at_least(
            f"{name} ({difference:.1f} grey levels off)",
            against,
            seconds["keras"] / seconds["ours"],
            1.5,
        ),
        measure.at_least(f"{name}, exact", against, seconds["keras"] / seconds["exact"], 1.0),
    ]


def measure_build(config: Config, folder: Path, scratch: Path) -> list[measure.Row]:
    """JPEG files to a dataset file of 256x256."""
    import h5py
    from baselines import book_build

    source = io.FolderDataset(folder)
    paths = [folder / source().identify(row) for row in range(len(source()))]
    labels = source().labels.tolist()
    chain = Pipeline((AspectAwarePreprocessor(SIDE, SIDE),))

    def by_us() -> io.DatasetFile:
        return io.build_dataset(
            source,
            scratch / "ours.h5",
            preprocessors=chain,
            fractions={"train": 0.8, "test": 0.2},
            overwrite=True,
        )

    def by_book() -> None:
        book_build.build(paths, labels, SIDE, scratch / "book.h5")

    rows = by_us().memmap()
    by_book()
    with h5py.File(scratch / "book.h5") as file:
        book = file["images"][...].astype(np.uint8)
    if sorted(row.tobytes() for row in rows) != sorted(row.tobytes() for row in book):
        _require_near("build", np.sort(rows.mean((1, 2, 3))), np.sort(book.mean((1, 2, 3))), 1.0)
    seconds = measure.interleaved({"ours": by_us, "book": by_book}, rounds=config.rounds)
    ratio = seconds["book"] / seconds["ours"]
    return [measure.at_least(f"build {SIDE}x{SIDE} from JPEGs", "loop of a book", ratio, 4)]


MEASUREMENTS: dict[str, Callable[[Config, Path, Path], list[measure.Row]]] = {
    "chain": measure_chain,
    "folder": measure_folder,
    "build": measure_build,
}


class _Seeded:
    """A training chain whose randomness is that of the position in the batch."""

    def __init__(self, chain: RandomPipeline) -> None:
        self.chain = chain

    def batch(self, images: Sequence[np.ndarray]) -> np.ndarray:
        return self.chain.batch(images, [io.sample_rng(0, 0, k) for k in range(len(images))])


def _require_near(what: str, ours: np.ndarray, theirs: np.ndarray, levels: float) -> None:
    difference = float(np.abs(ours.astype(np.float32) - theirs).mean())
    if difference > levels:
        raise RuntimeError(f"{what}: the outputs differ by {difference:.1f} grey levels.")


def _photographs(folder: Path, config: Config) -> Path:
    """Parts of scikit-learn's photographs, 375x500, as JPEGs."""
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(0)
    for name, photo in zip(("china", "flower"), load_sample_images().images, strict=True):
        (folder / name).mkdir(parents=True)
        large = cv2.resize(photo[..., ::-1], None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
        for number in range(16 if config.quick else 256):
            top = int(rng.integers(large.shape[0] - 375))
            left = int(rng.integers(large.shape[1] - 500))
            part = large[top : top + 375, left : left + 500]
            cv2.imwrite(str(folder / name / f"{number}.jpg"), part)
    return folder


def _drain(batches: Iterator[object]) -> None:
    for _ in batches:
        pass


if __name__ == "__main__":
    _cli.run(main, Config)
