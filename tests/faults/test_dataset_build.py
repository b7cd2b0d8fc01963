"""Whole builds that die, and folders, disks and neighbours that do not play along."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

JOB = Path(__file__).with_name("dataset_job.py")
LEFTOVERS = {"data.h5", "data.h5.left_out.csv", "data.h5.partial", ".data.h5.lock"}
BEGIN = """
import os, resource, signal, sys
import numpy as np
from sightkit._errors import SightkitError
from sightkit.io import HDF5DatasetWriter, build_dataset
from sightkit.io.build import prepare
sys.path.insert(0, os.environ["JOB"])
import dataset_job
def limit(size):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
def writer(path, count, **options):
    return HDF5DatasetWriter((count, 8, 8, 3), path, class_names=("a", "b"), **options)
def rows(count):
    return np.zeros((count, 8, 8, 3), np.uint8), np.arange(count) % 2
"""


def start(code, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", BEGIN + code, *map(str, arguments)],
        env={**os.environ, "JOB": str(JOB.parent), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(code, *arguments, **environment):
    child = start(code, *arguments, **environment)
    stdout, stderr = child.communicate(timeout=120)
    return child.returncode, stdout, stderr


def lines_of(*arguments, timeout=120):
    result = subprocess.run(
        [sys.executable, str(JOB), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.slow
def test_a_killed_build_leaves_the_old_file_or_the_new(tmp_path):
    lines = lines_of("points", tmp_path)
    assert len(lines) == 25
    for line in lines[:-1]:
        assert line["code"] == 137, line
        assert line["after"] == (
            line["new"] if line["point"] == "dataset.renamed" else line["before"]
        )
        assert (
            set(line["left"]) - {name for name in line["left"] if ".partial." in name} <= LEFTOVERS
        )
    assert lines[-1]["after"] == 300  # what the dead left does not stand in the way


@pytest.mark.faults
def test_200_random_kills_leave_a_complete_dataset_or_none(tmp_path):
    lines = lines_of("kills", tmp_path, 200, timeout=600)
    assert len(lines) == 200
    assert all(line["after"] in (line["before"], line["new"]) for line in lines)
    # The kills hit something: some came before the end, some after it.
    ended = sum(line["after"] == line["new"] for line in lines)
    assert 2 <= ended <= 150
    assert sum("data.h5.partial" in line["left"] for line in lines) >= 10


@pytest.mark.slow
@pytest.mark.parametrize("memory", (0, 2**20))
@pytest.mark.parametrize("size", (100, 60_000, 520_000, 650_000))
def test_a_disk_that_fills_during_a_build_costs_nothing(size, memory, tmp_path):
    """300 rows are 518,400 bytes; what comes beside them does not fit into 650,000 either."""
    path = tmp_path / "data.h5"
    code, _, stderr = run("dataset_job.build(dataset_job.Path(sys.argv[1]), 101)", path)
    assert code == 0, stderr
    before = path.read_bytes()
    listed = (tmp_path / "data.h5.left_out.csv").read_bytes()
    code, _, stderr = run(
        f"""
prepare.MEMORY_BYTES = {memory}
limit({size})
try:
    dataset_job.build(dataset_job.Path(sys.argv[1]), 301)
except SightkitError as error:
    sys.exit(f"refused: {{error}}")
""",
        path,
    )
    assert code == 1, stderr
    assert "refused: " in stderr
    assert "Traceback" not in stderr
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data.h5", "data.h5.left_out.csv"]
    assert size > 1000 or (tmp_path / "data.h5.left_out.csv").read_bytes() == listed


def test_too_long_sources_on_a_full_disk_are_refused(tmp_path):
    code, _, stderr = run(
        """
limit(400_000)
try:
    with writer(sys.argv[1], 200) as file:
        file.add(*rows(200), ["x" * 5000] * 200)
except SightkitError as error:
    sys.exit(f"refused: {error}")
""",
        tmp_path / "data.h5",
    )
    assert code == 1, (code, stderr)
    assert "refused: The dataset could not be written completely" in stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("locking", ("TRUE", "FALSE"))
def test_two_processes_never_write_one_dataset(locking, tmp_path):
    path = tmp_path / "data.h5"
    environment = {"HDF5_USE_FILE_LOCKING": locking}
    first = start(
        """
with writer(sys.argv[1], 10) as file:
    file.add(*rows(5))
    print("writing", flush=True)
    sys.stdin.readline()
    file.add(*rows(5))
""",
        path,
        **environment,
    )
    with first:
        assert first.stdout.readline() == "writing\n"
        second = "\ntry:\n    {}\nexcept SightkitError as error:\n    sys.exit(str(error))\n"
        for work in (
            "writer(sys.argv[1], 10, overwrite=True)",
            "dataset_job.build(dataset_job.Path(sys.argv[1]), 101)",
        ):
            code, _, stderr = run(second.format(work), path, **environment)
            assert code == 1
            assert f"pid {first.pid} on host" in stderr
        _, stderr = first.communicate("go on\n", timeout=60)
        assert first.returncode == 0, stderr
    code, stdout, stderr = run("print(dataset_job.rows_at(dataset_job.Path(sys.argv[1])))", path)
    assert (code, stdout) == (0, "10\n"), stderr
    assert [each.name for each in tmp_path.iterdir()] == ["data.h5"]


def test_a_read_only_folder_is_told_before_the_source_is_called():
    with tempfile.TemporaryDirectory() as folder:  # pytest's own may not be entered by others
        os.chmod(folder, 0o555)
        code, _, stderr = run(
            """
class Uncalled(dataset_job.Pictures):
    def __call__(self):
        raise AssertionError("called")
if os.geteuid() == 0:
    os.setuid(65534)
try:
    path, chain = sys.argv[1], dataset_job.CHAIN
    build_dataset(Uncalled(100), path, preprocessors=chain, fractions={"train": 1})
except SightkitError as error:
    sys.exit(f"refused: {error}")
""",
            f"{folder}/data.h5",
        )
        assert code == 1
        assert "refused: The folder must be writable (Permission denied)" in stderr
        assert os.listdir(folder) == []


FORK = """
import hashlib, os, sys
from sightkit.io import HDF5DatasetGenerator
def digest(generator):
    parts = (part.tobytes() for index in range(len(generator)) for part in generator[index])
    return hashlib.sha256(b"".join(parts)).hexdigest()
for warm in (False, True):
    generator = HDF5DatasetGenerator(sys.argv[1], 7, shuffle=True, seed=3)
    if warm:
        digest(generator)
    children = []
    for number in range(3):
        reading, writing = os.pipe()
        if os.fork() == 0:
            generator.set_epoch(number)
            os.write(writing, digest(generator).encode())
            os._exit(0)
        os.close(writing)
        children.append(reading)
    for number, reading in enumerate(children):
        generator.set_epoch(number)
        with os.fdopen(reading) as pipe:
            print(warm, number, pipe.read() == digest(generator))
        os.wait()
"""


@pytest.mark.slow
def test_a_generator_works_in_children_and_parent_after_a_fork(write_dataset):
    result = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK, str(write_dataset())],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert [line.split()[2] for line in result.stdout.splitlines()] == ["True"] * 6
