"""train_logistic, killed at any moment: the old run stands, and the same command goes on."""

from __future__ import annotations

import itertools
import json
import random
import re
import shutil
import time

import pytest

from sightkit import _faults
from sightkit.training.bundle_format import check_bundle
from sightkit.training.run_folder import put_back

FIT = ("--features", "f.h5", "--folds", 2, "--strengths", 0.1, 1.0)
POINTS = ("file.written", "file.synced", "file.renamed", "folder.replaced", "run.start")
KILLS = 100


def standing(run, contents, folder):
    """What the next command finds, once it has brought back what was aside; None: no run."""
    shutil.rmtree(folder, ignore_errors=True)
    if not run.exists():
        return None
    shutil.copytree(run, folder)
    put_back(folder)
    found = contents(folder)
    return found if any(name.startswith("bundle/") for name in found) else None


def is_complete(found, folder):
    """Whether a run is whole: bundle, numbers and report."""
    check_bundle(folder / "bundle")
    return {"metrics.json", "report.html", "config.json", "environment.json"} <= set(found)


def head_of(folder):
    return json.loads((folder / "bundle" / "bundle.json").read_text())["files"]["head.npz"]


def check(work, contents, old, tmp_path):
    found = standing(work.folder / "run", contents, tmp_path / "look")
    if old:
        assert found is not None
        if found != old:
            assert is_complete(found, tmp_path / "look")
    elif found is not None:
        assert is_complete(found, tmp_path / "look")


@pytest.mark.faults
@pytest.mark.parametrize("old", (False, True))
def test_killed_at_a_point_the_same_command_begins_anew(old, work, contents, tmp_path, monkeypatch):
    before = None
    if old:
        shutil.copytree(work.folder / "head", work.folder / "run")
        before = contents(work.folder / "run")
    flags = (*FIT, "--seed", 1, "--output", "run", *(["--overwrite"] if old else []))
    for point in ("file.renamed", "file.written:5", "folder.replaced"):
        monkeypatch.setenv(_faults.CRASH_VARIABLE, point)
        assert work.run("train_logistic", *flags).code == 137
        check(work, contents, before, tmp_path)
        if point == "folder.replaced" and not old:
            break  # the bundle is written last: the run is complete
    monkeypatch.delenv(_faults.CRASH_VARIABLE)
    result = work.run("train_logistic", *flags)
    assert result.code == (0 if old else 2), result.stderr
    assert old or "holds a run already" in result.stderr
    assert head_of(work.folder / "run") == head_of(work.folder / "head")


@pytest.mark.faults
@pytest.mark.parametrize("old", (False, True))
def test_killed_at_every_point(old, work, contents, tmp_path, monkeypatch, capsys):
    tried = 0
    for point in POINTS:
        for times in itertools.count(1):
            shutil.rmtree(work.folder / "run", ignore_errors=True)
            before = None
            if old:
                shutil.copytree(work.folder / "head", work.folder / "run")
                before = contents(work.folder / "run")
            flags = (*FIT, "--seed", 1, "--output", "run", *(["--overwrite"] if old else []))
            monkeypatch.setenv(_faults.CRASH_VARIABLE, f"{point}:{times}")
            code = work.run("train_logistic", *flags).code
            monkeypatch.delenv(_faults.CRASH_VARIABLE)
            if code == 0:
                break
            tried += 1
            assert code == 137
            check(work, contents, before, tmp_path)
            complete = standing(work.folder / "run", contents, tmp_path / "look") is not None
            if not old and not complete:
                assert work.run("train_logistic", *flags).code == 0
    with capsys.disabled():
        print(f" killed at {tried} points, all right")


@pytest.mark.faults
@pytest.mark.parametrize("old", (False, True))
def test_killed_a_hundred_times_the_old_run_stands(old, work, contents, tmp_path, capsys):
    chance, tried, kills, ends = random.Random(old), 0, 0, 0
    flags = (*FIT, "--seed", 1, "--output", "run", *(["--overwrite"] if old else []))
    begun = time.monotonic()
    assert work.run("train_logistic", *FIT, "--output", "timed").code == 0
    seconds = time.monotonic() - begun
    before = None
    if old:
        shutil.copytree(work.folder / "head", work.folder / "run")
        before = contents(work.folder / "run")
    while kills < KILLS:
        tried += 1
        whole = tried % 10 == 0  # each tenth comes to its end
        limit = {} if whole else {"seconds": chance.uniform(0.05, 1.0) * seconds}
        result = work.run("train_logistic", *flags, **limit)
        if result.code == -14:
            kills += 1
        check(work, contents, before, tmp_path)
        if result.code == 2:
            assert not old and "holds a run already" in result.stderr, result.stderr
        elif result.code == 0:
            ends += 1
            assert head_of(work.folder / "run") == head_of(work.folder / "head")
        if result.code in (0, 2):
            left = [path.name for path in (work.folder / "run").iterdir()]
            assert not [name for name in left if re.match(r"\\.(?!lock)", name)], left
            if old:
                before = contents(work.folder / "run")
            else:
                shutil.rmtree(work.folder / "run")
    with capsys.disabled():
        print(f" {kills} kills, all right; {ends} times to the end")
