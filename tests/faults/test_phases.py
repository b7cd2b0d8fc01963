"""A training of two phases, killed in either or between them, ends as if never killed."""

from __future__ import annotations

import random
import signal
import time

import pytest

from sightkit import _run_files

PHASES = {"network": "tuned", "warm_up": 2, "epochs": 2}
# Two epochs a phase; each is resumed after the one before it.
CHAIN = (
    "epoch.before_checkpoint:2",  # in phase 1, after an epoch of it
    "epoch.after_checkpoint",  # between the phases: phase 1 is whole, phase 2 is not begun
    "epoch.before_checkpoint",  # in the first epoch of phase 2
)


@pytest.fixture(scope="module")
def uninterrupted(children, job_data, tmp_path_factory):
    """What a run gives that nobody stopped, its folder, and the seconds it took."""
    folder = tmp_path_factory.mktemp("phases")
    start = time.monotonic()
    finished = children.run(folder, output=folder / "run", data=job_data, **PHASES)
    assert finished.code == 0, finished.stderr
    return finished.result, folder / "run", time.monotonic() - start


@pytest.fixture
def train(children, job_data, tmp_path):
    def run(**job):
        job = {"output": tmp_path / "run", "data": job_data, **PHASES, **job}
        return children.run(tmp_path, **job)

    return run


@pytest.mark.slow
def test_killed_in_either_phase_and_between_them_it_ends_equal(train, uninterrupted, tmp_path):
    checkpoints = tmp_path / "run" / _run_files.CHECKPOINTS
    begun = []
    for stop in CHAIN:
        finished = train(resume=bool(begun), crash=stop)
        assert finished.code == 137, finished.stderr
        begun.append(sorted(path.name for path in checkpoints.glob("*/epoch-*.npz")))
    assert begun == [
        ["epoch-00001.npz"],
        ["epoch-00001.npz", "epoch-00002.npz"],
        ["epoch-00001.npz", "epoch-00002.npz"],
    ]
    finished = train(resume=True)
    assert finished.code == 0, finished.stderr
    assert finished.result == uninterrupted[0]
    assert "Phase body: epochs 3 to 4." in finished.stdout
    again = train(resume=True)
    assert again.result == uninterrupted[0]
    assert "Epoch " not in again.stdout  # it has ended, and trains no more


@pytest.mark.slow
def test_a_signal_in_phase_2_saves_and_a_resume_ends_equal(train, uninterrupted):
    finished = train(signal=[int(signal.SIGTERM), 12])  # five batches an epoch
    assert finished.code == 143
    assert "up to epoch 2 and 2 batches is saved" in finished.stderr
    resumed = train(resume=True)
    assert "Resuming after epoch 2 and 2 batches of 4 epochs" in resumed.stdout
    assert resumed.result == uninterrupted[0]


@pytest.mark.slow
def test_the_history_goes_on_and_marks_the_phases(uninterrupted):
    header, *rows = (uninterrupted[1] / _run_files.HISTORY).read_text().splitlines()
    columns = [dict(zip(header.split(","), row.split(","), strict=True)) for row in rows]
    assert [(row["epoch"], row["phase"]) for row in columns] == [
        ("1", "1"),
        ("2", "1"),
        ("3", "2"),
        ("4", "2"),
    ]


@pytest.mark.faults
@pytest.mark.parametrize("attempt", range(5))
def test_killed_at_any_time_it_ends_equal(attempt, train, uninterrupted):
    chance = random.Random(attempt)
    expected, _, seconds = uninterrupted
    for _ in range(3):
        train(resume=True, kill_after=chance.uniform(0.2, 1.0) * seconds)
    assert train(resume=True).result == expected


@pytest.mark.faults
@pytest.mark.parametrize("point", ("file.written", "file.synced", "file.renamed"))
def test_killed_at_each_file_it_ends_equal(point, train, uninterrupted):
    """One run: killed at the first file that it writes, resumed, killed at the second, …"""
    count = 0
    while True:
        count += 1
        finished = train(resume=True, crash=f"{point}:{count}")
        if finished.code == 0:
            break
        assert finished.code == 137, finished.stderr
    assert finished.result == uninterrupted[0]
    assert count > 4
