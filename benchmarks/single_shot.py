"""Report trained single-shot detectors, and measure what one costs a picture.

    python benchmarks/single_shot.py RUN... [--json FILE] [--pictures FOLDER]

RUN: folders that scripts/detection/train_detector.py wrote, alike but for their seed; their test
pictures were evaluated once, when they ended. The mean of their average precision must be 0.7. A
picture of 320x320 must take 15 ms on two cores, from decoded picture to detections: processor time
of all threads by two, in batches of eight. FOLDER gets the curve of the first run and one of its
validation pictures with what it finds.
"""

from __future__ import annotations

import csv
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import measure
import numpy as np
import tyro

from sightkit import _cli, _run_files

PRECISION_BAR, MILLISECONDS_BAR = 0.70, 15.0
SIDE, BATCH, CORES, ROUNDS = 320, 8, 2, 20


@dataclass(frozen=True)
class Config:
    """Report single-shot detectors."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Folders of finished runs."""
    json: Path | None = None
    """File to write the rows to."""
    pictures: Path | None = None
    """Folder to draw into."""


def main(config: Config) -> list[measure.Row]:
    _cli.start_keras()
    rows = [precision(config.runs)] if config.runs else []
    rows.append(cost())
    measure.report(rows, config.json)
    if config.pictures is not None:
        draw_curve(config.runs[0], config.pictures / "bccd_curve.png")
        draw_picture(config.runs[0], config.pictures / "bccd.jpg")
    return rows


def precision(runs: tuple[Path, ...]) -> measure.Row:
    """Return the mean AP of the runs' test pictures, with spread, intervals and classes."""
    found = [json.loads((run / _run_files.METRICS).read_text()) for run in runs]
    environments = [json.loads((run / _run_files.ENVIRONMENT).read_text()) for run in runs]
    test = [each["test"]["map_50"] for each in found]
    names = [row["class"] for row in found[0]["test"]["classes"]]
    return measure.at_least(
        "single-shot detector, mAP@0.5 of the test pictures",
        "the bar",
        float(np.mean(test)),
        PRECISION_BAR,
        deviation=float(np.std(test, ddof=1)) if test[1:] else None,
        seeds=[each["seed"] for each in found],
        test=test,
        intervals=[each["test"]["map_50_interval"] for each in found],
        validation=[each["val"]["map_50"] for each in found],
        classes={
            name: [run["test"]["classes"][k]["AP@0.5"] for run in found]
            for k, name in enumerate(names)
        },
        cpu_seconds=[each.get("training_cpu_seconds") for each in environments],
    )


def cost() -> measure.Row:
    """Return the milliseconds of a picture of 320x320 on two cores, decoded to detections."""
    from sightkit import transfer
    from sightkit.apps import detection
    from sightkit.preprocessing import Pipeline

    size = (SIDE, SIDE)
    pixels = Pipeline(transfer.preprocessing_of("mobilenetv2_0.35", size).steps[2:])
    coding = detection.AnchorCoding(detection.standard_anchors(size), 3)
    setup = detection.DetectorSetup(detection.Letterbox(*size), pixels, coding, ("a", "b", "c"))
    photos = list(np.random.default_rng(0).integers(0, 256, (BATCH, *size, 3), np.uint8))
    with tempfile.TemporaryDirectory() as folder:
        network = detection.Detector((*size, 3), 3)
        detection.save_detector(Path(folder) / "bundle", network, setup, photos[0])
        bundle: Any = detection.load_detector(Path(folder) / "bundle", images=10**6)
    contestants = {
        "batch": lambda: bundle.predict(photos),
        "one": lambda: bundle.predict(photos[:1]),
    }
    costs = measure.interleaved_costs(contestants, rounds=ROUNDS)
    found = costs["batch"]
    return measure.at_most(
        f"single-shot detector, ms a picture of {SIDE}x{SIDE} on {CORES} cores",
        "the bar",
        1000 * found.cpu / BATCH / CORES,
        MILLISECONDS_BAR,
        wall_milliseconds=1000 * found.wall / BATCH,
        one_picture_wall_milliseconds=1000 * costs["one"].wall,
        engine=bundle.predictor.engine,
        cores_here=len(os.sched_getaffinity(0)),
    )


def draw_curve(run: Path, path: Path) -> None:
    """Draw loss and average precision by epoch."""
    from matplotlib.figure import Figure

    with open(run / _run_files.HISTORY, newline="") as file:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    epochs = np.array([row["epoch"] for row in rows])
    figure = Figure((7, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, label in (("loss", "training"), ("val_loss", "validation")):
        left.plot(epochs, [row[name] for row in rows], label=label)
    values = np.array([row["val_ap"] for row in rows])
    seen = np.isfinite(values)
    right.plot(epochs[seen], values[seen], "o-", color="tab:orange", markersize=3)
    left.set(xlabel="epoch", ylabel="loss", ylim=(0, None))
    left.legend()
    right.set(xlabel="epoch", ylabel="mAP@0.5, validation", ylim=(0, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def draw_picture(run: Path, path: Path) -> None:
    """Draw what a run's detector finds in the validation picture with the most boxes found."""
    import cv2

    from sightkit.apps import detection
    from sightkit.io import read_image

    data = json.loads((run / _run_files.CONFIG).read_text())["data"]
    pictures = detection.read_annotations(data, "val")
    bundle = detection.load_detector(run / _run_files.BUNDLE)
    files = [each.image for each in pictures.annotations]
    found: Any = bundle.predict(files)
    best = max(range(len(files)), key=lambda k: (len(set(found[k].labels)), len(found[k])))
    image = read_image(files[best])
    drawn = detection.draw_detections(image, found[best])
    truth = pictures.annotations[best]
    names = [pictures.class_names[label] for label in truth.labels]
    colours = [detection.colour_of(label) for label in truth.labels]
    annotated = detection.draw_boxes(image, truth.boxes, names, colours)
    both = np.concatenate([annotated, np.full((len(image), 8, 3), 255, np.uint8), drawn], axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), both[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    print(f"{path}: {files[best].name}, annotated and found")


if __name__ == "__main__":
    _cli.run(main, Config)
