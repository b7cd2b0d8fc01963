"""A training that was stopped, however, ends with the same bits as one that never was."""

from __future__ import annotations

import json
import random
import re
import signal
import time
from pathlib import Path

import pytest

import sightkit
from sightkit import _run_files

NETWORKS = ("lenet", "dropout")
DURING_TRAINING = {
    "file.written",
    "file.synced",
    "file.renamed",
    "epoch.before_checkpoint",
    "epoch.after_checkpoint",
}
# A run is killed at the first, resumed and killed at the second, and so on, then finished.
CHAINS = {
    "lenet": (
        "epoch.before_checkpoint",  # in the first epoch: nothing to go on from yet
        "file.renamed:4",
        "epoch.after_checkpoint",
        "file.synced:3",
        "file.written:5",
    ),
    "dropout": ("file.written:6", "epoch.after_checkpoint:2", 0.4, 0.8),
}


def crash_points():
    """The names of all crash points in the code."""
    root = Path(sightkit.__file__).parents[1]
    folders = ("sightkit", "zoo", "io", "callbacks", "training", "evaluation")
    files = [path for folder in folders for path in (root / folder).rglob("*.py")]
    return {
        name for path in files for name in re.findall(r'crash_point\("([^"]+)"\)', path.read_text())
    }


def test_every_crash_point_of_a_training_is_among_those_tried():
    if not (Path(sightkit.__file__).parents[1] / "training" / "fit.py").exists():
        pytest.skip("sightkit is installed without its sources beside it")
    elsewhere = (
        "archive.",
        "build.",
        "dataset.",
        "files.",
        "folder.",
        "run.",
    )  # see the tests of those
    of_datasets = {name for name in crash_points() if name.startswith(elsewhere)}
    assert crash_points() - of_datasets == DURING_TRAINING
    points = [point for chain in CHAINS.values() for point in chain if isinstance(point, str)]
    tried = {point.partition(":")[0] for point in points}
    assert tried == DURING_TRAINING


@pytest.fixture(scope="module")
def uninterrupted(children, job_data, tmp_path_factory):
    """What a run gives that nobody stopped, by network and seed; and the seconds it took."""
    known = {}

    def result(network, seed=1):
        if (network, seed) not in known:
            folder = tmp_path_factory.mktemp(f"{network}-{seed}")
            job = {"data": job_data, "network": network, "seed": seed}
            results, seconds = [], []
            for output in ("run", "again"):  # the first may wait for a disk: kills would come late
                start = time.monotonic()
                finished = children.run(folder, output=folder / output, **job)
                assert finished.code == 0, finished.stderr
                results.append(finished.result)
                seconds.append(time.monotonic() - start)
            assert results[0] == results[1]
            known[network, seed] = (results[0], min(seconds))
        return known[network, seed]

    return result


@pytest.fixture
def train(children, job_data, tmp_path):
    def run(**job):
        job = {"output": tmp_path / "run", "data": job_data, "network": "lenet", **job}
        return children.run(tmp_path, **job)

    return run


def check_what_lies_there(run):
    """Whatever was killed when: no file under its own name is half written."""
    if (run / _run_files.CONFIG).exists():
        assert json.loads((run / _run_files.CONFIG).read_text())["format"] == "sightkit-run"
    history = run / _run_files.HISTORY
    if history.exists():
        lines = history.read_text().splitlines()
        assert len({line.count(",") for line in lines}) == 1


