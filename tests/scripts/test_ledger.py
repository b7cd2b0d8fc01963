"""The command: its actions and their flags, one line for what is wrong, a real row again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("verify",), "Name the experiment"),
        (("verify", "train_nothing"), "Only what was measured can be verified"),
        (("verify", "train_lenet_digits", "--recipe", "x"), "Only what was measured"),
        (("run", "--only", "train_nothing"), "In it are train_lenet_digits"),
        (("run", "--minutes", "0"), "--minutes must be above 0"),
        (("run", "train_lenet_digits"), "experiment belongs to verify"),
        (("table", "--minutes", "3"), "minutes belongs to run"),
        (("table", "--root", "nowhere"), "name a checkout"),
    ],
)
def test_what_is_wrong_is_one_line(flags, told, script):
    result = script("ledger", *flags)
    assert result.code == 2 and told in result.stderr, result.stderr
    assert len(result.stderr.splitlines()) == 1 and result.heavy == ""


@pytest.mark.slow
def test_the_pages_are_those_of_the_ledger(script):
    result = script("ledger", "table", "--check")
    expected = (0, "Every table is the ledger's.\n", "")
    assert (result.code, result.stdout, result.stderr) == expected


@pytest.mark.faults
def test_a_real_row_is_reproduced(tmp_path):
    command = [sys.executable, str(ROOT / "scripts" / "ledger.py")]
    command += ["verify", "train_lenet_digits", "--output", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=540)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1].startswith("Reproduced ")
