"""train_minivggnet_cifar10, killed from outside and gone on with; and where CIFAR-10 is missing."""

from __future__ import annotations

import json
import os
import random
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sightkit import _run_files, io
from sightkit._errors import SightkitError
from sightkit.preprocessing import Pipeline, SimplePreprocessor

SCRIPT = Path(__file__).parents[2] / "scripts" / "train_minivggnet_cifar10.py"


def command(output, *flags):
    return [sys.executable, str(SCRIPT), "--smoke", "--output", str(output), *flags]


def finish(folder, output, *flags):
    subprocess.run(command(output, *flags), cwd=folder, check=True, capture_output=True)
    metrics = json.loads((folder / output / _run_files.METRICS).read_text())
    return metrics, (folder / output / _run_files.HISTORY).read_text()


@pytest.mark.faults
@pytest.mark.parametrize("precision", ("float32", "bfloat16"))
def test_killed_at_any_time_it_ends_equal(precision, tmp_path):
    flags = ("--batch-size", "16", "--precision", precision)
    start = time.monotonic()
    expected = finish(tmp_path, Path("alone"), *flags)
    seconds = time.monotonic() - start
    chance = random.Random(precision)
    for attempt in range(3):
        output = Path(f"killed-{attempt}")
        for _ in range(2):
            child = subprocess.Popen(
                command(output, *flags, "--resume"),
                cwd=tmp_path,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            time.sleep(chance.uniform(0.2, 1.0) * seconds)
            child.send_signal(signal.SIGKILL)
            child.wait()
        assert finish(tmp_path, output, *flags, "--resume") == expected


def test_the_build_scripts_dataset_file_is_the_one_it_takes(tmp_path):
    build = runpy.run_path(str(SCRIPT.with_name("build_cifar10.py")))["Config"]
    train = runpy.run_path(str(SCRIPT.with_name("train_shallownet_cifar10.py")))["Config"]
    assert build.__dataclass_fields__["output"].default == train().data
    assert io.FetchedCifar10().to_config() == io.Cifar10(Path("anywhere")).to_config()
    assert build.__dataclass_fields__["fractions"].default == train().fractions
    assert build().split_seed == train().split_seed


def test_it_is_looked_for_when_called_and_then_named(tmp_path, monkeypatch):
    import keras

    def unreachable(*arguments, **options):
        raise OSError("no network")

    monkeypatch.setattr(keras.utils, "get_file", unreachable)
    source = io.FetchedCifar10(tmp_path / "nothing")
    with pytest.raises(SightkitError, match=r"no network.*cifar-10-python\.tar\.gz"):
        source()
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_a_folder_is_read_and_an_archive_is_unpacked_and_removed(tmp_path, test_data, monkeypatch):
    import tarfile

    from sightkit.io.sources import cifar10

    folder = test_data / "cifar10" / "cifar-10-batches-py"
    found = io.FetchedCifar10(folder)()
    assert len(found) == 60_000
    archive = tmp_path / "archive"
    with tarfile.open(archive, "w") as tar:
        tar.add(folder, "cifar-10-batches-py")
    monkeypatch.setattr(cifar10, "keras_cifar10", lambda: archive)
    again = io.FetchedCifar10(tmp_path / "datasets" / "cifar")()
    assert (again.read(7) == found.read(7)).all()
    assert {path.name for path in (tmp_path / "datasets").iterdir()} <= {".cifar.unpacked.lock"}


def test_a_smoke_run_leaves_the_users_file_as_it_is(script, tmp_path):
    """With images that are too small for the network: the run ends before it trains."""
    (tmp_path / "photos").mkdir()
    io.write_sample_photos(tmp_path / "photos")
    io.build_dataset(
        io.FolderDataset(tmp_path / "photos"),
        tmp_path / "own.h5",
        preprocessors=Pipeline((SimplePreprocessor(2, 2),)),
        fractions={"train": 0.5, "validation": 0.25, "test": 0.25},
    )
    before = (tmp_path / "own.h5").read_bytes()
    flags = ("--smoke", "--data", "own.h5", "--output", "run")
    result = script("train_minivggnet_flowers17", *flags, cwd=tmp_path)
    assert result.code == 2 and "(2, 2, 3)" in result.stderr
    assert (tmp_path / "own.h5").read_bytes() == before
