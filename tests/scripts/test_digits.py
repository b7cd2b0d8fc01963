"""The main job in small: train_lenet_digits --smoke, then predict on what it left."""

from __future__ import annotations

import html
import json
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sightkit import _run_files


@pytest.fixture(scope="module")
def smoke(script, tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke")
    flags = ("--smoke", "--output", folder / "run", "--data", folder / "digits.h5")
    result = script("train_lenet_digits", *flags, cwd=folder)
    assert result.code == 0, result.stderr
    return folder, result


@pytest.mark.slow
def test_the_run_folder_holds_everything(smoke):
    folder, result = smoke
    assert sorted(path.name for path in (folder / "run").iterdir()) == sorted(
        (
            _run_files.CONFIG,
            _run_files.ENVIRONMENT,
            _run_files.HISTORY,
            _run_files.HISTORY_JSON,
            _run_files.CURVES,
            _run_files.CHECKPOINTS,
            _run_files.BUNDLE,
            _run_files.METRICS,
            _run_files.CONFUSION,
            _run_files.RELIABILITY,
            _run_files.MISTAKES,
            _run_files.MISTAKES_TABLE,
            _run_files.REPORT,
        )
    )
    assert (folder / "run" / _run_files.CHECKPOINTS / _run_files.BEST_WEIGHTS).is_file()
    assert sorted(path.name for path in folder.iterdir()) == ["digits.h5", "run"]
    for name in (_run_files.REPORT, _run_files.BUNDLE, _run_files.METRICS, "rank-1"):
        assert name in result.stdout
    assert result.stdout.splitlines()[-1] == f"Report: {folder / 'run' / 'report.html'}"
    assert "precision" in result.stdout  # the report per class


def test_metrics_have_their_schema(smoke):
    metrics = json.loads((smoke[0] / "run" / _run_files.METRICS).read_text())
    for split in ("test", "validation"):
        assert {"rank1", "rank5", "loss", "count"} <= set(metrics[split])
        assert 0 <= metrics[split]["rank1"] <= metrics[split]["rank5"] <= 1
        assert metrics[split]["count"] == 200
    assert {"intervals", "calibration", "majority_baseline"} <= set(metrics["test"])
    assert metrics["parameters"] == 1_256_080
    assert metrics["seed"] == 1
    assert re.fullmatch("[0-9a-f]{64}", metrics["weights_sha256"])


def test_history_environment_and_report_say_what_was_done(smoke):
    run = smoke[0] / "run"
    history = (run / _run_files.HISTORY).read_text().splitlines()
    assert history[0].split(",") == [
        "epoch",
        "accuracy",
        "loss",
        "val_accuracy",
        "val_loss",
        "learning_rate",
        "best_epoch",
    ]
    assert [line.split(",")[0] for line in history[1:]] == ["1", "2"]
    environment = json.loads((run / _run_files.ENVIRONMENT).read_text())
    assert re.match(r"python \S+/scripts/train_lenet_digits\.py ", environment["command"])
    assert "--smoke" in environment["command"]
    assert re.fullmatch("[0-9a-f]{64}", environment["data"]["sha256"])
    report = (run / _run_files.REPORT).read_text(encoding="utf-8")
    assert environment["command"] in html.unescape(report)
    assert "http:" not in report and "https:" not in report  # "http" may be in a picture


def test_no_warning_and_no_traceback_is_shown(smoke):
    assert "Warning" not in smoke[1].stderr
    assert "Traceback" not in smoke[1].stderr


@pytest.mark.slow
def test_predict_prints_the_five_most_probable_classes(smoke, script, tmp_path):
    canary = smoke[0] / "run" / "bundle" / "canary.png"
    flags = ("--bundle", smoke[0] / "run" / "bundle", "--output", tmp_path / "answers.json")
    result = script("predict", *flags, canary, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert "compiled for this processor" in result.stderr and result.stderr.count("\n") == 1
    first, *lines = result.stdout.splitlines()
    assert first == str(canary)
    assert len(lines) == 5
    found = [re.fullmatch(r"\s+([\d.]+) %  (\d)", line) for line in lines]
    assert all(found)
    shares = [float(line.group(1)) for line in found]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 100.1
    description = json.loads((canary.parent / "bundle.json").read_text())
    best = max(range(10), key=lambda index: description["canary"][index])
    assert found[0].group(2) == description["class_names"][best]
    (answers,) = json.loads((tmp_path / "answers.json").read_text()).values()
    assert [answer["class"] for answer in answers] == [line.group(2) for line in found]
    assert answers[0]["probability"] == pytest.approx(description["canary"][best], abs=1e-3)


def refused_by_predict(script, *arguments):
    result = script("predict", *arguments)
    assert result.code == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
    return result


def test_predict_names_a_bad_image_before_keras_is_imported(smoke, script, tmp_path):
    bundle = smoke[0] / "run" / "bundle"
    text = tmp_path / "text\nfile.jpg"
    text.write_text("hello")
    cut = tmp_path / "cut.jpg"
    import cv2
    import numpy as np

    photo = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    cut.write_bytes(cv2.imencode(".jpg", photo)[1].tobytes()[:-200])
    for path, told in (
        (text, r"text\\nfile.jpg"),
        (cut, "cut.jpg"),
        (tmp_path / "no.jpg", "no.jpg"),
    ):
        result = refused_by_predict(script, "--bundle", bundle, path)
        assert re.search(told, result.stderr)
        assert result.heavy == ""


def test_predict_rejects_by_the_features_of_a_head_alone(smoke, script):
    bundle = smoke[0] / "run" / "bundle"
    result = script("predict", bundle / "canary.png", "--bundle", bundle, "--reject", 0.05)
    assert result.code == 2 and result.heavy == ""
    assert "--reject needs networks with a head" in result.stderr


def test_predict_answers_the_good_files_and_names_the_bad_ones(smoke, script, tmp_path):
    """In folders too, whose other files are told."""
    bundle = smoke[0] / "run" / "bundle"
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a.png").write_bytes((bundle / "canary.png").read_bytes())
    (tmp_path / "in" / "bad.jpg").write_text("hello")
    (tmp_path / "in" / "notes.txt").write_text("hello")
    flags = ("--top", 1, "--bundle", bundle, "--output", "a.json")
    result = script("predict", "no.jpg", bundle / "canary.png", "in", *flags, cwd=tmp_path)
    assert result.code == 2, result.stderr
    pictures = [str(bundle / "canary.png"), "in/deep/a.png"]
    assert [line for line in result.stdout.splitlines() if "%" not in line] == pictures
    answers = json.loads((tmp_path / "a.json").read_text())
    assert list(answers) == [*pictures, "no.jpg", "in/bad.jpg"]
    assert "error" in answers["no.jpg"][0]
    lines = [line for line in result.stderr.splitlines() if "compiled for" not in line]
    other, missing, bad, said = lines
    assert "notes.txt" in other and "no.jpg" in missing and "in/bad.jpg" in bad
    assert "bad=2, files=4" in said


def test_predict_says_one_line_of_a_png_that_is_cut_off(smoke, script, tmp_path):
    bundle = smoke[0] / "run" / "bundle"
    cut = tmp_path / "cut.png"
    cut.write_bytes((bundle / "canary.png").read_bytes()[:-30])
    refused_by_predict(script, "--bundle", bundle, cut)


def test_predict_names_a_bundle_that_is_none(smoke, script, tmp_path):
    canary = smoke[0] / "run" / "bundle" / "canary.png"
    result = refused_by_predict(script, "--bundle", tmp_path / "nowhere", canary)
    assert str(tmp_path / "nowhere") in result.stderr


@pytest.mark.slow
def test_sigterm_ends_a_script_with_143_after_saving(script, tmp_path):
    """What a resume makes of it: tests/faults."""
    flags = ("--output", "run", "--data", "digits.h5")
    run = tmp_path / "run"
    checkpoint = run / _run_files.CHECKPOINTS / "epoch-00001.npz"
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(script, "train_lenet_digits", *flags, cwd=tmp_path)
        while not checkpoint.exists() and not waiting.done():
            time.sleep(0.05)
        if not waiting.done():
            owner = re.match(r"pid (\d+) on host", (run / _run_files.LOCK).read_text())
            os.kill(int(owner.group(1)), signal.SIGTERM)
        result = waiting.result()
    assert result.code == 143, result.stderr
    assert "Stopped by SIGTERM" in result.stderr
    assert "--resume" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (run / _run_files.METRICS).exists()
    assert not (run / _run_files.LOCK).exists()
