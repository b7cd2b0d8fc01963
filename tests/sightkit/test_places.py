"""Terminals, disks, rights and locks as users have them: one line each, never a traceback."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from sightkit import _cli, _files, _locks
from sightkit._errors import NEXT_STEPS, SightkitError

PRINT = r"""
import os, sys
from dataclasses import dataclass
from sightkit import _cli
@dataclass(frozen=True)
class Config:
    path: str = ""
def main(config):
    print("0\u2013255", *os.listdir(config.path or "."), sys.getfilesystemencoding(), flush=True)
    print("\u00e4\u2013", file=sys.stderr)
_cli.run(main, Config)
"""
RAISE = "import errno, sys\nfrom sightkit import _cli\nwith _cli.exit_codes():\n    "
LOCK = """
import fcntl, os, sys
from pathlib import Path
from sightkit import _locks, _scripts
from sightkit._errors import SightkitError
if os.geteuid() == 0:
    os.setuid(65534)
try:
    with _locks.FileLock(Path(sys.argv[1]), "the test"):
        print("taken")
except SightkitError as error:
    print(error)
"""


def run(code, *arguments, **options):
    environment = {**os.environ, **options.pop("environment", {})}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=not options,
        check=False,
        env=environment,
        timeout=60,
        **options,
    )


@pytest.mark.parametrize(
    ("environment", "shown"),
    (
        ({"LC_ALL": "C"}, "0–255 épée"),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "0?255 ?p?e"),
        ({"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "POSIX"}, "0?255 ?p?e"),
        ({"PYTHONIOENCODING": "ascii"}, "0?255 ?p?e"),
        ({"PYTHONIOENCODING": "latin-1"}, "0?255 épée"),
        ({"PYTHONIOENCODING": "cp1252"}, "0–255 épée"),
        ({"PYTHONIOENCODING": "koi8-r"}, "0?255 ?p?e"),
        ({"PYTHONIOENCODING": "utf-16"}, "0–255 épée"),
    ),
)  # fmt: skip
def test_any_terminal_shows_what_it_can(environment, shown, tmp_path):
    (tmp_path / "épée").touch()
    result = run(PRINT, "--path", tmp_path, environment=environment)
    encoding = environment.get("PYTHONIOENCODING", "utf-8")
    assert result.returncode == 0, result.stderr
    assert result.stdout.decode(encoding) == f"{shown} utf-8\n"
    assert b"Traceback" not in result.stderr


def test_a_name_that_is_no_text_is_printed(tmp_path):
    os.makedirs(os.fsencode(tmp_path) + b"/caf\xe9")
    assert run(PRINT, "--path", tmp_path).stdout.decode() == "0–255 caf\\udce9 utf-8\n"


@pytest.mark.parametrize("streams", (("/dev/full", "/dev/null"), ("/dev/full", "/dev/full")))
def test_a_full_disk_behind_the_output_is_exit_code_2(streams):
    with open(streams[0], "w") as out, open(streams[1], "w") as err:
        assert run(PRINT, stdout=out, stderr=err).returncode == 2


def test_closed_streams_are_no_error():
    program = [sys.executable, "-c", PRINT]
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *program]
        assert subprocess.run(shell, check=False, stdin=subprocess.DEVNULL).returncode == 0


def test_a_current_folder_that_was_deleted_is_named(tmp_path):
    (tmp_path / "gone").mkdir()
    shell = ["sh", "-c", 'cd "$1" && rmdir "$1" && exec "$2" -c "$3"', "sh"]
    command = [*shell, str(tmp_path / "gone"), sys.executable, PRINT]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "current folder must exist" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("number", (*sorted(NEXT_STEPS), errno.ENOENT, errno.EBADF, errno.EINVAL))
def test_an_error_of_the_system_is_one_line(number):
    result = run(f"{RAISE}raise OSError({number}, 'x', 'a\\nb.h5')")
    (line,) = result.stderr.decode().splitlines()
    assert result.returncode == 2
    assert os.strerror(number) in line
    assert NEXT_STEPS.get(number, "Check the path.") in line


@pytest.mark.parametrize(
    "number", (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EIO)
)
def test_a_file_system_without_locks_is_named(number, tmp_path, monkeypatch):
    def no_lock(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", no_lock)
    with pytest.raises(SightkitError, match=r"must have locks.*the run x.*local disk"):
        _locks.FileLock(tmp_path / ".lock", "the run x").acquire()


@pytest.mark.parametrize("wait", (False, True))
def test_a_lock_that_is_a_link_overwrites_nothing(wait, tmp_path):
    victim = tmp_path / "thesis.txt"
    victim.write_text("mine")
    (tmp_path / ".lock").symlink_to(victim)
    with pytest.raises(SightkitError, match="Remove the link"):
        _locks.FileLock(tmp_path / ".lock", "the test", wait=wait).acquire()
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("make", (os.mkfifo, os.mkdir))
def test_a_lock_that_is_no_file_is_named(make, tmp_path):
    make(tmp_path / ".lock")
    with pytest.raises(SightkitError, match=r"regular file|Is a directory.*\.lock"):
        _locks.FileLock(tmp_path / ".lock", "the test").acquire()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs two users")
@pytest.mark.parametrize(
    ("mode", "held", "answer"),
    (
        (0o777, False, "taken"),  # another user's process died there
        (0o777, True, "it is used by pid"),
        (0o755, False, "Permission denied"),
        (0o755, True, "it is used by pid"),
        (0o1777, False, "Operation not permitted"),
    ),
)
def test_a_lock_of_another_user(mode, held, answer):
    with tempfile.TemporaryDirectory() as folder:  # pytest's own may not be entered by others
        os.chmod(folder, mode)
        path = Path(folder, ".lock")
        lock = _locks.FileLock(path, "the test")
        lock.acquire()
        path.chmod(0o644)
        if not held:
            os.close(lock._descriptor)
            lock._descriptor = None
        result = run(LOCK, path)
        assert answer in result.stdout.decode(), result.stderr
        assert path.exists() == (answer != "taken")
        lock.release()


@pytest.mark.parametrize(
    ("flags", "path", "way"),
    (
        ({"data": "few", "output": "out/x.h5"}, "out/x.h5", "Choose another --output"),
        ({"data": "new/x.h5", "output": "runs/x"}, "new/x.h5", "Choose another --data"),
        ({"bundle": "there", "list_of": "there/x/l.csv"}, "there/x/l.csv", "another --list-of"),
        ({"output": "runs/x"}, "runs/x/checkpoints", "Choose another --output"),
        ({"output": None}, "runs/search/x", "Give --output"),
        ({"output": "elsewhere"}, "datasets/x.h5", "Run the command in another folder"),
        ({"output": "elsewhere"}, "{root}/cache/x.h5", "Choose another folder"),
        ({}, "runs/x", "Run the command in another folder"),
    ),
)
def test_a_message_names_the_flag_of_the_path(flags, path, way, tmp_path, monkeypatch):
    @dataclass
    class Config:
        smoke: bool = False

    config = Config()
    vars(config).update({name: value and Path(value) for name, value in flags.items()})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_files, "flags", _cli._paths_of(config))
    path = Path(path.format(root=tmp_path))
    Path(path.parts[0] if not path.is_absolute() else tmp_path / "cache").touch()
    with pytest.raises(SightkitError, match=way):
        _files.require_writable(path / "below", of=path)
