"""The script generative/train_dcgan: a whole run, kill and resume, NaN, and what it refuses."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from sightkit import _scripts, io
from sightkit.apps.generative.generator_bundle import load_generator

SCRIPT = Path(__file__).parents[3] / "scripts" / "generative" / "train_dcgan.py"
SMALL = {
    "data": Path("digits"), "size": (8, 8), "pictures": 150, "batch_size": 32, "filters": (6, 4),
    "latent": 8, "samples": 40, "classifier_epochs": 1, "epochs": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def module():
    return _scripts.load("generative/train_dcgan")


@pytest.fixture(scope="module")
def trained(module, tmp_path_factory):
    """A run of two epochs on small digits, and its metrics."""
    folder = tmp_path_factory.mktemp("runs")
    before = Path.cwd()
    os.chdir(folder)
    try:
        return folder / "run", module.main(module.Config(output=folder / "run", **SMALL))
    finally:
        os.chdir(before)


def assert_equal(found, expected):
    """Compare metrics: weights bit for bit, the reading up to the sums of several threads."""
    assert found["weights_sha256"] == expected["weights_sha256"]
    names = [name for name in expected["test"] if name != "classes"]
    assert found["test"].keys() == expected["test"].keys()
    for name in names:
        assert found["test"][name] == pytest.approx(expected["test"][name], rel=1e-3), name
    assert found["test"]["classes"] == pytest.approx(expected["test"]["classes"])


@pytest.mark.slow
def test_a_run_leaves_sheets_walks_reading_and_bundle(trained):
    folder, metrics = trained
    assert [path.name for path in sorted((folder / "samples").iterdir())] == [
        f"epoch-0000{epoch}.png" for epoch in range(3)
    ]
    for name in ("samples.png", "latent_walk.png"):
        assert io.read_image(folder / name).std() > 0
    assert (folder / "latent_walk.gif").read_bytes()[:3] == b"GIF"
    assert not (folder / "classifier" / "checkpoints").exists()
    test = metrics["test"]
    assert test == json.loads((folder / "metrics.json").read_text())["test"]
    assert test["count"] == 40 and sum(test["classes"].values()) == pytest.approx(1)
    assert test["frechet"] > test["frechet_floor"] > 0
    bundle = load_generator(folder / "bundle")
    assert bundle.description["metrics"]["test"] == test
    assert bundle.predict(3).shape == (3, 8, 8, 1)
    row = (folder.parent / "runs" / "ledger.csv").read_text().splitlines()[1]
    assert "train_dcgan" in row and "dcgan_generator" in row


@pytest.mark.slow
def test_a_resume_within_an_epoch_ends_equal(trained, module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def stop(batch, logs=None):
        seen.append(batch)
        if len(seen) == 7:  # within the second epoch, whose batches are five
            os.kill(os.getpid(), signal.SIGTERM)

    seen: list[int] = []
    config = module.Config(output=tmp_path / "broken", **SMALL)
    with pytest.raises(Exception, match="is saved"):
        module.main(config, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=stop)])
    assert any((tmp_path / "broken" / "checkpoints").glob("*batch*"))
    resumed = module.main(dataclasses.replace(config, resume=True))
    folder, straight = trained
    assert_equal(resumed, straight)
    for name in ("history.csv", "samples/epoch-00002.png", "samples.png", "latent_walk.gif"):
        assert (tmp_path / "broken" / name).read_bytes() == (folder / name).read_bytes(), name


@pytest.mark.slow
def test_a_classifiers_bundle_reads_the_samples(trained, module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder, metrics = trained
    given = folder / "classifier" / "bundle"
    found = module.main(module.Config(output=tmp_path / "run", classifier=given, **SMALL))
    assert_equal(found, metrics)
    assert not (tmp_path / "run" / "classifier").exists()


@pytest.mark.slow
def test_a_folder_without_classes_is_learned_unread(module, tmp_path, monkeypatch, rng):
    monkeypatch.chdir(tmp_path)
    for index in range(40):
        path = tmp_path / "photos" / f"{index}.png"
        path.parent.mkdir(exist_ok=True)
        io.write_png(path, rng.integers(0, 256, (9, 12, 3), np.uint8))
    flags = {**SMALL, "data": tmp_path / "photos", "size": (12, 8), "epochs": 1, "dense": 8}
    flags |= {"kernel": 5, "normalize_discriminator": True, "noise": "uniform", "dropout": 0.0}
    found = module.main(module.Config(output=tmp_path / "run", **flags))
    assert "frechet" not in found["test"] and found["test"]["diversity"] > 0
    assert load_generator(tmp_path / "run" / "bundle").predict(1).shape == (1, 12, 8, 3)


@pytest.mark.slow
def test_nan_stops_it_and_the_last_good_sheet_is_named(script, tmp_path):
    result = script(
        "generative/train_dcgan", "--data", "digits", "--size", 8, "--pictures", 150,
        "--learning-rate", "2e9", "--output", tmp_path / "run", cwd=tmp_path,
    )  # fmt: skip
    assert result.code == 2, result.stderr
    assert "The last good samples are" in result.stderr and "Training was stopped" in result.stderr
    sheets = sorted((tmp_path / "run" / "samples").iterdir())
    assert sheets and str(sheets[-1]) in result.stderr
    assert not (tmp_path / "run" / "bundle").exists()


@pytest.mark.faults
def test_killed_at_any_time_it_ends_equal(tmp_path):
    def command(name, *more):
        small = ("--data", "digits", "--pictures", "300", "--batch-size", "32", "--samples", "40")
        small += ("--filters", "6", "4", "--epochs", "4", "--size", "8", "--classifier-epochs", "1")
        return [sys.executable, str(SCRIPT), *small, "--output", str(tmp_path / name), *more]

    def finish(name, *more):
        result = subprocess.run(
            command(name, *more), capture_output=True, text=True, timeout=900, check=False,
            cwd=tmp_path,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        metrics = json.loads((tmp_path / name / "metrics.json").read_text())
        return metrics, (tmp_path / name / "history.csv").read_text()

    metrics, history = finish("straight")
    child = subprocess.Popen(command("killed"), stdout=subprocess.DEVNULL, cwd=tmp_path)
    checkpoints, end = tmp_path / "killed" / "checkpoints", time.monotonic() + 600
    while not any(checkpoints.glob("epoch-*2.npz")):
        assert child.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    found = finish("killed", "--resume")
    assert_equal(found[0], metrics)
    assert found[1] == history


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "told"),
    (
        (("--latent", "0"), "--latent must be at least 1"),
        (("--size", "30"), "--size must be multiples of 4"),
        (("--size", "28", "30"), "--size must be multiples of 4"),
        (("--epochs", "0"), "--epochs must be at least 1"),
        (("--learning-rate", "0"), "--learning-rate must be a number above 0"),
        (("--discriminator-rate", "-1"), "--discriminator-rate must be above 0"),
        (("--dropout", "1"), "--dropout must be at least 0 and below 1"),
        (("--label-noise", "0.3", "--smoothing", "0.2"), "below 0.5"),
        (("--filters", "64"), "--filters must be two numbers"),
        (("--samples", "1"), "--samples must be at least 2"),
        (("--resume", "--overwrite"), "give one"),
        (("--classifier", "nowhere"), "A bundle is a folder with bundle.json"),
        (("--data", "nowhere"), "--data must be one of mnist, fashion, digits, smiles, or"),
    ),
)
def test_flags_out_of_range_are_one_line(flags, told, script, tmp_path):
    result = script("generative/train_dcgan", *flags, cwd=tmp_path)
    assert result.code == 2, result.stderr
    assert told in result.stderr and len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "runs").exists()
