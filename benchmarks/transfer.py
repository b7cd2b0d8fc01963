"""Measure features and logistic regression, against the ways of books and scikit-learn.

    python benchmarks/transfer.py [--quick] [--json FILE] [--data FOLDER] [--only extraction …]

``--data`` is a folder of photos (folder/class/image.jpg); without it, parts of scikit-learn's two
sample photographs, in ImageNet's size. MobileNetV2-0.35 has its published weights where KERAS_HOME
holds them, else random ones, which cost the same. Each row has the machine's load. The features
that C is chosen on are made up: correlated, positive and of unequal scale, as a network's are. Both
sides must agree before costs are reported: in features, and in C but for one photo.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import numpy as np

from sightkit import _cli, transfer
from sightkit._errors import SightkitError

NETWORK = "mobilenetv2_0.35"
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
FOLDS, CLASSES = 3, 3
SEPARATION = 2.5
"""Spread of the classes' centres. Farther apart, all Cs are as accurate but for a photo or two of
3,000, and chance chooses."""
SIZES = {"1,280": (1280, 1.1), "25,088": (25_088, 0.5)}
"""Dimensions, and the most processor seconds of the baseline's."""


@dataclass(frozen=True)
class Config:
    """Measure features and logistic regression."""

    quick: bool = False
    """Less data, fewer rounds: a smoke test whose ratios mean little."""
    json: Path | None = None
    """File to write the rows to."""
    data: Path | None = None
    """Folder of photographs, one folder a class."""
    only: tuple[str, ...] = ()
    """Measure these alone."""
    rounds: int = 3
    """Rounds that count, after one that does not."""


