"""Whenever the power fails, a resumed run ends with the bits of one that was never stopped."""

from __future__ import annotations

import random
import shutil

import pytest

IN_THE_SUITE = 5


@pytest.fixture(scope="module")
def powered(children, job_data, tmp_path_factory):
    """What a run gives, and the folders that power failures at all moments of it leave."""
    folder = tmp_path_factory.mktemp("powered")
    job = {"data": job_data, "network": "dropout"}
    finished = children.run(folder, output=folder / "run", power=folder / "left", **job)
    assert finished.code == 0, finished.stderr
    return finished.result, sorted((folder / "left").iterdir()), job


def test_there_is_much_to_lose(powered):
    """The model sees files that are not synced, of every kind that a run writes."""
    _, left, _ = powered
    names = {path.name.split(".partial.")[-1] for one in left for path in one.rglob("*")}
    assert {"config.json", "history.csv", "epoch-00002.npz", "best.weights.h5"} <= names
    assert len(left) > 30
    assert any(path.stat().st_size == 0 for one in left for path in one.rglob("*.partial.*"))


def resume(children, left, job, tmp_path):
    run = tmp_path / left.name
    shutil.copytree(left, run)
    finished = children.run(tmp_path, output=run, resume=True, **job)
    assert finished.code == 0, finished.stderr
    assert "damaged" not in finished.stderr
    shutil.rmtree(run)
    return finished.result


def test_after_a_power_failure_a_resume_ends_equal(powered, children, tmp_path):
    expected, left, job = powered
    for one in random.Random(0).sample(left, IN_THE_SUITE):
        assert resume(children, one, job, tmp_path) == expected, one.name


@pytest.mark.faults
def test_after_a_power_failure_at_any_moment_a_resume_ends_equal(powered, children, tmp_path):
    expected, left, job = powered
    for one in left:
        assert resume(children, one, job, tmp_path) == expected, one.name
