"""Whenever the power fails, a resumed run ends with the bits of one that was never stopped."""

from __future__ import annotations

import os
import random
import runpy
import shutil
from pathlib import Path

import pytest

IN_THE_SUITE = 2


@pytest.fixture(scope="module")
def powered(children, job_data, tmp_path_factory):
    """What a run gives, and the folders that power failures at all moments of it leave."""
    folder = tmp_path_factory.mktemp("powered")
    job = {"data": job_data, "network": "dropout"}
    finished = children.run(folder, output=folder / "run", power=folder / "left", **job)
    assert finished.code == 0, finished.stderr
    return finished.result, sorted((folder / "left").iterdir()), job


def test_disk_loses_what_is_not_synced(tmp_path, monkeypatch):
    for name in ("fsync", "replace", "unlink"):
        monkeypatch.setattr(os, name, getattr(os, name))  # Disk puts its own there
    folder, left = tmp_path / "run", tmp_path / "left"
    folder.mkdir()
    disk = runpy.run_path(str(Path(__file__).with_name("power.py")))["Disk"](folder, left)
    disk.install()
    (folder / "unsynced").write_text("lost")
    with (folder / "partial").open("w") as file:
        file.write("stays")
        file.flush()
        os.fsync(file.fileno())
    os.replace(folder / "partial", folder / "synced")
    states = [{path.name: path.read_text() for path in one.iterdir()} for one in left.iterdir()]
    for after in ({"partial": "stays"}, {"synced": "stays"}):
        assert {"unsynced": "", **after} in states  # the folder as it is, without its data
    assert {} in states  # the folder as it was last synced


@pytest.mark.slow
def test_power_failures_hit_files_of_every_kind(powered):
    _, left, _ = powered
    names = {path.name.split(".partial.")[-1] for one in left for path in one.rglob("*")}
    assert {"config.json", "history.csv", "epoch-00002.npz", "best.weights.h5"} <= names
    assert len(left) > 30


def resume(children, left, job, tmp_path):
    run = tmp_path / left.name
    shutil.copytree(left, run)
    finished = children.run(tmp_path, output=run, resume=True, **job)
    assert finished.code == 0, finished.stderr
    assert "damaged" not in finished.stderr
    shutil.rmtree(run)
    return finished.result


@pytest.mark.slow
def test_after_a_power_failure_a_resume_ends_equal(powered, children, tmp_path):
    expected, left, job = powered
    for one in random.Random(0).sample(left, IN_THE_SUITE):
        assert resume(children, one, job, tmp_path) == expected, one.name


@pytest.mark.faults
def test_after_a_power_failure_at_any_moment_a_resume_ends_equal(powered, children, tmp_path):
    expected, left, job = powered
    for one in left:
        assert resume(children, one, job, tmp_path) == expected, one.name
