"""Whose a run folder is, when processes die, meet each other, or may not write."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sightkit import _faults, _run_files

OPEN = """
import os, sys, time
from dataclasses import dataclass
from pathlib import Path
from sightkit import _cli, experiments, training
from sightkit.training.run import Run

@dataclass(frozen=True)
class Config(experiments.Config):
    output: Path = Path("runs/x/y")
    preflight: str = "off"
    epochs: int = 3
    batch_size: int = 2
    data: Path = Path("x.h5")
    hold: bool = False
    stranger: bool = False

def main(config):
    if config.stranger and os.geteuid() == 0:
        os.setuid(65534)
    with Run.open(config, experiment="test"):
        print("opened", flush=True)
        if config.hold:
            time.sleep(30)  # no longer, should a test fail

sys.argv[0] = "test.py"
_cli.run(main, Config)
"""


def command(output, *flags):
    return [sys.executable, "-c", OPEN, "--output", str(output), *flags]


def open_run(output, *flags, **environment):
    result = subprocess.run(
        command(output, *flags),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return result.returncode, result.stderr


def refused(output, *flags):
    code, stderr = open_run(output, *flags)
    assert code == 2, stderr
    assert len(stderr.splitlines()) == 1
    return stderr


@pytest.fixture
def open_to_all():
    """A folder that every user can reach; those of pytest are the owner's alone."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.mark.slow
def test_two_processes_cannot_have_one_folder(tmp_path):
    output = tmp_path / "run"
    with subprocess.Popen(command(output, "--hold"), stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout.readline() == "opened\n"
        before = {path.name: path.stat().st_mtime_ns for path in output.iterdir()}
        for flag in ("--resume", "--overwrite"):
            said = refused(output, "--hold", flag)
            assert f"pid {owner.pid} on host " in said
        assert {path.name: path.stat().st_mtime_ns for path in output.iterdir()} == before
        os.kill(owner.pid, signal.SIGKILL)
    assert (output / _run_files.LOCK).exists()  # left by the dead
    assert open_run(output, "--overwrite") == (0, "")
    assert not (output / _run_files.LOCK).exists()


def test_a_read_only_folder_is_one_line_before_any_work(open_to_all):
    locked = open_to_all / "locked"
    locked.mkdir(mode=0o555)
    assert "must be writable" in refused(locked / "run", "--stranger")
    assert list(locked.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder that is another's")
def test_a_folder_that_may_not_be_entered_is_one_line(open_to_all):
    locked = open_to_all / "locked"
    locked.mkdir(mode=0o700)
    assert "must be accessible" in refused(locked / "deeper" / "run", "--stranger")


@pytest.mark.slow
@pytest.mark.parametrize("point", ("file.written", "file.synced"))
@pytest.mark.parametrize("flags", ((), ("--resume",), ("--overwrite",)))
def test_a_run_killed_before_its_config_was_written_is_none(point, flags, tmp_path):
    output = tmp_path / "run"
    code, _ = open_run(output, **{_faults.CRASH_VARIABLE: point})
    assert code == 137
    assert open_run(output, *flags) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("flags", ((), ("--resume",), ("--overwrite",)))
def test_a_run_killed_right_after_its_configuration_can_be_taken(flags, tmp_path):
    output = tmp_path / "run"
    assert open_run(output, **{_faults.CRASH_VARIABLE: "file.renamed"})[0] == 137
    assert open_run(output, *flags) == (0, "")


@pytest.mark.slow
def test_a_run_killed_before_it_replaces_the_old_one_is_undone(tmp_path):
    output = tmp_path / "run"
    assert open_run(output) == (0, "")
    (output / _run_files.METRICS).write_text("old")
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    crash = {_faults.CRASH_VARIABLE: "run.start"}
    assert open_run(output, "--overwrite", "--epochs", "9", **crash)[0] == 137
    assert (output / _run_files.REPLACED).is_dir()
    assert "--overwrite" in refused(output)
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before
    assert open_run(output, "--overwrite", "--epochs", "9") == (0, "")
    assert not (output / _run_files.METRICS).exists()
