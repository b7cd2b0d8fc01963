"""Measure ten crops an image, against ten calls of predict an image, and ten single passes.

    python benchmarks/crops.py [--quick] [--json FILE]

A dataset file of random images, somewhat larger than the network's input; ours is what
``scripts/evaluate.py --crops 10`` does with it. Ten passes over one crop each, in full batches, are
the work that cannot be saved: ten times the forward pass. Answers are compared before times.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import numpy as np

from sightkit import _cli

CLASSES = 10
FEW = 4
"""Images that are predicted one by one: each costs the same, and much."""
# network: side of its input, side of the images, images, those in the quick form
NETWORKS = {
    "minivggnet": (32, 36, 512, 256),
    "mobilenet_0.25": (224, 256, 256, 50),
}


@dataclass(frozen=True)
class Config:
    """Measure ten-crop evaluation."""

    quick: bool = False
    """Fewer images and rounds: a smoke test whose ratios mean little."""
    json: Path | None = None
    """File to write the rows to."""


def main(config: Config) -> list[measure.Row]:
    _cli.start_keras()
    rows: list[measure.Row] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, (side, stored, count, few) in NETWORKS.items():
            path = _dataset(Path(scratch) / f"{name}.h5", stored, few if config.quick else count)
            rows += _measure(name, side, path, rounds=1 if config.quick else 5)
    measure.report(rows, config.json)
    return rows


def _measure(name: str, side: int, path: Path, rounds: int) -> list[measure.Row]:
    from baselines.ten_crops import one_by_one, ten_passes

    from sightkit import evaluation, inference, io, zoo
    from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline, SimplePreprocessor

    network = zoo.build(name, input_shape=(side, side, 3), classes=CLASSES)
    chain = Pipeline((SimplePreprocessor(side, side), ImageToArrayPreprocessor()))
    file = io.DatasetFile.open(path)
    first, last = file.rows("test")
    predictor = inference.compile(network, images=10 * (last - first))  # as evaluate.py does
    data = io.HDF5DatasetGenerator(
        path,
        evaluation.images_a_batch(predictor, 10, (side, side)),
        split="test",
        preprocessors=evaluation.with_views(chain, (side, side), 10, stored=file.shape[1:3]),
    )
    images = data.images(slice(None))
    contestants: dict[str, Callable[[], Any]] = {
        "ours": lambda: (
            evaluation.evaluate(evaluation.average_views(predictor), data).probabilities
        ),
        "one by one": lambda: one_by_one(network, images[:FEW], side),
        "ten passes": lambda: ten_passes(predictor, images, side, predictor.batch_size),
    }
    answers = {kind: contestant() for kind, contestant in contestants.items()}
    for kind, answer in answers.items():
        if not np.allclose(answer, answers["ours"][: len(answer)], atol=1e-4):
            raise RuntimeError(f"{name}: {kind} answers otherwise than ours.")
    seconds = measure.interleaved(contestants, rounds=rounds)
    each = {kind: 1000 * value / len(answers[kind]) for kind, value in seconds.items()}
    for kind, value in each.items():
        print(f"{name}, {kind}: {value:.3f} ms an image")
    return [
        measure.at_least(
            f"10 crops, {name}",
            "ten predict calls an image",
            each["one by one"] / each["ours"],
            2.0,
            milliseconds=each["ours"],
            baseline_milliseconds=each["one by one"],
        ),
        measure.at_most(
            f"10 crops, {name}",
            "ten single-crop passes",
            each["ours"] / each["ten passes"],
            1.1,
            milliseconds=each["ours"],
            baseline_milliseconds=each["ten passes"],
        ),
    ]


def _dataset(path: Path, side: int, count: int) -> Path:
    from sightkit import io

    rng = np.random.default_rng(0)
    with io.HDF5DatasetWriter(
        (count + CLASSES, side, side, 3),
        path,
        class_names=[str(k) for k in range(CLASSES)],
        splits={"train": CLASSES, "test": count},
    ) as writer:
        for k in range(count + CLASSES):
            image = rng.integers(0, 256, (1, side, side, 3), dtype=np.uint8)
            writer.add(image, np.array([k % CLASSES]))
    return path


if __name__ == "__main__":
    _cli.run(main, Config)
