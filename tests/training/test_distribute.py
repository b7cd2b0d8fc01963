"""Two processes and more under plain ``fit``: equal to one, lost, stopped, resumed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.training.cluster import LOST, TF_CONFIG, Cluster
from sightkit.training.group import Group
from sightkit.training.launcher import free_ports
from sightkit.training.together import require_agreement

WORKER = Path(__file__).with_name("distribute_worker.py")
SECONDS = 240


class Job:
    """Processes that train together, one file of flags for all unless a process has its own."""

    def __init__(self, folder: Path, size: int, *, own=(), **flags):
        folder.mkdir(exist_ok=True)
        self.folder, self.size = folder, size
        addresses = tuple(f"127.0.0.1:{port}" for port in free_ports(size))
        self.processes = []
        for rank in range(size):
            job = {"output": str(folder / "run"), **flags, **(own[rank] if own else {})}
            path = folder / f"job-{rank}.json"
            path.write_text(json.dumps(job))
            environ = {name: value for name, value in os.environ.items() if name != TF_CONFIG}
            if size > 1:
                environ[TF_CONFIG] = Cluster(addresses, rank).tf_config
            words = [sys.executable, WORKER, path, folder / f"result-{rank}.npz"]
            self.processes.append(
                subprocess.Popen(words, env=environ, stderr=subprocess.PIPE, text=True)
            )

    def wait(self):
        """Return exit codes and what was said on stderr."""
        said = [process.communicate(timeout=SECONDS)[1] for process in self.processes]
        return [process.returncode for process in self.processes], said

    def results(self):
        codes, said = self.wait()
        assert codes == [0] * self.size, said
        return [dict(np.load(self.folder / f"result-{k}.npz")) for k in range(self.size)]


def largest_difference(one, other):
    names = [name for name in one if name.startswith("weight")]
    return max(float(np.abs(one[name] - other[name]).max()) for name in names)


def history(result):
    return json.loads(str(result["history"]))


@pytest.mark.slow  # as all of these are: each process starts TensorFlow
@pytest.mark.parametrize(
    ("size", "flags"),
    (
        (3, {"count": 205, "clipnorm": 0.3}),  # the last batch has 10 images for three
        (2, {"normalized": True, "synchronize": True}),
    ),
    ids=("clipped", "normalized"),
)
def test_weights_are_those_of_one_process(size, flags, tmp_path):
    flags = {"floatx": "float64", **flags}
    jobs = [Job(tmp_path / str(count), count, **flags) for count in (1, size)]
    (one,), every = (job.results() for job in jobs)
    for result in every:
        assert largest_difference(one, result) < 1e-12
        for row, wanted in zip(history(result), history(one), strict=True):
            assert row == pytest.approx(wanted, rel=1e-9)


@pytest.mark.faults
def test_jax_divides_the_batch_itself(tmp_path, monkeypatch):
    pytest.importorskip("jax")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    jobs = [Job(tmp_path / str(size), size) for size in (1, 2)]
    (one,), every = (job.results() for job in jobs)
    for result in every:
        assert largest_difference(one, result) < 1e-5
        assert history(result)[-1] == pytest.approx(history(one)[-1], rel=1e-4)


@pytest.mark.faults
def test_gradients_may_travel_as_bfloat16(tmp_path):
    first, second = Job(tmp_path, 2, compress=True).results()
    assert largest_difference(first, second) == 0
    assert history(first)[-1]["loss"] < 0.5 * history(first)[0]["loss"]


DRAWN = {"normalized": True, "dropout": 0.3}
"""What draws at random, and keeps statistics of its own."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The results of two processes that nothing stopped."""
    return Job(tmp_path_factory.mktemp("distribute") / "whole", 2, **DRAWN).results()


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """The folder of two processes, the second of which got SIGTERM within the fourth epoch."""
    folder = tmp_path_factory.mktemp("distribute") / "stopped"
    own = ({}, {"stop_by": "SIGTERM", "stop_at": 40})
    codes, said = Job(folder, 2, **DRAWN, own=own).wait()
    assert codes == [143, 143], said
    assert all("epoch 3 and 3 batches is saved" in text for text in said)
    return folder


