"""Experiments without Keras' training: their data, their folder, their report."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sightkit import experiments
from sightkit._errors import SightkitError
from sightkit.experiments import ledger


@dataclass(frozen=True)
class Config(experiments.EstimatorConfig):
    output: Path = Path("run")
    data: Path = Path("data.h5")


def test_a_smoke_run_needs_no_data_and_reports_every_split(tmp_path, capsys):
    config = Config(output=tmp_path / "run", smoke=True)
    with experiments.start_fitting(config, "train_any.py") as fitting:
        assert fitting.best({("L1", 3): 0.4, ("L2", 5): 0.45}) == ("L2", 5)
        assert fitting.best({"HOG": 0.5, "LBP": 0.2}) == "HOG"
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].endswith("L2, 5 (45.0 %).") and lines[1].endswith("HOG (50.0 %).")
        images, labels = fitting.images("train")
        assert images.dtype == np.uint8 and len(images) == len(labels)
        classes = np.eye(len(fitting.file.class_names), dtype=np.float32)
        metrics = fitting.report(lambda batch: classes[[3] * len(batch)], why="always 3")
    stored = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert stored["why"] == metrics["why"] == "always 3"
    assert stored["test"]["rank1"] == pytest.approx(0.1, abs=0.05)
    assert {"train", "validation"} <= set(stored)
    assert (tmp_path / "run" / "report.html").exists()


def test_a_run_is_in_the_ledger(tmp_path, monkeypatch, write_dataset):
    monkeypatch.chdir(tmp_path)
    data = write_dataset("data.h5", train=20, validation=6, test=5)
    config = Config(output=tmp_path / "run", data=data)
    with experiments.start_fitting(config, "train_any.py") as fitting:
        classes = np.eye(len(fitting.file.class_names), dtype=np.float32)
        metrics = fitting.report(lambda batch: classes[[0] * len(batch)])
    (row,) = ledger.read(ledger.LOCAL)
    assert (row["experiment"], row["test_images"]) == ("train_any", 5)
    assert row["rank1"] == metrics["test"]["rank1"] and row["data_sha256"] == fitting.file.sha256


def test_data_that_are_missing_are_named_before_any_work(tmp_path):
    config = Config(output=tmp_path / "run", data=tmp_path / "data.h5")
    with (
        pytest.raises(SightkitError, match=r"data\.h5"),
        experiments.start_fitting(config, "train_any.py"),
    ):
        raise AssertionError
    (tmp_path / "data.h5").write_text("text")
    with pytest.raises(SightkitError, match=r"data\.h5"):
        Config(output=tmp_path / "run", data=tmp_path / "data.h5")
