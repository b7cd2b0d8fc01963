"""A dataset build that dies or meets a full disk never looks whole and never costs a good file."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sightkit import _faults, _files
from sightkit._errors import SightkitError
from sightkit.io import DatasetFile

BUILD = """
import resource, signal, sys
import numpy as np
from sightkit._errors import SightkitError
from sightkit.io import HDF5DatasetWriter
count, limit = int(sys.argv[2]), int(sys.argv[3])
images = np.random.default_rng(count).integers(0, 256, (count, 20, 20, 1)).astype(np.uint8)
if limit:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    with HDF5DatasetWriter(
        images.shape, sys.argv[1], class_names=("a", "b"), overwrite=True
    ) as writer:
        for start in range(0, count, 10):
            writer.add(images[start : start + 10], np.arange(start, start + 10) % 2)
except SightkitError as error:
    sys.exit(f"refused: {error}")
"""
POINTS = (
    ("dataset.created", False),
    ("dataset.rows", False),
    ("dataset.rows:4", False),
    ("dataset.flushed", False),
    ("dataset.complete", False),
    ("dataset.synced", False),
    ("dataset.renamed", True),
)


def build(path, count=40, limit=0, crash=""):
    result = subprocess.run(
        [sys.executable, "-c", BUILD, str(path), str(count), str(limit)],
        env={**os.environ, _faults.CRASH_VARIABLE: crash},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return result.returncode, result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("point", "renamed"), POINTS)
def test_a_kill_leaves_the_old_file_or_the_new(point, renamed, tmp_path):
    path = tmp_path / "data.h5"
    assert build(path, 10) == (0, "")
    assert build(path, 40, crash=point)[0] == 137
    assert DatasetFile.open(path).shape[0] == (40 if renamed else 10)
    assert build(path, 50) == (0, "")  # what the dead left does not stand in the way
    assert DatasetFile.open(path).shape[0] == 50
    assert [each.name for each in tmp_path.iterdir()] == ["data.h5"]


@pytest.mark.parametrize("point", [point for point, renamed in POINTS if not renamed])
def test_a_kill_of_the_first_build_leaves_no_file_of_that_name(point, tmp_path):
    path = tmp_path / "data.h5"
    assert build(path, crash=point)[0] == 137
    assert not path.exists()
    partial = path.with_name(path.name + _files.PARTIAL)
    if partial.exists() and "complete" not in point and "synced" not in point:
        with pytest.raises(SightkitError):
            DatasetFile.open(partial)


@pytest.mark.slow
@pytest.mark.parametrize("limit", (100, 3_000, 12_000, 17_000))
def test_a_full_disk_is_one_error_and_the_old_file_stands(limit, tmp_path):
    """40 rows are 16,000 bytes: too little for the header, the rows, or what comes after them."""
    path = tmp_path / "data.h5"
    build(path, 10)
    before = path.read_bytes()
    _, stderr = build(path, 40, limit=limit)
    assert "refused: " in stderr
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["data.h5"]


def test_a_full_disk_does_not_crash_the_process(tmp_path):
    code, stderr = build(tmp_path / "data.h5", 40, limit=12_000)
    assert code == 1
    assert "Traceback" not in stderr
