"""The script detection/train_detector: smoke, kill and resume, and what it refuses."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.detection.detector_flags import DetectorFlags
from sightkit.apps.detection.picture_flags import require_classes, start_training
from sightkit.apps.detection.shapes import write_shapes
from sightkit.apps.detection.voc import write_voc
from sightkit.experiments import ledger

SCRIPT = Path(__file__).parents[3] / "scripts" / "detection" / "train_detector.py"
SMALL = (
    *("--size", "96", "128", "--batch-size", "4", "--channels", "8", "--strides", "8", "16"),
    *("--backbone", "mobilenet_0.25", "--no-pretrained", "--preflight", "off"),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Shapes in VOC's layout; a picture of each split has no box."""
    folder = tmp_path_factory.mktemp("data")
    for seed, split in enumerate(("train", "val", "test")):
        pictures = write_shapes(folder / f"made-{split}", 8, seed=seed)
        bare = dataclasses.replace(
            pictures.annotations[3],
            **{
                "boxes": np.zeros((0, 4), np.float32),
                "labels": np.zeros(0, np.int64),
                "difficult": np.zeros(0, bool),
            },
        )
        annotations = (*pictures.annotations[:3], bare, *pictures.annotations[4:])
        named = tuple(
            dataclasses.replace(each, image=_renamed(each.image, split)) for each in annotations
        )
        write_voc(dataclasses.replace(pictures, annotations=named), folder / "voc", split)
    return folder / "voc"


def _renamed(path, split):
    return path.rename(path.with_name(f"{split}-{path.name}"))


def command(data, output, *more):
    return [
        sys.executable,
        str(SCRIPT),
        "--data",
        str(data),
        "--output",
        str(output),
        *SMALL,
        *more,
    ]


@pytest.mark.faults
def test_smoke_runs_everything(script, tmp_path):
    result = script("detection/train_detector", "--smoke", cwd=tmp_path)
    assert result.code == 0, result.stderr
    folder = tmp_path / "runs" / "detector" / "smoke"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert 0 <= metrics["test"]["map_50"] <= 1
    assert (folder / "boxes.png").is_file() and (folder / "bundle" / "bundle.json").is_file()
    assert "boxes come back from their targets" in result.stdout
    assert f"mAP@0.5 {metrics['test']['map_50']:.3f} (" in result.stdout
    assert "detect.py --method bundle" in result.stdout and "predict" not in result.stdout


@pytest.mark.faults
def test_killed_at_any_time_it_ends_equal(data, tmp_path):
    def finish(name, *more):
        result = subprocess.run(
            command(data, tmp_path / name, "--epochs", "4", *more),
            capture_output=True, text=True, timeout=900, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        row = ledger.read(tmp_path / ledger.LOCAL)[-1]
        metrics = json.loads((tmp_path / name / "metrics.json").read_text())
        assert row["metrics"]["map_50"] == metrics["test"]["map_50"]
        history = (tmp_path / name / "history.csv").read_text()
        return metrics["weights_sha256"], metrics["test"], history

    expected = finish("straight")
    child = subprocess.Popen(
        command(data, tmp_path / "killed", "--epochs", "4"), stdout=subprocess.DEVNULL
    )
    checkpoints, end = tmp_path / "killed" / "checkpoints", time.monotonic() + 600
    while not any(checkpoints.glob("epoch-*2.npz")):
        assert child.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert finish("killed", "--resume") == expected


@pytest.mark.faults
def test_weights_that_become_nan_stop_it(data, tmp_path):
    result = subprocess.run(
        command(data, tmp_path / "run", "--epochs", "2", "--learning-rate", "1e9"),
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert "loss" in result.stderr.splitlines()[-1]


def test_a_class_without_boxes_is_refused(tmp_path):
    pictures = write_shapes(tmp_path, 8)
    require_classes(pictures)
    more = dataclasses.replace(pictures, class_names=(*pictures.class_names, "star"))
    with pytest.raises(SightkitError, match="without=\\['star'\\]"):
        require_classes(more)


def test_faults_of_the_annotations_are_told_before_keras(data, tmp_path):
    config = DetectorFlags(output=tmp_path / "run", data=data)
    (data / "ImageSets" / "Main" / "val.txt").rename(tmp_path / "val.txt")
    try:
        with pytest.raises(SightkitError, match="val"), start_training(config, "x.py"):
            pass
    finally:
        (tmp_path / "val.txt").rename(data / "ImageSets" / "Main" / "val.txt")
