"""What may not be read or written: one line, before the work wherever that can be known."""

from __future__ import annotations

import os

import pytest

FIT = ("train_logistic", "--features", "f.h5", "--folds", 2, "--strengths", 0.1)
TRAIN = ("train_lenet_digits", "--smoke", "--epochs", 4, "--data", "digits.h5")
RESUME = (*TRAIN, "--output", "half", "--resume")
MODEL = ("--model", "minivggnet", "--random-weights", "--data", "photos")
EXTRACT = ("extract_features", *MODEL)
BUILD = ("build_folder", "--data", "photos")
EVALUATE = ("evaluate", "--bundle", "lenet/bundle", "--data", "digits.h5")
PREDICT = ("predict", "--bundle", "head/bundle", "photos/china/1.png")
READ_ONLY, CLOSED, FILE_CLOSED, FILE_READ_ONLY = 0o555, 0, 0, 0o444
CASES = (
    *((command, "shut", READ_ONLY) for command in (
        (*FIT, "--output", "shut/run"), (*TRAIN, "--output", "shut/run"),
        (*EXTRACT, "--output", "shut/f.h5"), (*BUILD, "--output", "shut/d.h5"),
        (*EVALUATE, "--output", "shut/judged"), (*PREDICT, "--output", "shut/a.csv"),
        ("import_network", "--smoke", "--output", "shut/bundle"),
        ("inspect_model", "lenet", "--output", "shut/a.txt"),
        ("ensemble", "train_lenet_digits", "--smoke", "--output", "shut/ens"),
        ("search", "train_lenet_digits", "--smoke", "--output", "shut/search"),
    )),
    *((command, "shut", CLOSED) for command in (
        (*FIT, "--output", "shut/run"), (*TRAIN, "--output", "shut/run"),
        (*EXTRACT, "--output", "shut/f.h5"), (*BUILD, "--output", "shut/d.h5"),
        (*EVALUATE, "--output", "shut/judged"), (*PREDICT, "--output", "shut/a.csv"),
        ("evaluate", "--bundle", "shut", "--data", "digits.h5"),
        ("build_folder", "--data", "shut", "--output", "d.h5"),
        ("predict", "--bundle", "shut", "photos/china/1.png"),
        ("verify_dataset", "--data", "shut/d.h5"),
    )),
    (FIT, "f.h5", FILE_CLOSED),
    ((*FIT, "--output", "head", "--overwrite"), "head", READ_ONLY),
    ((*FIT, "--output", "head", "--overwrite"), "head", CLOSED),
    ((*FIT, "--output", "head", "--overwrite"), "head/bundle", READ_ONLY),
    ((*FIT, "--output", "head", "--overwrite"), "head/bundle", CLOSED),
    ((*FIT, "--output", "head", "--overwrite"), "head/config.json", FILE_CLOSED),
    ((*FIT, "--output", "head", "--overwrite"), "head/metrics.json", FILE_READ_ONLY),
    ((*TRAIN, "--output", "new"), "digits.h5", FILE_CLOSED),
    (RESUME, "half", READ_ONLY),
    (RESUME, "half", CLOSED),
    (RESUME, "half/checkpoints", READ_ONLY),
    (RESUME, "half/checkpoints", CLOSED),
    (RESUME, "half/checkpoints/epoch-00002.npz", FILE_CLOSED),
    (RESUME, "half/checkpoints/best.weights.h5", FILE_CLOSED),
    (RESUME, "half/checkpoints/plan.json", FILE_CLOSED),
    (RESUME, "half/config.json", FILE_CLOSED),
    (RESUME, "half/environment.json", FILE_CLOSED),
    (RESUME, "half/environment.json", FILE_READ_ONLY),
    (RESUME, "half/history.csv", FILE_READ_ONLY),
    (RESUME, "half/.lock", FILE_READ_ONLY),
    (RESUME, "half/.lock", FILE_CLOSED),
    (RESUME, "digits.h5", FILE_CLOSED),
    ((*EXTRACT, "--output", "g.h5"), "photos", CLOSED),
    ((*EXTRACT, "--output", "g.h5"), "photos/china", CLOSED),
    ((*EXTRACT, "--output", "g.h5"), "photos/china/1.png", FILE_CLOSED),
    ((*EXTRACT, "--output", "f.h5", "--overwrite"), "f.h5", FILE_READ_ONLY),
    ((*BUILD, "--output", "d.h5"), "photos", CLOSED),
    ((*BUILD, "--output", "d.h5"), "photos/china", CLOSED),
    ((*BUILD, "--output", "d.h5"), "photos/china/1.png", FILE_CLOSED),
    (EVALUATE, "lenet/bundle", CLOSED),
    (EVALUATE, "lenet/bundle/bundle.json", FILE_CLOSED),
    (EVALUATE, "lenet/bundle/model.weights.h5", FILE_CLOSED),
    (EVALUATE, "lenet/bundle/canary.png", FILE_CLOSED),
    (EVALUATE, "digits.h5", FILE_CLOSED),
    (PREDICT, "head/bundle/head.npz", FILE_CLOSED),
    (PREDICT, "head/bundle/network-0.weights.h5", FILE_CLOSED),
    (PREDICT, "photos/china/1.png", FILE_CLOSED),
    (PREDICT, "photos/china", CLOSED),
    (PREDICT, "cache", READ_ONLY),
    (PREDICT, "cache", CLOSED),
    (RESUME, "cache", CLOSED),
    (("verify_dataset", "--data", "digits.h5"), "digits.h5", FILE_CLOSED),
)  # fmt: skip
DONE_WITHOUT = {"cache", "half/checkpoints/epoch-00002.npz", "half/checkpoints/best.weights.h5"}
"""What is made anew, or an older one is taken, which is reported."""
LEFT_OUT = {("extract_features", "photos/china/1.png")}
CHANGED_BY_A_RESUME = {"half/environment.json", "half/history.csv", "half/history.json"}


@pytest.mark.faults
@pytest.mark.parametrize(
    ("command", "name", "mode"),
    [pytest.param(*case, id=f"{case[0][0]}-{case[1]}-{case[2]:o}") for case in CASES],
)
def test_what_is_closed_is_one_line(command, name, mode, work, contents, monkeypatch):
    for each in ("shut", "cache"):
        (work.folder / each).mkdir()
    if name == "cache":
        monkeypatch.setenv("XDG_CACHE_HOME", str(work.folder / "cache"))
    path = work.folder / name
    path.exists() or path.touch()
    before = contents(work.folder)
    usual = path.stat().st_mode
    path.chmod(mode)
    try:
        result = work.run(*command, root=False)
    finally:
        os.path.lexists(path) and path.chmod(usual)
    if result.code == 2:
        after = contents(work.folder)
        lost = {each for each in before if after.get(each) != before[each]}
        assert lost <= CHANGED_BY_A_RESUME, lost
    elif mode in (CLOSED, FILE_CLOSED):
        assert name in DONE_WITHOUT or (command[0], name) in LEFT_OUT