@pytest.mark.parametrize(
    "network",
    (
        pytest.param("lenet", marks=pytest.mark.faults),
        pytest.param("dropout", marks=pytest.mark.slow),
    ),
)
def test_a_run_killed_again_and_again_ends_as_if_never_killed(
    network, train, uninterrupted, tmp_path
):
    expected, seconds = uninterrupted(network)
    resume = False
    for stop in CHAINS[network]:
        how = {"crash": stop} if isinstance(stop, str) else {"kill_after": stop * seconds}
        finished = train(network=network, resume=resume, **how)
        assert finished.code in ((137,) if isinstance(stop, str) else (-9, 0)), finished.stderr
        check_what_lies_there(tmp_path / "run")
        resume = True
    finished = train(network=network, resume=True)
    assert finished.code == 0, finished.stderr
    assert finished.result == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "after"),
    (pytest.param(signal.SIGTERM, 143, 8, marks=pytest.mark.slow), (signal.SIGINT, 130, 1)),
)
def test_a_signal_ends_it_after_saving_and_a_resume_ends_equal(
    number, code, after, train, uninterrupted
):
    finished = train(network="dropout", signal=[int(number), after])
    assert finished.code == code
    epoch, batch = divmod(after, 5)  # five batches an epoch
    where = f"epoch {epoch} and {batch} batch"
    (said,) = [line for line in finished.stderr.splitlines() if "Stopped by" in line]
    assert re.search(rf"{number.name}.*{where}.*saved.*(--resume|resume=True)", said)
    assert "Traceback" not in finished.stderr
    resumed = train(network="dropout", resume=True)
    assert f"Resuming after {where}" in resumed.stdout
    assert resumed.result == uninterrupted("dropout")[0]


# Two batches, read once more for their shapes.
@pytest.mark.faults
@pytest.mark.parametrize("read", (5, 8))
def test_a_signal_during_validation_keeps_the_epoch(read, train, uninterrupted):
    finished = train(network="dropout", signal_in_validation=read)
    assert finished.code == 143, finished.stderr
    resumed = train(network="dropout", resume=True)
    assert resumed.result == uninterrupted("dropout")[0]


@pytest.mark.faults
def test_a_long_epoch_is_saved_in_between_and_gone_on_with(train, uninterrupted, tmp_path):
    expected = uninterrupted("dropout")[0]
    for stop in ("file.renamed:5", "file.synced:4", "file.renamed:9"):
        job = {"save_every_batch": True, "network": "dropout"}
        assert train(crash=stop, resume=True, **job).code == 137
    names = {path.name for path in (tmp_path / "run" / "checkpoints").glob("*-batch-*.npz")}
    assert names
    resumed = train(network="dropout", resume=True)
    assert re.search(r"Resuming after epoch \d and \d batch", resumed.stdout)
    assert resumed.result == expected


@pytest.mark.faults
def test_a_signal_after_the_last_epoch_is_not_swallowed(train, uninterrupted):
    finished = train(network="dropout", signal=[int(signal.SIGTERM), 0])
    assert finished.code == 143
    assert "up to epoch 4 is saved" in finished.stderr
    assert train(network="dropout", resume=True).result == uninterrupted("dropout")[0]


@pytest.mark.faults
@pytest.mark.parametrize("crash", ("epoch.after_checkpoint:2", None))
def test_a_run_that_a_callback_ended_does_not_train_on(crash, train, tmp_path):
    stopped = train(stop_after=2)
    assert stopped.code == 0, stopped.stderr
    other = {"output": tmp_path / "other", "stop_after": 2}
    assert train(crash=crash, **other).code == (137 if crash else 0)
    assert train(resume=True, **other).result == stopped.result
    assert len((tmp_path / "other" / _run_files.HISTORY).read_text().splitlines()) == 1 + 2


