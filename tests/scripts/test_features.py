"""From photos to features, a head and its answers, as the README says it; and what is refused."""

from __future__ import annotations

import csv
import json
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest

from sightkit import _faults, _run_files, io, training, transfer
from sightkit.experiments import ledger


@pytest.fixture(scope="module")
def done(script, tmp_path_factory):
    """The folder in which extraction and training were run on few pictures."""
    folder = tmp_path_factory.mktemp("features")
    (folder / "photos").mkdir()
    io.write_sample_photos(folder / "photos")
    (folder / "photos" / "flower" / "2.png").write_bytes(b"torn")
    model = ("--model", "minivggnet", "--random-weights", "--crops", 2)
    extracted = script(
        "extract_features", *model, "--data", "photos", "--output", "f.h5", cwd=folder
    )
    assert extracted.code == 0, extracted.stderr
    trained = script("train_logistic", "--features", "f.h5", "--output", "run", cwd=folder)
    assert trained.code == 0, trained.stderr
    return folder, extracted, trained


@pytest.mark.slow
def test_features_are_extracted_and_bad_photos_told(done):
    folder, extracted, _ = done
    assert "23 photos in 2 classes, 64 features each" in extracted.stdout
    assert "1 of 24 photos cannot be read" in extracted.stderr
    with (folder / "f.h5.left_out.csv").open() as file:
        assert [row["path"] for row in csv.DictReader(file)] == ["flower/2.png"]


def test_a_run_holds_metrics_and_the_pair(done):
    folder, _, trained = done
    metrics = json.loads((folder / "run" / "metrics.json").read_text())
    assert metrics["test"]["count"] + metrics["training_photos"] == 23
    assert metrics["cross_validation"]["chosen"] in (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    assert 0 <= metrics["test"]["rank1"] <= 1
    row = ledger.read(folder / ledger.LOCAL)[0]
    assert (row["experiment"], row["data"]) == ("train_logistic", "f.h5")
    assert [row["data_sha256"]] == metrics["data_sha256"]
    assert "Test rank-1 accuracy" in trained.stdout
    names = {path.name for path in (folder / "run").iterdir()}
    assert {"config.json", "metrics.json", "per_class.csv", "confusion_matrix.png"} <= names
    assert {"environment.json", "reliability.png"} <= names
    assert {"intervals", "calibration", "majority_baseline"} <= set(metrics["test"])


def test_a_run_has_a_report_that_names_the_mistakes(done):
    page = (done[0] / "run" / "report.html").read_text(encoding="utf-8")
    assert "Worst mistakes" in page and "Confusion matrix" in page and "data:image/png" in page
    metrics = json.loads((done[0] / "run" / "metrics.json").read_text())
    wrong = round((1 - metrics["test"]["rank1"]) * metrics["test"]["count"])
    assert page.count('<figure><img src="data:image/png') == wrong
    assert page.count(".png</code>") == wrong
    assert done[2].stdout.splitlines()[-1] == "Report: run/report.html"


@pytest.mark.slow
def test_evaluate_takes_a_head_and_other_photos(done, script):
    folder, _, _ = done
    flags = ("--bundle", "run/bundle", "--data", "photos")
    result = script("evaluate", *flags, "--output", "evaluated", cwd=folder)
    assert result.code == 2 and "bad=1, evaluated=23" in result.stderr, result.stderr
    metrics = json.loads((folder / "evaluated" / "metrics.json").read_text())
    trained = json.loads((folder / "run" / "metrics.json").read_text())["training_photos"]
    assert metrics["test"]["count"] == 23 and metrics["trained_on"] == trained
    assert f"trained on {trained} of these 23 images" in result.stdout + result.stderr
    assert (folder / "evaluated" / "mistakes.png").exists() == (metrics["test"]["rank1"] < 1)
    refused = script("evaluate", *flags, "--crops", 10, cwd=folder)
    assert refused.code == 2 and refused.heavy == "" and "crops=10" in refused.stderr


def test_a_folder_is_classified_to_csv_with_none_of_these(done, script):
    folder, _, _ = done
    photos = ("photos/china", "photos/flower/1.png")
    flags = ("--bundle", "run/bundle", "--output", "a.csv", "--threshold", "1.0", "--top", 1)
    result = script("predict", *photos, *flags, cwd=folder)
    assert result.code == 0, result.stderr
    with (folder / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["picture"] for row in rows}) == 13
    first = [row["class"] for row in rows if row["rank"] == "1"]
    assert "none of these" in first
    assert {row["class"] for row in rows} <= {"none of these", "china", "flower"}
    assert all((row["probability"] == "") == (row["class"] == "none of these") for row in rows)


