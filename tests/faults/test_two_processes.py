"""Two processes at one thing: the second is told who has it, and changes nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sightkit._locks import FileLock

SCRIPTS = Path(__file__).parents[2] / "scripts"
FIT = ("train_logistic", "--features", "f.h5", "--folds", 2, "--strengths", 0.1)
TRAIN = ("train_lenet_digits", "--smoke", "--epochs", 4, "--data", "digits.h5")
MODEL = ("--model", "minivggnet", "--random-weights", "--data", "photos")
EVALUATE = ("evaluate", "--bundle", "lenet/bundle", "--data", "digits.h5")
ENSEMBLE = ("ensemble", "train_lenet_digits", "--smoke")
LOCKS = (
    ((*FIT, "--output", "head", "--overwrite"), "head/.lock"),
    ((*FIT, "--output", "new"), "new/.lock"),
    ((*TRAIN, "--output", "half", "--resume"), "half/.lock"),
    ((*TRAIN, "--output", "lenet", "--overwrite"), "lenet/.lock"),
    ((*TRAIN, "--output", "new"), "new/.lock"),
    (("extract_features", *MODEL, "--output", "g.h5"), ".g.h5.lock"),
    (("extract_features", *MODEL, "--output", "f.h5", "--overwrite"), ".f.h5.lock"),
    (("build_folder", "--data", "photos", "--output", "d.h5"), ".d.h5.lock"),
    ((*EVALUATE, "--output", "judged"), "judged/.lock"),
    ((*ENSEMBLE, "--output", "ens"), "ens/.lock"),
    (("import_network", "--smoke", "--output", "imported"), ".imported.lock"),
    (
        ("import_network", "--smoke", "--output", "lenet/bundle", "--overwrite"),
        "lenet/.bundle.lock",
    ),
)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("command", "lock"), LOCKS, ids=[f"{command[0]}-{lock}" for command, lock in LOCKS]
)
def test_the_second_is_told_who_is_at_it(command, lock, work, contents):
    (work.folder / lock).parent.mkdir(exist_ok=True)
    with FileLock(work.folder / lock, "the test"):
        before = contents(work.folder)
        result = work.run(*command)
        assert result.code == 2
        owner = f"pid {os.getpid()} on host {socket.gethostname()}"
        assert owner in result.stderr, result.stderr
        after = contents(work.folder)
        assert {name: after.get(name) for name in before} == before
    again = work.run(*command)
    assert again.code == 0 or "exists already" in again.stderr, again.stderr


@pytest.mark.faults
@pytest.mark.parametrize("command", ((*FIT, "--output", "new"), (*TRAIN, "--output", "new")))
def test_of_two_real_ones_one_does_the_work(command, work):
    words = [sys.executable, str(SCRIPTS / f"{command[0]}.py"), *map(str, command[1:])]
    both = [
        subprocess.Popen(words, cwd=work.folder, stderr=subprocess.PIPE, text=True, stdout=-3)
        for _ in range(2)
    ]
    said = [each.communicate(timeout=300)[1] for each in both]
    assert sorted(each.returncode for each in both) == [0, 2], said
    refused = said[0 if both[0].returncode == 2 else 1]
    assert "Traceback" not in refused
    assert "is used by pid" in refused or "holds a run already" in refused