@pytest.mark.parametrize(
    "damage",
    (
        *(pytest.param(damage, marks=pytest.mark.faults) for damage in ("cut", "empty", "text")),
        pytest.param("flip", marks=pytest.mark.slow),
    ),
)
def test_a_newest_checkpoint_damaged_in_any_way_is_skipped(damage, train, uninterrupted, tmp_path):
    train(crash="epoch.after_checkpoint:2")
    newest = tmp_path / "run" / "checkpoints" / "epoch-00002.npz"
    content = newest.read_bytes()
    newest.write_bytes(
        {
            "cut": content[: len(content) // 2],
            "empty": b"",
            "text": b"no archive",
            "flip": content[:60] + bytes([content[60] ^ 0xFF]) + content[61:],
        }[damage]
    )
    finished = train(resume=True)
    assert "epoch-00002.npz is damaged" in finished.stderr
    assert finished.result == uninterrupted("lenet")[0]


@pytest.mark.faults
def test_a_damaged_newest_checkpoint_is_named_and_skipped(train, uninterrupted, tmp_path):
    assert train(network="dropout", crash="epoch.after_checkpoint:3").code == 137
    newest = tmp_path / "run" / "checkpoints" / "epoch-00003.npz"
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    finished = train(network="dropout", resume=True)
    assert "epoch-00003.npz is damaged" in finished.stderr
    assert "Resuming after epoch 2 of 4" in finished.stdout
    assert finished.result == uninterrupted("dropout")[0]


@pytest.mark.slow
def test_a_finished_run_that_is_resumed_stays_what_it_is(train, uninterrupted, tmp_path):
    first = train(network="dropout")
    again = train(network="dropout", resume=True)
    assert first.result == again.result == uninterrupted("dropout")[0]


@pytest.mark.slow
def test_the_seed_alone_decides(uninterrupted, train):
    assert train(network="dropout").result == uninterrupted("dropout")[0]  # the same seed twice
    assert train(network="dropout", seed=2, overwrite=True).result["weights"] not in {
        uninterrupted("dropout")[0]["weights"]
    }


@pytest.mark.slow
def test_damaged_best_weights_are_noticed(train, uninterrupted, tmp_path):
    import h5py

    train(network="dropout")
    with h5py.File(tmp_path / "run" / "checkpoints" / _run_files.BEST_WEIGHTS, "r+") as file:
        found = []
        file.visititems(lambda name, item: found.append(item) if hasattr(item, "shape") else None)
        next(item for item in found if item.ndim == 2)[0, 0] += 1
    finished = train(network="dropout", resume=True)
    assert finished.code != 0 or finished.result == uninterrupted("dropout")[0]


@pytest.mark.faults
@pytest.mark.parametrize("point", sorted(DURING_TRAINING))
@pytest.mark.parametrize("network", NETWORKS)
def test_killed_at_every_single_crash_point_it_ends_equal(
    network, point, train, uninterrupted, tmp_path
):
    expected, _ = uninterrupted(network)
    for times in range(2 if point == "file.written" else 1, 40):  # 1: test_run.py
        job = {"network": network, "output": tmp_path / f"run-{times}"}
        finished = train(crash=f"{point}:{times}", **job)
        if finished.code == 0:
            assert times > 4
            return
        assert finished.code == 137, finished.stderr
        if (job["output"] / _run_files.CONFIG).exists():
            assert train(resume=True, **job).result == expected
    pytest.fail("It never came to its end.")


KILLS = 10
"""Of each of the tests below; one such is slow, and 2 x 10 of them, 200 kills, are faults."""


@pytest.mark.faults
def test_in_bfloat16_a_killed_run_ends_equal_too(train, uninterrupted, tmp_path):
    job = {"network": "dropout", "precision": "bfloat16"}
    expected = train(**job, output=tmp_path / "whole").result
    assert expected["weights"] != uninterrupted("dropout")[0]["weights"]
    for stop in ("epoch.before_checkpoint:2", "file.written:4"):
        assert train(**job, resume=stop.startswith("file"), crash=stop).code == 137
    assert train(**job, resume=True).result == expected


@pytest.mark.faults
@pytest.mark.parametrize("attempt", range(10))
@pytest.mark.parametrize("network", NETWORKS)
def test_killed_at_random_times_it_ends_equal(network, attempt, train, uninterrupted, tmp_path):
    expected, seconds = uninterrupted(network)
    chance = random.Random(attempt)
    kills = runs = 0
    while kills < KILLS:
        runs += 1
        job = {"network": network, "output": tmp_path / f"run-{runs}"}
        finished = train(**job, kill_after=chance.uniform(0.2, 1.1) * seconds)
        while finished.code == -9 and kills < KILLS - 1:
            kills += 1
            check_what_lies_there(job["output"])
            finished = train(**job, resume=True, kill_after=chance.uniform(0.2, 1.1) * seconds)
        if finished.code == -9:
            kills += 1
            finished = train(**job, resume=True)
        assert finished.code == 0, finished.stderr
        assert finished.result == expected