def test_photos_unlike_the_training_photos_are_none_of_these(done, script, rng):
    folder, _, _ = done
    for number in range(3):
        noise = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
        io.write_png(folder / f"noise{number}.png", noise)
    flags = ("--bundle", "run/bundle", "--output", "r.json", "--overwrite", "--top", 1)
    given = ("noise0.png", "noise1.png", "noise2.png", "photos/china/1.png")
    result = script("predict", *given, *flags, "--reject", 0.05, cwd=folder)
    assert result.code == 0, result.stderr
    answers = json.loads((folder / "r.json").read_text())
    first = [entry[0]["class"] for entry in answers.values()]
    assert first[:3] == ["none of these"] * 3 and first[3] == "china"
    told = script("predict", *given, *flags, "--threshold", 0.6, cwd=folder)
    assert "% of the training photos were below it, held out" in told.stderr
    for wrong, message in (("0", "between 0 and 1"), ("1.5", "between 0 and 1")):
        refused = script("predict", *given, *flags, "--reject", wrong, cwd=folder)
        assert refused.code == 2 and message in refused.stderr and refused.heavy == ""


def test_suspicious_labels_are_listed(done, script):
    folder, _, _ = done
    flags = ("--features", "f.h5", "--output", "s.csv", "--show", 3)
    result = script("suspicious_labels", *flags, cwd=folder)
    assert result.code == 0, result.stderr
    with (folder / "s.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 23
    doubts = [float(row["doubt"]) for row in rows]
    assert doubts == sorted(doubts, reverse=True)
    shown = min(3, sum(doubt > 0 for doubt in doubts))
    assert len(result.stdout.splitlines()) == shown + (shown > 0) + 1  # with head and sum


def test_an_existing_run_is_not_replaced_and_keras_not_started(done, script):
    folder, _, _ = done
    result = script("train_logistic", "--features", "f.h5", "--output", "run", cwd=folder)
    assert result.code == 2 and "--overwrite" in result.stderr
    assert "keras" not in result.heavy


def files_of(run):
    return {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


@pytest.fixture
def old(done, tmp_path):
    """A copy of the trained run, and its files."""
    run = shutil.copytree(done[0] / "run", tmp_path / "run")
    return run, files_of(run)


@pytest.mark.parametrize(  # amid the report; at the end
    "point", ("file.renamed:3", pytest.param("run.start", marks=pytest.mark.slow))
)
def test_a_killed_overwrite_and_a_refused_command_lose_no_run(
    point, done, old, script, monkeypatch
):
    run, before = old
    overwrite = ("--features", "f.h5", "--output", run, "--overwrite")
    with monkeypatch.context() as patch:
        patch.setenv(_faults.CRASH_VARIABLE, point)
        assert script("train_logistic", *overwrite, cwd=done[0]).code == 137
    assert (run / _run_files.BUNDLE).exists() == (point == "run.start")  # the last that is written
    refused = script("train_logistic", *overwrite, "--folds", 99, cwd=done[0])
    assert refused.code == 2 and "Add photos" in refused.stderr and "keras" not in refused.heavy
    assert files_of(run) == before


def main_of_train_logistic(features, run):
    module = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "train_logistic.py"))
    module["main"](module["Config"](features=(features,), output=run, overwrite=True, folds=2))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "name", "replaced"),
    (
        (transfer, "save_feature_classifier", False),
        (training, "compile_ahead", True),
    ),
)
def test_an_interruption_leaves_one_run_complete(place, name, replaced, done, old, monkeypatch):
    run, before = old
    function = getattr(place, name)

    def interrupt(*arguments, **options):
        function(*arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(place, name, interrupt)
    with pytest.raises(KeyboardInterrupt):
        main_of_train_logistic(done[0] / "f.h5", run)
    left = files_of(run)
    assert set(left) == set(before)
    metrics = json.loads((run / _run_files.METRICS).read_text())
    assert metrics["cross_validation"]["folds"] == (2 if replaced else 3)
    assert replaced or left == before


@pytest.mark.parametrize(
    ("name", "flags", "told"),
    (
        ("extract_features", (), "Give --data"),
        ("extract_features", ("--data", "x", "--model", "mobilenet"), "Perhaps you meant"),
        ("extract_features", ("--data", "x", "--output", "f.csv"), ".h5 or .hdf5"),
        ("extract_features", ("--data", "nowhere"), "nowhere"),
        (
            "extract_features",
            ("--data", "x", "--engine", "keras", "--precision", "bfloat16"),
            "Leave out engine or precision",
        ),
        ("train_logistic", (), "Give --features"),
        ("train_logistic", ("--features", "nowhere.h5"), "nowhere.h5"),
        ("train_logistic", ("--features", "x.h5", "--strengths", "0"), "above 0"),
        (
            "train_logistic",
            ("--features", "x.h5", "--head", "knn", "--multiclass", "ovo"),
            "distinguishes several classes by",
        ),
        ("suspicious_labels", (), "Give --features"),
        (
            "predict",
            ("x.png", "--bundle", "b", "--threshold", "2"),
            "--threshold must be a probability",
        ),
    ),
)
def test_what_is_wrong_is_told_before_keras_starts(name, flags, told, script):
    result = script(name, *flags)
    assert result.code == 2
    assert told in result.stderr and "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "keras" not in result.heavy and "tensorflow" not in result.heavy