def main(config: Config) -> list[measure.Row]:
    unknown = set(config.only) - set(MEASUREMENTS)
    if unknown:
        raise SightkitError(
            f"--only takes names of measurements: {', '.join(MEASUREMENTS)}.", only=sorted(unknown)
        )
    _cli.start_keras()
    rows: list[measure.Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in config.only or MEASUREMENTS:
            print(f"{name} … (load {os.getloadavg()[0]:.1f})", file=sys.stderr)
            rows += MEASUREMENTS[name](config, Path(scratch))
    measure.report(rows, config.json)
    return rows


def measure_extraction(config: Config, scratch: Path) -> list[measure.Row]:
    """A folder of JPEGs to a feature file."""
    from baselines import book_features

    folder = config.data or _photographs(scratch / "photographs", 8 if config.quick else 128)
    network = _network()
    photos = transfer.open_photos(folder)
    paths = [folder / photos.images.identify(row) for row in range(len(photos.images))]
    import keras

    book = keras.Model(network.model.inputs, network.model.layers[-1].input)
    side = network.model.input_shape[1]

    def by_us() -> transfer.Features:
        return transfer.extract_features(network, photos, scratch / "ours.h5", overwrite=True)

    ours = by_us().take(slice(None))
    theirs = book_features.extract(book, paths, side)
    # Decoders round differently, and small photos are enlarged by another interpolation.
    difference = float(np.abs(ours - theirs).mean() / np.abs(theirs).mean())
    if difference > 0.05:
        raise RuntimeError(f"The features differ by {difference:.3f} of their mean.")
    seconds = measure.interleaved(
        {"ours": by_us, "book": lambda: book_features.extract(book, paths, side)},
        rounds=1 if config.quick else config.rounds,
    )
    return [
        measure.at_least(
            "feature extraction images/s",
            "predict per 32, one photo decoded at a time",
            seconds["book"] / seconds["ours"],
            2,
            images_per_second=len(paths) / seconds["ours"],
            baseline_images_per_second=len(paths) / seconds["book"],
            engine=network.identity["engine"],
            load=os.getloadavg()[0],
        )
    ]


def measure_end_to_end(config: Config, scratch: Path) -> list[measure.Row]:
    """JPEGs to a feature file, against Keras' own loop and against what its parts cost alone.

    So many photos that OpenVINO is chosen by their number; the network has been converted before
    time is taken, and is read from the cache each time. Images per second, and so the bars, are of
    a machine that nothing else uses; the processor's milliseconds, reported beside them, of any.
    """
    from baselines import book_features

    folder = config.data or _photographs(scratch / "many", 32 if config.quick else 896)
    network = _network()
    photos = transfer.open_photos(folder)
    count = len(photos.rows)
    paths = [folder / photos.images.identify(int(row)) for row in photos.rows]
    some = photos.rows[:: max(1, count // 256)]
    images = [photos.images.read(int(row)) for row in some]
    prepared = network.prepare(images)
    network = network.for_many(count, images, cache=scratch / "compiled")
    engine = network.predictor.engine
    book = book_features.keras_network(network.model)
    ours, theirs = network.features(prepared[:32]), book.predict(prepared[:32], verbose=0)
    if np.abs(ours - theirs).max() > 1e-3 * np.abs(theirs).max():
        raise RuntimeError("The features are not those of Keras' own network.")

    def by_us() -> None:
        transfer.extract_features(
            network, photos, scratch / "many.h5", overwrite=True, cache=scratch / "compiled"
        )

    contestants: dict[str, tuple[Callable[[], object], int]] = {
        "ours": (by_us, count),
        "reference": (lambda: book_features.extract_by_keras(book, paths, 224), count),
        "decode alone": (lambda: [photos.images.read(int(row)) for row in some], len(some)),
        "prepare alone": (lambda: [network.prepare([image]) for image in images], len(some)),
        "network alone": (lambda: network.features(prepared), len(some)),
    }
    costs = measure.interleaved_costs(
        {name: run for name, (run, _) in contestants.items()},
        rounds=1 if config.quick else config.rounds,
    )
    a_photo = {
        name: measure.Cost(*(1000 * seconds / contestants[name][1] for seconds in cost))
        for name, cost in costs.items()
    }
    print(f"{count:,} photos, {engine}: ms a photo, processor and wall")
    for name, (cpu, wall) in a_photo.items():
        print(f"  {name:<15}{cpu:8.2f}{wall:8.2f}")
    ours, reference = a_photo["ours"], a_photo["reference"]
    least = a_photo["decode alone"].cpu + a_photo["network alone"].cpu
    cores = len(os.sched_getaffinity(0))
    facts = {"photos": count, "engine": engine, "load": os.getloadavg()[0], "cores": cores}
    return [
        measure.at_least(
            "photos to features, images/s",
            "Keras' load_img, predict per 32",
            reference.wall / ours.wall,
            3,
            cpu_ratio=reference.cpu / ours.cpu,
            **facts,
        ),
        measure.at_least(
            "photos to features, images/s",
            f"{cores} / (decode + network), each alone",
            least / cores / ours.wall,
            0.85,
            cpu_ratio=least / ours.cpu,
            prepare=a_photo["prepare alone"].cpu,
            **facts,
        ),
    ]


def measure_choice(config: Config, scratch: Path) -> list[measure.Row]:
    """Choosing C and fitting, at two numbers of dimensions; processor seconds.

    The baseline at its best number of threads: the better of one BLAS thread and all.
    """
    from baselines import book_features
    from threadpoolctl import threadpool_limits

    rows = []
    for name, (dimensions, bar) in SIZES.items():
        count = 300 if config.quick else 3000
        if config.quick:
            dimensions //= 16
        features, labels = _features(count + 1000, dimensions)
        train, test = features[:count], features[count:]
        truth = labels[:count]
        names = [f"class {k}" for k in range(CLASSES)]
        kept: dict[str, Any] = {}

        def by_us(values=train, truth=truth, names=names, kept=kept) -> None:
            kept["ours"] = transfer.fit_head(
                "logistic", values, truth, names, folds=FOLDS, strengths=STRENGTHS
            )

        def by_grid(threads: int | None, values=train, truth=truth, kept=kept) -> None:
            with threadpool_limits(threads), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                kept["grid"] = book_features.grid(STRENGTHS, FOLDS).fit(values, truth)

        contestants: dict[str, Callable[[], object]] = {
            "ours": by_us,
            "one": lambda fit=by_grid: fit(1),
            "all": lambda fit=by_grid: fit(None),
        }
        costs = measure.interleaved_costs(contestants, rounds=1 if config.quick else config.rounds)
        best_threads = min(("one", "all"), key=lambda threads: costs[threads].cpu)
        ours, grid = kept["ours"], kept["grid"]
        best = grid.best_params_["logisticregression__C"]
        predicted = ours.head.predict(test)
        other = int((predicted != grid.predict(test)).sum())
        scores = dict(zip(STRENGTHS, grid.cv_results_["mean_test_score"], strict=True))
        # Where the Cs differ, they are as accurate but for a photo.
        apart = round(count * abs(scores[best] - scores[ours.chosen]))
        row = measure.at_most(
            f"choosing C and fitting, {count:,} x {name}, CPU seconds",
            f"GridSearchCV, {len(STRENGTHS)} C x {FOLDS} folds",
            costs["ours"].cpu / costs[best_threads].cpu,
            bar,
            seconds=costs["ours"].cpu,
            baseline_seconds=costs[best_threads].cpu,
            same_C=bool(ours.chosen == best),
            C=float(best),
            photos_apart=apart,
            other_predictions=other,
            of=len(test),
            threads=best_threads,
            load=os.getloadavg()[0],
        )
        row["met"] = bool(row["met"] and apart <= 1)
        print(f"{name}: C {ours.chosen:g}, grid's {best:g}; {other} of {len(test)} differ")
        rows.append(row)
    return rows


def measure_memory(config: Config, scratch: Path) -> list[measure.Row]:
    """Measure the memory after many batches, against that after a tenth of them."""
    count = 100 if config.quick else 1000
    image = np.random.default_rng(0).integers(0, 256, (300, 400, 3)).astype(np.uint8)
    held = {}
    network = _network().for_many(2 * count, [image])  # its engine starts here, not on the way
    for number in range(1, count + 1):
        network.features(network.prepare([image, image]))
        if number in (count // 10, count):
            held[number] = _resident()
    ratio = held[count] / held[count // 10]
    name = f"memory after {count:,} batches"
    return [measure.at_most(name, "after a tenth of them", ratio, 1.01, bytes=held[count])]


MEASUREMENTS: dict[str, Callable[[Config, Path], list[measure.Row]]] = {
    "extraction": measure_extraction,
    "end_to_end": measure_end_to_end,
    "memory": measure_memory,
    "choice": measure_choice,
}


def _resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _network() -> transfer.FeatureNetwork:
    try:
        return transfer.open_network(NETWORK)
    except SightkitError as error:
        print(f"Random weights: {error}", file=sys.stderr)
        return transfer.open_network(NETWORK, random=True)


def _features(count: int, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
    """float32 (count, dimensions) and labels: rectified mixtures of few hidden causes."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, count)
    causes = rng.normal(size=(count, 200)).astype(np.float32)
    causes[:, :CLASSES] += SEPARATION * np.eye(CLASSES, dtype=np.float32)[labels]
    mixed = causes @ rng.normal(size=(200, dimensions)).astype(np.float32) / np.sqrt(200)
    mixed += rng.normal(size=mixed.shape).astype(np.float32)
    return np.maximum(mixed, 0) * rng.uniform(0.1, 3, dimensions).astype(np.float32), labels


def _photographs(folder: Path, per_class: int) -> Path:
    """Parts of scikit-learn's photographs, 375x500, as JPEGs."""
    import cv2
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(0)
    for name, photo in zip(("china", "flower"), load_sample_images().images, strict=True):
        (folder / name).mkdir(parents=True)
        large = cv2.resize(photo[..., ::-1], None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
        for number in range(per_class):
            top = int(rng.integers(large.shape[0] - 375))
            left = int(rng.integers(large.shape[1] - 500))
            cv2.imwrite(
                str(folder / name / f"{number}.jpg"), large[top : top + 375, left : left + 500]
            )
    return folder


if __name__ == "__main__":
    _cli.run(main, Config)