def resumed(stopped, folder, size):
    shutil.copytree(stopped, folder)
    return Job(folder, size, **DRAWN, resume=True)


@pytest.mark.slow
def test_a_signal_to_one_saves_all_and_they_resume_bit_equal(whole, stopped, tmp_path):
    assert largest_difference(*whole) == 0
    (first, _) = resumed(stopped, tmp_path / "run", 2).results()
    assert largest_difference(whole[0], first) == 0
    assert history(whole[0]) == history(first)


@pytest.mark.faults
def test_another_number_of_processes_goes_on_and_says_what_it_is_not(stopped, tmp_path):
    codes, said = resumed(stopped, tmp_path / "run", 1).wait()
    assert codes == [0] and "will not be bit-equal" in said[0]
    rows = history(dict(np.load(tmp_path / "run" / "result-0.npz")))
    assert len(rows) == 8 and rows[-1]["loss"] < rows[0]["loss"]


@pytest.mark.faults
def test_a_lost_one_ends_the_others_and_they_resume_bit_equal(whole, tmp_path):
    own = ({}, {"stop_by": "SIGKILL", "stop_at": 40})
    codes, said = Job(tmp_path, 2, **DRAWN, own=own).wait()
    assert codes == [LOST, -9], said
    assert "Process 1 (127.0.0.1:" in said[0] and "is gone" in said[0]
    (first, _) = Job(tmp_path, 2, **DRAWN, resume=True).results()
    assert largest_difference(whole[0], first) == 0
    assert history(whole[0]) == history(first)


@pytest.mark.slow
def test_a_port_that_is_taken_is_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        mine = f"127.0.0.1:{taken.getsockname()[1]}"
        cluster = Cluster((mine, f"127.0.0.1:{free_ports(1)[0]}"), 0)
        path = tmp_path / "job.json"
        path.write_text(json.dumps({"output": str(tmp_path / "run")}))
        result = subprocess.run(
            [sys.executable, WORKER, path, tmp_path / "result.npz"],
            env={**os.environ, TF_CONFIG: cluster.tf_config},
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    assert result.returncode == 2, result.stderr
    assert "an address whose port is free" in result.stderr.splitlines()[-1]


@pytest.mark.faults
def test_processes_that_do_not_train_the_same_are_refused(tmp_path):
    codes, said = Job(tmp_path, 2, own=({}, {"seed": 8, "data_seed": 4, "epochs": 9})).wait()
    assert codes == [2, 2], said
    for text in said:
        assert "All processes must train the same network on the same data" in text
        for name in ("weights=[", "data=[", "epochs=[8, 9]"):
            assert name in text


@pytest.mark.parametrize(("other", "refused"), [({}, False), ({"tensorflow": "1.0"}, True)])
def test_every_package_that_a_training_hangs_on_is_compared(other, refused):
    class Two(Group):
        size = 2

        def describe(self, facts):
            return [facts, {**facts, **other}]

    class Data:
        batch_size = 8

    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    expected = pytest.raises(SightkitError, match=r"tensorflow=\[.*'1\.0'\]")
    with expected if refused else contextlib.nullcontext():
        require_agreement(Two(), network, Data())


@pytest.mark.faults
@pytest.mark.parametrize("attempt", range(20))
def test_twenty_of_twenty_end_clean_and_resume(attempt, whole, tmp_path):
    """Either process, killed at any step of the 104: the other says so, and all go on."""
    rank, step = attempt % 2, int(np.random.default_rng(attempt).integers(1, 100))
    own = [{}, {}]
    own[rank] = {"stop_by": "SIGKILL", "stop_at": step}
    codes, said = Job(tmp_path, 2, **DRAWN, own=own).wait()
    assert (codes[rank], codes[1 - rank]) == (-9, LOST), said
    assert len(said[1 - rank].strip().splitlines()) == 1, said
    (first, _) = Job(tmp_path, 2, **DRAWN, resume=True).results()
    assert largest_difference(whole[0], first) == 0
