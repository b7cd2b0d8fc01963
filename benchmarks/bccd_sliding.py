"""Measure the sliding-window baseline on blood cells: a small classifier of crops, slid over.

    python benchmarks/bccd_sliding.py [--data BCCD] [--json FILE]

A network of six convolutions learns the cells of the 50 training pictures, cut out with some
jitter, and crops that overlap none of them by 0.3; wrong alarms in the training pictures are added
once (hard negatives). Windows of 32x32 are classified in all sizes of each picture. The least
probability is low, so that the whole curve counts; the overlap of suppression is chosen on the
validation pictures, the test pictures are evaluated once. SIGHTKIT_TEST_DATA names the data.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import numpy as np

from sightkit import _cli

SIDE, STRIDE, SCALE = 32, 8, 1.3
VIEWS, NEGATIVES, EPOCHS, BATCH = 6, 120, 8, 64
LEAST, OVERLAPS = 0.3, (0.2, 0.3, 0.4, 0.5)
BACKGROUND = "background"


@dataclass(frozen=True)
class Config:
    """Measure sliding windows on BCCD."""

    data: Path | None = None
    """Folder of BCCD in VOC's layout; that of SIGHTKIT_TEST_DATA by default."""
    seed: int = 1
    """Seed of crops and weights."""
    quick: bool = False
    """Few crops and pictures: a smoke test whose figures mean nothing."""
    json: Path | None = None
    """File to write the row to."""


def main(config: Config) -> list[measure.Row]:
    _cli.start_keras()
    from sightkit.apps import detection

    data = config.data or Path(os.environ["SIGHTKIT_TEST_DATA"]) / "bccd"
    train, validation, test = (
        _first(detection.read_annotations(data, split), config.quick)
        for split in ("train", "val", "test")
    )
    cpu = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        rng = np.random.default_rng(config.seed)
        images, labels = crops(train, rng)
        network = fitted(images, labels, len(train.class_names) + 1, config)
        bundle = saved(network, images, train.class_names, Path(folder) / "first")
        hard = wrong_alarms(bundle, train)
        print(f"{len(images)} crops, {len(hard)} wrong alarms")
        images = np.concatenate([images, hard])
        labels = np.concatenate([labels, np.full(len(hard), len(train.class_names))])
        network = fitted(images, labels, len(train.class_names) + 1, config)
        bundle = saved(network, images, train.class_names, Path(folder) / "second")
        trained = time.process_time() - cpu
        answers = found(bundle, validation)
        chosen = {
            overlap: detection.average_precision(
                validation, [thinned(each, overlap) for each in answers], (0.5,)
            ).at(0.5)
            for overlap in OVERLAPS
        }
        overlap = max(chosen, key=lambda each: chosen[each])
        begin = time.process_time()
        answers = [thinned(each, overlap) for each in found(bundle, test)]
        seconds = (time.process_time() - begin) / len(test)
        measured = detection.average_precision(test, answers, (0.5,))
    row = measure.at_least(
        "sliding window, mAP@0.5 of the test pictures", "no bar", measured.at(0.5), 0,
        interval=list(measured.intervals()["at"]), classes=measured.table(),
        validation=chosen, overlap=overlap, seed=config.seed,
        cpu_seconds_of_training=trained, cpu_seconds_a_picture=seconds,
    )  # fmt: skip
    measure.report([row], config.json)
    return [row]


def _first(pictures: Any, quick: bool) -> Any:
    import dataclasses

    few = pictures.annotations[: 2 if quick else None]
    return dataclasses.replace(pictures, annotations=few)


