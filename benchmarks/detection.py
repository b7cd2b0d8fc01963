"""Measure detectors that are made of classifiers, and what Haar's cascade finds.

    python benchmarks/detection.py [--quick] [--json FILE]

Sliding windows: all of ``classify_regions`` on a photo, in windows a second of the engine on the
same windows, preprocessed and ready in memory. Dense: one evaluation of the network over the
picture against batched windows of it; the bar is 0.5 (window / stride)². What may be a thing is not
confirmed on either side. Networks that end in fully connected layers on maps cannot reach it: these
layers cost as much for each window densely, and their rows have no bar. Weights are ImageNet's
(MobileNet) or random, which costs the same. Faces: photos of SIGHTKIT_TEST_DATA. A single-shot
detector: milliseconds a picture (trained ones: single_shot.py; sliding windows on the same cells:
bccd_sliding.py). Suppression and average precision: the rows of detection_boxes.py.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import detection_boxes
import measure
import numpy as np
import single_shot

from sightkit import _cli

SLIDING_BAR, DENSE_BAR = 0.8, 0.5
EXACT = 1e-5
FACES = {"obama": 1, "biden": 1, "obama_and_biden": 2}
DENSE = (
    ("mobilenet_0.25", (224, 224, 3), 39, True),
    ("mobilenet_0.75", (224, 224, 3), 39, True),
    ("squeezenet", (227, 227, 3), 79, True),
    ("resnet20", (32, 32, 3), 120, True),
    ("lenet", (28, 28, 1), 120, False),
    ("lenet5", (32, 32, 1), 120, False),
)
"""Network, input, windows a side but one, and whether it has the bar."""
SEED = 1
"""Of random weights; with some ResNet-20 is refused: its answers move too far."""
ROWS = 4
"""Of windows that are timed one by one; the time for all is in proportion."""


@dataclass(frozen=True)
class Config:
    """Measure detectors."""

    quick: bool = False
    """Small pictures and few rounds: a smoke test whose figures mean little."""
    json: Path | None = None
    """File to write the rows to."""


def main(config: Config) -> list[measure.Row]:
    _cli.start_keras()
    rows = [
        *sliding_rows(config.quick),
        *(row for case in DENSE[:: 3 if config.quick else 1] for row in dense_rows(*case, config)),
        haar_row(),
        single_shot.cost(),
        *detection_boxes.suppression_rows(config.quick),
        detection_boxes.average_precision_row(5 if config.quick else 50),
    ]
    measure.report(rows, config.json)
    return rows


def bundle_of(name: str, shape: Sequence[int]) -> Any:
    """Return a network of the zoo as a bundle, by the fast engine; MobileNet with its weights."""
    from sightkit import inference, training, transfer, zoo
    from sightkit.preprocessing import (
        GrayscalePreprocessor,
        ImageToArrayPreprocessor,
        Pipeline,
        SimplePreprocessor,
    )

    if name.startswith("mobilenet"):
        bundle = transfer.pretrained(name)
        network, chain, names = bundle.network, bundle.preprocessing, bundle.class_names
    else:
        training.prepare(seed=SEED)
        network = zoo.build(name, input_shape=shape, classes=10)
        steps = (SimplePreprocessor(shape[1], shape[0]), ImageToArrayPreprocessor())
        chain = Pipeline(steps if shape[2] == 3 else (GrayscalePreprocessor(), *steps))
        names = tuple(map(str, range(10)))
    engine = "openvino" if inference.openvino_installed() else "keras"
    predictor = inference.compile(network, engine=engine)
    return training.Bundle(lambda: network, predictor, chain, names, {})


def picture(height: int, width: int) -> np.ndarray:
    """Return scikit-learn's photo of a temple, uint8, in this size."""
    from sklearn.datasets import load_sample_image

    from sightkit.preprocessing import AspectAwarePreprocessor

    return AspectAwarePreprocessor(width, height)(load_sample_image("china.jpg"))


