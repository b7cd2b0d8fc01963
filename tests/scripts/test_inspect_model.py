"""scripts/inspect_model.py from the command line."""

import subprocess
import sys
from pathlib import Path

import pytest

from sightkit import zoo

SCRIPT = Path(__file__).parents[2] / "scripts" / "inspect_model.py"


def run(*arguments):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, timeout=120
    )


def test_the_table_is_printed_and_written(tmp_path):
    path = tmp_path / "table.txt"
    told = run("minigooglenet", "--output", str(path))
    assert told.returncode == 0, told.stderr
    assert "total" in told.stdout and "1,656,250" in told.stdout
    assert "warning: down1_3x3: (32 - 3 + 0)/2 + 1 = 15.5" in told.stdout
    assert path.read_text() == told.stdout


def test_size_and_classes_are_taken():
    told = run("shallownet", "--input-shape", "32", "32", "3", "--classes", "3")
    assert told.returncode == 0, told.stderr
    assert "99,203" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["minivgg"], "Perhaps you meant minivggnet"),
        (["vgg16", "--input-shape", "16", "16", "3"], "nearest size that works"),
        (["srcnn", "--classes", "3"], "srcnn has no classes"),
    ],
)
def test_user_errors_are_one_line(arguments, message):
    told = run(*arguments)
    assert told.returncode == 2
    lines = [line for line in told.stderr.splitlines() if message in line]
    assert len(lines) == 1
    assert "Traceback" not in told.stderr


def test_help_imports_no_keras():
    program = (
        "import runpy, sys\n"
        "sys.argv = ['inspect_model.py', '--help']\n"
        f"try: runpy.run_path({str(SCRIPT)!r}, run_name='__main__')\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = [m for m in ('keras', 'tensorflow', 'sklearn') if m in sys.modules]\n"
        "assert not heavy, heavy\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert "--input-shape" in told.stdout


def test_names_are_listed_when_none_is_given(script):
    told = script("inspect_model")
    assert (told.code, told.stderr, told.heavy) == (0, "", "")
    listed = [line.strip() for line in told.stdout.splitlines() if line.startswith("  ")]
    assert sorted(listed) == zoo.names()
    told = script("inspect_model", "--classes", 3)
    assert told.code == 2 and "Name a network." in told.stderr