def crops(pictures: Any, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return uint8 (N, 32, 32, 3) crops of cells and background, and their labels."""
    from sightkit.apps.detection import intersection_over_union

    images, labels = [], []
    for annotation in pictures.annotations:
        image = annotation.read_image()
        height, width = annotation.size
        for box, label in zip(annotation.boxes, annotation.labels, strict=True):
            side = (box[2:] - box[:2]).max()
            for _ in range(VIEWS):
                middle = (box[:2] + box[2:]) / 2 + rng.uniform(-0.08, 0.08, 2) * side
                images.append(cut(image, middle, side * rng.uniform(0.9, 1.15), rng))
                labels.append(label)
        sides = rng.uniform(30, 200, NEGATIVES)
        middles = rng.uniform(sides[:, None] / 2, [width, height] - sides[:, None] / 2)
        boxes = np.concatenate([middles - sides[:, None] / 2, middles + sides[:, None] / 2], 1)
        free = intersection_over_union(boxes, annotation.boxes).max(axis=1, initial=0) < 0.3
        for middle, side in zip(middles[free], sides[free], strict=True):
            images.append(cut(image, middle, side, rng))
            labels.append(len(pictures.class_names))
    return np.stack(images), np.array(labels)


def cut(
    image: np.ndarray, middle: np.ndarray, side: float, rng: np.random.Generator | None = None
) -> np.ndarray:
    """Return a square of a picture as 32x32, mirrored at random; its border is repeated."""
    import cv2

    low = middle - side / 2
    factor = SIDE / side
    matrix = np.array([[factor, 0, -low[0] * factor], [0, factor, -low[1] * factor]])
    flags = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    found = cv2.warpAffine(
        image, matrix, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    if rng is not None:
        found = found[:: rng.choice([-1, 1]), :: rng.choice([-1, 1])]
    return np.ascontiguousarray(found)


def fitted(images: np.ndarray, labels: np.ndarray, classes: int, config: Config) -> Any:
    """Return a network that has learned the crops."""
    import keras

    from sightkit import training, zoo

    training.prepare(seed=config.seed)
    network = zoo.ConvNet((SIDE, SIDE, 3), classes, filters=(16, 32, 64), hidden=(64,))
    steps = EPOCHS * -(-len(images) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(1e-3, steps)
    network.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    pixels = images.astype(np.float32) / 255
    weights = {k: len(labels) / classes / max(1, (labels == k).sum()) for k in range(classes)}
    network.fit(
        pixels, labels, batch_size=BATCH, epochs=1 if config.quick else EPOCHS, verbose=2,
        class_weight=weights,
    )  # fmt: skip
    return network


def saved(network: Any, images: np.ndarray, names: tuple[str, ...], folder: Path) -> Any:
    """Return the network as a bundle with a fast engine."""
    from sightkit import training
    from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline, SimplePreprocessor

    chain = Pipeline((SimplePreprocessor(SIDE, SIDE), ImageToArrayPreprocessor()))
    training.save_bundle(
        folder, network, preprocessing=chain, class_names=(*names, BACKGROUND), canary=images[0]
    )
    return training.load_bundle(folder, images=10**6)


def found(bundle: Any, pictures: Any, overlap: float = 1.0, least: float = LEAST) -> list[Any]:
    """Return the detections of each picture, their labels those of the annotations."""
    import dataclasses

    from sightkit.apps import detection

    windows = detection.BatchedWindows(bundle, (SIDE, SIDE), STRIDE)
    answers = [
        detection.classify_regions(
            windows, annotation.read_image(), scale=SCALE, threshold=least,
            background=(BACKGROUND,), overlap=overlap,
        )
        for annotation in pictures.annotations
    ]  # fmt: skip
    return [dataclasses.replace(each, class_names=pictures.class_names) for each in answers]


def thinned(found: Any, overlap: float) -> Any:
    """Return detections of which no two of a class overlap by more."""
    from sightkit.apps import detection

    kept = detection.non_maxima_suppression(found.boxes, found.scores, found.labels, overlap)
    return detection.Detections(
        found.boxes[kept], found.scores[kept], found.labels[kept], found.class_names
    )


def wrong_alarms(bundle: Any, pictures: Any) -> np.ndarray:
    """Return crops of what was found in the training pictures where nothing is."""
    from sightkit.apps.detection import intersection_over_union

    images = []
    for annotation, each in zip(
        pictures.annotations, found(bundle, pictures, 0.3, 0.6), strict=True
    ):
        image = annotation.read_image()
        free = intersection_over_union(each.boxes, annotation.boxes).max(axis=1, initial=0) < 0.3
        for box in each.boxes[free]:
            images.append(cut(image, (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max())))
    return np.array(images, np.uint8).reshape(-1, SIDE, SIDE, 3)


if __name__ == "__main__":
    _cli.run(main, Config)
