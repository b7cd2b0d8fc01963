"""finetune and advise: a smoke run without weights, its bundle, and what they refuse."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sightkit import _run_files

SCRIPT = Path(__file__).parents[2] / "scripts" / "finetune.py"


@pytest.fixture(scope="module")
def smoke(script, tmp_path_factory):
    """SqueezeNet is the quickest to build; its weights are nowhere."""
    folder = tmp_path_factory.mktemp("finetune")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(folder / "keras"))
        flags = (*"--smoke --model squeezenet --preflight off --output".split(), folder / "run")
        result = script("finetune", *flags, cwd=folder)
    assert result.code == 0, result.stderr
    return folder, result


@pytest.mark.faults
def test_a_smoke_run_makes_a_complete_run_folder_offline(smoke):
    folder, result = smoke
    assert "The body of squeezenet begins at random values" in result.stderr
    for name in (_run_files.METRICS, _run_files.REPORT, _run_files.CURVES, _run_files.BUNDLE):
        assert (folder / "run" / name).exists()
    header, *rows = (folder / "run" / _run_files.HISTORY).read_text().splitlines()
    assert [row.split(",")[header.split(",").index("phase")] for row in rows] == list("1122")
    (_,) = (folder / "datasets").glob("samples-259-*.h5")
    metrics = json.loads((folder / "run" / _run_files.METRICS).read_text())
    assert metrics["unfrozen_from"] == "fire9_squeeze1x1"
    assert "Warning" not in result.stderr and "Traceback" not in result.stderr


@pytest.mark.faults
def test_finetune_bundle_has_its_preprocessing_and_predicts(smoke, script):
    bundle = smoke[0] / "run" / _run_files.BUNDLE
    description = json.loads((bundle / "bundle.json").read_text())
    text = json.dumps(description["preprocessing"])
    assert "BGRPreprocessor" in text and "123.68" in text and "227" in text
    result = script("predict", "--bundle", bundle, bundle / "canary.png", "--top", 1)
    assert result.code == 0, result.stderr
    assert "china" in result.stdout or "flower" in result.stdout


def refused(result, *told):
    assert result.code == 2, result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "Traceback" not in result.stderr
    assert result.heavy == ""
    for words in told:
        assert words in result.stderr


@pytest.mark.parametrize("name", ("finetune", pytest.param("advise", marks=pytest.mark.slow)))
def test_what_is_wrong_is_told_before_keras_is_imported(name, script, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "one" / "class").mkdir(parents=True)
    (tmp_path / "README.md").write_text("mine")
    for flags, told in (
        (("--model", "vgg61"), "Perhaps you meant vgg1"),
        (("--data", "nowhere"), "data='nowhere'"),
        (("--data", "empty"), "empty"),
        (("--data", "one"), "one"),
        (("--data", "README.md"), "README.md"),
    ):
        refused(script(name, *flags, cwd=tmp_path), told)
    assert not (tmp_path / "datasets").exists()


@pytest.mark.parametrize(
    "flags", (("--warm-up", 0), ("--warm-up-rate", 0), ("--hidden", -1), ("--warm-up-rate", "nan"))
)
def test_flags_of_phase_1_out_of_range_are_one_line(flags, script, tmp_path):
    refused(script("finetune", *flags, cwd=tmp_path), f"{flags[0]} must be a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.faults
def test_killed_at_any_time_it_ends_equal(tmp_path):
    environment = {**os.environ, "KERAS_HOME": str(tmp_path / "keras")}
    flags = ("--smoke", "--model", "squeezenet", "--preflight", "off", "--batch-size", "4")

    def command(output, *more):
        return [sys.executable, str(SCRIPT), *flags, "--output", output, *more]

    def finish(output, *more):
        child = command(output, *more)
        subprocess.run(child, cwd=tmp_path, env=environment, check=True, capture_output=True)
        metrics = json.loads((tmp_path / output / _run_files.METRICS).read_text())
        return metrics, (tmp_path / output / _run_files.HISTORY).read_text()

    start = time.monotonic()
    expected = finish("alone")
    seconds = time.monotonic() - start
    chance = random.Random(2)
    for _ in range(3):
        child = subprocess.Popen(
            command("killed", "--resume"),
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(0.3, 0.9) * seconds)
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert finish("killed", "--resume") == expected
