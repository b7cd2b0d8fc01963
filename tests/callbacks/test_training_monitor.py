from __future__ import annotations

import csv
import json
import math

import cv2
import keras
import pytest

from sightkit import _run_files
from sightkit.callbacks import TrainingMonitor
from sightkit.callbacks.curves import draw_curves


def compiled(rate=0.25):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse")
    return model


@pytest.fixture
def monitor(tmp_path):
    callback = TrainingMonitor(tmp_path)
    callback.set_model(compiled())
    yield callback
    callback.close()


def rows_of(folder):
    with open(folder / _run_files.HISTORY, newline="") as file:
        return list(csv.DictReader(file))


def test_the_history_is_a_row_an_epoch_readable_while_it_runs(monitor, tmp_path):
    for epoch in range(3):
        monitor.on_epoch_end(epoch, {"loss": 1 / (epoch + 1), "val_loss": 0.1 + epoch})
        assert [row["epoch"] for row in rows_of(tmp_path)] == [str(e + 1) for e in range(epoch + 1)]
    monitor.on_train_end()
    assert list(rows_of(tmp_path)[0]) == ["epoch", "loss", "val_loss", "learning_rate"]
    assert [float(row["loss"]) for row in rows_of(tmp_path)] == [1.0, 1 / 2, 1 / 3]  # no digit lost
    assert float(rows_of(tmp_path)[0]["learning_rate"]) == 0.25


def test_the_picture_can_be_decoded_and_is_of_the_whole_history(monitor, tmp_path):
    for epoch in range(4):
        logs = {"loss": 1.0, "val_loss": 2.0 - epoch, "accuracy": 0.5, "val_accuracy": 0.4}
        monitor.on_epoch_end(epoch, logs)
    monitor.on_train_end()
    picture = tmp_path / _run_files.CURVES
    assert cv2.imread(str(picture)).shape[:2] == (1000, 768)
    draw_curves(monitor.rows, tmp_path / "again.png")
    assert (cv2.imread(str(tmp_path / "again.png")) == cv2.imread(str(picture))).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "again.png",
        "curves.png",
        "history.csv",
        "history.json",
    ]


@pytest.mark.parametrize("logs", ({"loss": float("nan"), "val_loss": float("inf")}, {"loss": 1.0}))
def test_any_logs_give_a_row_and_a_picture(logs, monitor, tmp_path):
    monitor.on_epoch_end(0, logs)
    monitor.on_train_end()
    assert len(rows_of(tmp_path)) == 1
    assert cv2.imread(str(tmp_path / _run_files.CURVES)) is not None


def test_a_key_that_comes_later_gets_a_column(monitor, tmp_path):
    monitor.on_epoch_end(0, {"loss": 1.0})
    monitor.on_epoch_end(1, {"loss": 0.5, "val_loss": 0.7})
    assert [row["val_loss"] for row in rows_of(tmp_path)] == ["", "0.7"]


def test_a_schedule_shows_in_the_history(tmp_path):
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([5], [0.5, 0.125])
    monitor = TrainingMonitor(tmp_path)
    monitor.set_model(compiled(schedule))
    monitor.on_epoch_end(0, {"loss": 1.0})
    monitor.model.optimizer.iterations.assign(10)
    monitor.on_epoch_end(1, {"loss": 1.0})
    assert [float(row["learning_rate"]) for row in rows_of(tmp_path)] == [0.5, 0.125]


def test_a_resumed_run_forgets_rows_after_its_checkpoint(monitor, tmp_path):
    monitor.on_epoch_end(0, {"loss": 1.0, "val_loss": float("nan")})
    state = monitor.get_state()
    text = (tmp_path / _run_files.HISTORY).read_bytes()
    monitor.on_epoch_end(1, {"loss": 0.5, "val_loss": 0.5})
    monitor.on_train_end()
    resumed = TrainingMonitor(tmp_path)
    resumed.set_state(state)
    assert (tmp_path / _run_files.HISTORY).read_bytes() == text
    assert len(json.loads((tmp_path / "history.json").read_text())["loss"]) == 1
    assert len(resumed.rows) == 1
    assert math.isnan(resumed.rows[0]["val_loss"])


def test_numbers_survive_the_state_to_the_last_bit(monitor):
    values = {"loss": 0.1 + 0.2, "val_loss": 1e-308, "a": float("inf"), "b": -0.0}
    monitor.on_epoch_end(0, values)
    monitor.close()
    other = TrainingMonitor(monitor.folder)
    other.set_state(monitor.get_state())
    assert [repr(value) for value in other.rows[0].values()] == [
        repr(value) for value in monitor.rows[0].values()
    ]


def test_the_json_is_the_csv_by_columns(monitor, tmp_path):
    monitor.on_epoch_end(0, {"loss": 0.1 + 0.2, "val_loss": float("nan")})
    monitor.on_epoch_end(1, {"loss": float("inf"), "val_loss": 1e-308, "accuracy": 0.5})
    monitor.on_train_end()
    columns = json.loads((tmp_path / "history.json").read_text())
    assert columns == {
        "epoch": [1, 2],
        "loss": [0.1 + 0.2, None],
        "val_loss": [None, 1e-308],
        "learning_rate": [0.25, 0.25],
        "accuracy": [None, 0.5],
    }


def test_an_epoch_without_training_draws_nothing(monitor, tmp_path):
    monitor.on_train_end()
    assert list(tmp_path.iterdir()) == []
