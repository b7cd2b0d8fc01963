"""Atomic files and locks, in processes that really die. Standard library only, so: real spawns."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from sightkit import _faults, _files, _folders, _locks
from sightkit._errors import SightkitError

REPLACE = """
import sys
from sightkit import _faults, _files, _locks
_files.write_text(sys.argv[1], "new" * 100_000)
"""
REPLACE_FOLDER = """
import sys
from pathlib import Path
from sightkit import _folders
_folders.replace(Path(sys.argv[1]), Path(sys.argv[2]))
"""
REPLACE_FILES = """
import sys
from pathlib import Path
from sightkit import _folders
with _folders.replacing_together(Path(sys.argv[1]), ("a", "b")) as folder:
    for name in ("a", "b"):
        (folder / name).write_text("new")
"""
TOO_LARGE = """
import resource, signal, sys
from sightkit import _faults, _files, _locks
from sightkit._errors import SightkitError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    _files.write_text(sys.argv[1], "new" * 100_000)
except SightkitError as error:
    sys.exit(f"refused: {error}")
"""
HOLD = """
import sys, time
from pathlib import Path
from sightkit import _faults, _files, _locks
lock = _locks.FileLock(Path(sys.argv[1]), "the test")
lock.acquire()
print("held", flush=True)
time.sleep(30)  # no longer, should a test fail
"""


def spawn(code, *arguments, **options):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def run(code, *arguments, **environment):
    child = spawn(code, *arguments, env={**os.environ, **environment})
    _, stderr = child.communicate(timeout=60)
    return child.returncode, stderr


@pytest.mark.parametrize("old", (None, "old"))
@pytest.mark.parametrize(
    ("point", "renamed"), (("file.written", False), ("file.synced", False), ("file.renamed", True))
)
def test_a_kill_leaves_the_old_file_or_the_new(point, renamed, old, tmp_path):
    path = tmp_path / "file.json"
    if old:
        path.write_text(old)
    code, _ = run(REPLACE, path, **{_faults.CRASH_VARIABLE: point})
    assert code == 137
    if renamed:
        assert path.read_text() == "new" * 100_000
    elif old:
        assert path.read_text() == old
    else:
        assert not path.exists()
    assert run(REPLACE, path)[0] == 0  # and nothing stands in the way of the next
    assert path.read_text() == "new" * 100_000


@pytest.mark.parametrize("point", ("folder.aside", "folder.replaced"))
def test_a_kill_leaves_the_old_folder_or_the_new(point, tmp_path):
    new, folder = tmp_path / "new", tmp_path / "folder"
    for place in (new, folder):
        place.mkdir()
        (place / "name").write_text(place.name)
    assert run(REPLACE_FOLDER, new, folder, **{_faults.CRASH_VARIABLE: point})[0] == 137
    _folders.put_back(folder)
    expected = "folder" if point == "folder.aside" else "new"
    assert (folder / "name").read_text() == expected


@pytest.mark.parametrize(
    ("point", "expected"), (("files.written", "old"), ("files.renamed", "new"))
)
def test_a_kill_leaves_the_old_files_or_the_new(point, expected, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text("old")
    assert run(REPLACE_FILES, tmp_path, **{_faults.CRASH_VARIABLE: point})[0] == 137
    assert [(tmp_path / name).read_text() for name in ("a", "b")] == [expected] * 2
    assert run(REPLACE_FILES, tmp_path)[0] == 0
    _folders.remove_partial(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize("old", (None, "old"))
def test_a_full_disk_is_one_error_and_the_old_file_stands(old, tmp_path):
    path = tmp_path / "file.json"
    if old:
        path.write_text(old)
    code, stderr = run(TOO_LARGE, path)
    assert code == 1
    assert stderr.startswith("refused: file.json could not be written: File too large.")
    assert "bytes are free" in stderr
    assert len(stderr.splitlines()) == 1
    assert [each.name for each in tmp_path.iterdir()] == (["file.json"] if old else [])
    assert not old or path.read_text() == old


@pytest.mark.parametrize("error", (ValueError, KeyboardInterrupt, SystemExit))
def test_an_exception_leaves_the_old_file(error, tmp_path):
    path = tmp_path / "file.bin"
    _files.write_bytes(path, b"old")
    with pytest.raises(error), _files.replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["file.bin"]


@pytest.mark.parametrize("value", (float("nan"), float("inf"), {"a": object()}))
def test_what_is_no_json_leaves_the_old_file(value, tmp_path):
    path = tmp_path / "file.json"
    _files.write_json(path, {"ä": [1, None]})
    with pytest.raises((ValueError, TypeError)):
        _files.write_json(path, value)
    assert json.loads(path.read_text()) == {"ä": [1, None]}


def test_the_temporary_name_keeps_its_ending(tmp_path):
    """Keras and matplotlib choose the format by it."""
    with _files.replacing(tmp_path / "best.weights.h5") as temporary:
        assert temporary.name.endswith(".weights.h5")
        assert temporary.parent == tmp_path
        temporary.touch()


def test_a_lock_names_its_owner_and_dies_with_it(tmp_path):
    path = tmp_path / ".lock"
    with spawn(HOLD, path) as owner:
        assert owner.stdout.readline() == "held\n"
        with pytest.raises(SightkitError, match=rf"the test.*pid {owner.pid} on host "):
            _locks.FileLock(path, "the test").acquire()
        os.kill(owner.pid, signal.SIGKILL)
    assert path.exists()  # stale, but nobody's
    with _locks.FileLock(path, "the test"):
        assert f"pid {os.getpid()} " in path.read_text()
    assert not path.exists()


def test_a_lock_is_taken_again_after_it_was_given_back(tmp_path):
    lock = _locks.FileLock(tmp_path / ".lock", "the test")
    for _ in range(3):
        lock.acquire()
        with pytest.raises(SightkitError):
            _locks.FileLock(tmp_path / ".lock", "the test").acquire()
        lock.release()
        lock.release()


def test_a_waiting_process_does_not_hold_a_removed_lock_file(tmp_path):
    path = tmp_path / ".lock"
    first = _locks.FileLock(path, "the test")
    first.acquire()
    path.unlink()
    with _locks.FileLock(path, "the test"):  # a new file, a new lock
        first.release()  # must not let anyone else in
        if path.exists():
            with pytest.raises(SightkitError):
                _locks.FileLock(path, "the test").acquire()


def test_user_without_a_home_has_a_cache_that_stays_empty(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(_files.Path, "home", no_home)
    with pytest.raises(OSError):
        _files.user_cache("plans").mkdir(parents=True)
