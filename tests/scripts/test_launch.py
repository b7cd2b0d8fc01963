"""scripts/launch.py: several processes on this machine, one training."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("words", "rule"),
    (
        ((), "Name a training script"),
        (("--", "predict", "x.png"), "Name a training script"),
        (("--", "train_nothing"), "train_nothing"),
        (("--processes", "1", "--", "train_lenet_digits"), "processes must be at least 2"),
        (("--restarts", "1", "--", "train_lenet_digits", "--overwrite"), "overwrites it"),
    ),
)
def test_what_cannot_be_is_one_line(words, rule, script):
    result = script("launch", *words)
    assert result.code == 2 and result.stdout == ""
    assert rule in result.stderr, result.stderr


@pytest.mark.faults
def test_two_processes_train_once_and_errors_are_those_of_the_script(script, tmp_path):
    words = ("launch", "--processes", "2", "--", "train_lenet_digits", "--smoke")
    result = script(*words, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert result.stdout.count("Epoch 2/2") == 1 and "Test rank-1 accuracy" in result.stdout
    assert (tmp_path / "runs" / "lenet_digits" / "smoke" / "bundle").is_dir()
    result = script(*words, "--batch-size", "25", cwd=tmp_path)
    assert result.code == 2 and "Give --batch-size 26" in result.stderr, result.stderr


@pytest.mark.faults
@pytest.mark.parametrize(
    "name",  # sparse gradients of an embedding; two trainings in one process; gradients of CTC
    ("generative/train_captioner", "generative/train_dcgan", "captcha/train_captcha_text"),
)
def test_trainings_of_the_apps_are_divided_too(name, script, tmp_path):
    result = script("launch", "--processes", "2", "--", name, "--smoke", cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert len([*tmp_path.glob("runs/*/smoke/bundle")]) == 1
    assert result.stdout.count("Epoch 2/2") in (1, 2)  # the DCGAN's classifier is trained too


@pytest.mark.faults
def test_a_lost_process_is_resumed(tmp_path):
    words = [sys.executable, "-m", "sightkit", "launch", "--restarts", "1", "--"]
    words += ["train_lenet_digits", "--smoke", "--epochs", "12"]
    environ = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    launched = subprocess.Popen(
        words, cwd=tmp_path, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    checkpoints = tmp_path / "runs" / "lenet_digits" / "smoke" / "checkpoints"
    deadline = time.monotonic() + 200
    while not [*checkpoints.glob("epoch-*")] and time.monotonic() < deadline:
        time.sleep(0.1)
    listed = f"/proc/{launched.pid}/task/{launched.pid}/children"
    children = [int(word) for word in Path(listed).read_text().split()]
    os.kill(children[1], signal.SIGKILL)
    output, errors = launched.communicate(timeout=300)
    assert launched.returncode == 0, errors
    assert "the training is resumed" in errors and "Resuming after epoch" in output
    assert output.count("Epoch 12/12") == 1
