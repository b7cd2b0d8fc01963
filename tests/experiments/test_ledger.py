"""Rows of the ledger: written, read again, damaged, and where they cannot be written."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sightkit import evaluation, experiments, zoo
from sightkit._errors import SightkitError
from sightkit.experiments import ledger

ROW = {
    "date": "2026-01-02",
    "status": "measured",
    "experiment": "=train_x",
    "recipe": "best --augment none",
    "command": "sightkit train_x",
    "seed": 1,
    "rank1": 0.1 + 0.2,
    "metrics": {"recall.smiling": 0.85},
    "versions": 'python 3, "keras"',
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_row_is_read_as_it_was_written():
    for seed in (1, 2):
        ledger.append(Path("a.csv"), {**ROW, "seed": seed})
    rows = ledger.read(Path("a.csv"))
    assert [row["seed"] for row in rows] == [1, 2]
    assert {name: rows[0][name] for name in ROW} == ROW
    assert rows[0]["loss"] is None and rows[0]["device"] == ""
    assert ledger.metric(rows[0], "recall.smiling") == 0.85
    assert ledger.read(Path("none.csv")) == []
    assert os.listdir() == ["a.csv"]


@pytest.mark.parametrize("classes", (3, 20, 21))
def test_a_row_has_the_recall_of_each_of_few_classes(classes):
    names = ("=dog, grey", "bell\a", "never shown", *map(str, range(3, classes)))
    labels = np.array([0, 0, 1, 1])
    answers = np.eye(classes, dtype=np.float32)[[0, 1, 1, 1]]
    test = evaluation.metrics_report(evaluation.Evaluation(answers, labels, names))
    environment = {"versions": {}, "python": "3", "backend": "tensorflow", "device": "", "cores": 2}
    row = ledger.row_of({"test": test}, environment)
    ledger.append(Path("a.csv"), {**ROW, "metrics": row["metrics"]})
    (row,) = ledger.read(Path("a.csv"))
    found = {name: value for name, value in row["metrics"].items() if name.startswith("recall.")}
    assert found == ({"recall.=dog, grey": 0.5, "recall.bell\\x07": 1.0} if classes < 21 else {})
    assert ledger.metric(row, "macro.recall") is not None


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda text: text.replace("best", "best,", 1), "line 2: 28 values in place of 27"),
        (lambda text: text.replace(",2,", ",-2,"), "line 3: seed: input should be greater than"),
        (lambda text: text.replace(",2,", ",two,"), "line 3, seed 'two' is no number"),
        (lambda text: text[:-5], "line 3"),
        (lambda text: text.replace("0.30000000000000004", "NaN", 1), "line 2"),
        (lambda text: text.replace("measured", "borrowed"), "line 2: status"),
        (
            lambda text: text.replace("0.30000000000000004", "30.0", 1),
            "line 2: rank1: input should",
        ),
        (
            lambda text: text.replace("0.30000000000000004", "[" * 10**5, 1),
            "line 2, rank1 .* number",
        ),
        (lambda text: text.replace("--seed 2", "--seed 9"), "line 3: its command has seed 9"),
        (lambda text: text.replace(ROW["date"], "2026-31-21", 1), "line 2, date '2026-31-21'"),
        (lambda text: text.replace("date", "day"), "columns"),
        (lambda text: text.encode("utf-16").decode("latin-1"), "columns"),
    ],
)
def test_a_damaged_row_is_named_by_its_line(damage, reason):
    path = Path("a.csv")
    for seed in (1, 2):
        ledger.append(path, {**ROW, "seed": seed, "command": f"sightkit x --seed {seed}"})
    path.write_text(damage(path.read_text()))
    with pytest.raises(SightkitError, match=reason) as error:
        ledger.read(path)
    assert "\n" not in str(error.value)


def test_other_columns_are_not_added_to():
    Path("a.csv").write_text("date,rank1\nx,1\n")
    with pytest.raises(SightkitError, match="columns"):
        ledger.append(Path("a.csv"), ROW)
    assert Path("a.csv").read_text() == "date,rank1\nx,1\n"


def test_an_evaluation_does_not_fail_for_its_row(monkeypatch, capsys):
    monkeypatch.setattr(ledger, "PATIENCE", 0.0)
    Path("runs").write_text("a file")
    ledger.record(lambda: ROW)
    Path("runs").unlink()
    ledger.record(lambda: 1 / 0)
    Path("runs").mkdir()
    with Path("runs/.ledger.csv.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        ledger.record(lambda: ROW)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert all("The evaluation is not in runs/ledger.csv" in line for line in lines)
    assert not Path("runs/ledger.csv").exists()
    ledger.record(lambda: ROW)
    assert len(ledger.read(ledger.LOCAL)) == 1


PROGRAM = """
import sys
from pathlib import Path
from sightkit.experiments import ledger
for seed in range(int(sys.argv[1])):
    ledger.append(Path("a.csv"), {"date": "2026-01-02", "status": "measured", "experiment": "x",
                                  "recipe": "best", "seed": seed})
"""


@pytest.mark.slow
def test_rows_of_two_processes_are_all_there_and_a_kill_leaves_whole_rows():
    program = [sys.executable, "-c", PROGRAM]
    both = [subprocess.Popen([*program, "20"]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert len(ledger.read(Path("a.csv"))) == 40
    killed = subprocess.Popen([*program, "1000000"])
    while len(ledger.read(Path("a.csv"))) < 60:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    count = len(ledger.read(Path("a.csv")))
    ledger.append(Path("a.csv"), ROW)
    assert len(ledger.read(Path("a.csv"))) == count + 1


@pytest.mark.slow
def test_a_smoke_run_adds_no_row_and_another_does(write_dataset):
    @dataclass(frozen=True)
    class Config(experiments.Config):
        output: Path = Path("run")
        epochs: int = 1
        batch_size: int = 32
        data: Path = Path("data.h5")

    write_dataset()
    for smoke in (True, False):
        config = Config(output=Path(f"run-{smoke}"), data=Path("data.h5"), smoke=smoke)
        with experiments.start(config, "train_x.py") as run:
            data = run.built()
            network = zoo.MLP(data.image_shape, data.classes, hidden=(4,))
            network.compile("sgd", **experiments.CLASSIFICATION)
            metrics = run.fit(network, data.training()) and run.report(network)
        assert ledger.LOCAL.exists() is not smoke
    (row,) = ledger.read(ledger.LOCAL)
    assert row["experiment"] == "train_x" and row["network"] == "mlp"
    assert row["rank1"] == metrics["test"]["rank1"]
    assert (row["train_images"], row["test_images"], row["epochs"]) == (20, 5, 1)
    assert len(row["data_sha256"]) == 64 and row["minutes"] is not None