def sliding_rows(quick: bool) -> list[measure.Row]:
    """Compare ``classify_regions`` with its engine on the same windows."""
    from sightkit.apps import detection
    from sightkit.preprocessing import Pipeline

    cases = (("mobilenet_0.25", (224, 224, 3), (640, 960)), ("lenet", (28, 28, 1), (427, 640)))
    rows = []
    for name, shape, size in cases[1:] if quick else cases:
        bundle, image = bundle_of(name, shape), picture(*size)
        windows = detection.BatchedWindows(bundle)
        seen: list[np.ndarray] = []
        for level, _ in detection.image_pyramid(image, 1.5, windows.window):
            fitted = detection.fit_to_windows(level, windows.window, windows.stride)
            views, corners = detection.sliding_window(fitted, windows.window, windows.stride)
            seen.append(Pipeline((bundle.preprocessing,)).batch(views[tuple(corners.T)]))
        ready = np.concatenate(seen)
        costs = measure.interleaved_costs(
            {
                "ours": lambda: detection.classify_regions(windows, image),  # noqa: B023
                "engine": lambda: bundle.predictor(ready),  # noqa: B023
            },
            rounds=2 if quick else 7,
        )
        rows.append(
            measure.at_least(
                f"sliding window, {name}", f"its engine ({bundle.predictor.engine}) alone",
                costs["engine"].wall / costs["ours"].wall, SLIDING_BAR,
                cpu_ratio=costs["engine"].cpu / costs["ours"].cpu, windows=len(ready),
                window=windows.window, stride=windows.stride, picture=size,
            )
        )  # fmt: skip
    return rows


def dense_rows(
    name: str, shape: tuple[int, int, int], steps: int, barred: bool, config: Config
) -> list[measure.Row]:
    """Compare the dense path with the engine on all windows, and their answers."""
    from sightkit.apps import detection

    bundle = bundle_of(name, shape)
    dense = detection.DenseWindows(bundle)
    steps = steps // 4 if config.quick else steps
    side, stride = dense.window[0], dense.stride[0]
    image = picture(side + stride * steps, side + stride * steps)
    some = image[: side + stride * (ROWS - 1)]
    batched = detection.BatchedWindows(bundle, dense.window, dense.stride)
    answers, _ = dense(some)
    exact, corners = batched(some)
    costs = measure.interleaved_costs(
        {"dense": lambda: dense(image), "batched": lambda: batched(some)},
        rounds=2 if config.quick else 7,
    )
    count = (steps + 1) ** 2
    share = count / len(corners)
    difference = float(np.abs(answers - exact).max())
    bar = DENSE_BAR * (shape[0] / stride) ** 2
    rows = [
        measure.at_least(
            f"dense, {name}", f"{count:,} batched windows ({bundle.predictor.engine})",
            costs["batched"].wall * share / costs["dense"].wall, bar if barred else 0.0,
            cpu_ratio=costs["batched"].cpu * share / costs["dense"].cpu,
            half_of_window_by_stride_squared=bar, picture=image.shape[:2],
            window=shape[:2], stride=dense.stride, padded_layers=len(dense.padded),
            largest_difference=difference,
            same_class=float((answers.argmax(axis=1) == exact.argmax(axis=1)).mean()),
        )
    ]  # fmt: skip
    if not dense.padded:
        rows.append(
            measure.at_most(
                f"dense, {name}: largest difference by {EXACT:g}", "batched windows",
                difference / EXACT, 1.0, windows=len(corners),
            )
        )  # fmt: skip
    return rows


def haar_row() -> measure.Row:
    """Count the photos in which Haar's cascade finds as many faces as there are."""
    from sightkit import io
    from sightkit.apps import detection

    folder = Path(os.environ["SIGHTKIT_TEST_DATA"]) / "faces"
    found = {
        name: len(detection.find_faces(io.read_image(folder / f"{name}.jpg"))) for name in FACES
    }
    right = sum(found[name] == count for name, count in FACES.items())
    return measure.at_least("Haar: photos with all faces, no other", "photos", right / len(FACES),
                            1.0, found=found)  # fmt: skip


if __name__ == "__main__":
    _cli.run(main, Config)
