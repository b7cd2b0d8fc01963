"""Links under names that are ours: none is followed, nothing behind one is changed or shown."""

from __future__ import annotations

import base64

import pytest

TRAIN = ("--smoke", "--epochs", 4, "--data", "digits.h5")
RESUME = ("train_lenet_digits", *TRAIN, "--output", "half", "--resume")
FIT = ("train_logistic", "--features", "f.h5", "--folds", 2, "--strengths", 0.1, "--overwrite")
HEAD = (*FIT, "--output", "head")
MODEL = ("--model", "minivggnet", "--random-weights", "--data", "photos")
EXTRACT = ("extract_features", *MODEL, "--output", "g.h5")
BUILD = ("build_folder", "--data", "photos", "--output", "d.h5")
EVALUATE = ("evaluate", "--bundle", "lenet/bundle", "--data", "digits.h5", "--output", "judged")
SEARCH = ("search", "train_lenet_digits", "--smoke", "--trials", 1, "--output", "search")
PREDICT = ("predict", "--bundle", "lenet/bundle", "lenet/bundle/canary.png", "--overwrite")
FILES = {
    RESUME: """.lock curves.png history.csv config.json environment.json metrics.json report.html
        checkpoints/best.weights.h5 checkpoints/plan.json checkpoints/epoch-00002.npz .bundle.lock
        updates.csv mistakes.png""",
    HEAD: ".lock curves.png config.json metrics.json .bundle.lock report.html",
    EVALUATE: """ensemble.png curves.png .lock metrics.json mistakes.csv config.json
        environment.json report.html confusion_matrix.png""",
    EXTRACT: """.g.h5.lock g.h5.partial g.h5.partial.journal g.h5.partial.header
        g.h5.left_out.csv""",
    BUILD: ".d.h5.lock d.h5.partial d.h5.partial.header d.left_out.csv",
    SEARCH: "journal.log preparation.log .claim.lock settings.json",
}
FOLDERS = {
    RESUME: ".replaced bundle .bundle.partial.bundle .bundle.replaced",
    HEAD: ".replaced bundle .bundle.partial.bundle checkpoints",
}
WHERE = {RESUME: "half", HEAD: "head", EVALUATE: "judged", SEARCH: "search"}
SECRET = b"-----BEGIN KEY----- of the user, and of nobody else " * 4
QUICK = {(HEAD, "curves.png"), (EXTRACT, "g.h5.partial")}


def tries(table):
    for command, names in table.items():
        for name in names.split():
            mark = pytest.mark.slow if (command, name) in QUICK else pytest.mark.faults
            yield pytest.param(command, name, marks=mark, id=f"{command[0]}-{name}")


def plant(work, command, name, target):
    folder = work.folder / WHERE.get(command, "")
    link = folder / name
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_dir() and not link.is_symlink():
        link.rename(work.folder / "moved away")
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def shown(work, but):
    """Files that hold the secret, as it is or as a page embeds it."""
    parts = SECRET[3:60], base64.b64encode(SECRET)[:60]
    files = [path for path in work.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if path != but and any(p in path.read_bytes() for p in parts)]


@pytest.mark.parametrize(("command", "name"), [*tries(FILES)])
def test_a_link_to_a_file_is_not_followed(command, name, work):
    victim = work.folder / "victim.txt"
    victim.write_bytes(SECRET)
    if command is EVALUATE:
        assert work.run(*EVALUATE).code == 0
    plant(work, command, name, victim)
    work.run(*command)
    assert victim.read_bytes() == SECRET
    assert not shown(work, victim)


@pytest.mark.faults
@pytest.mark.parametrize(("command", "name"), [*tries(FOLDERS)])
def test_a_link_to_a_folder_is_not_followed(command, name, work, contents):
    victim = work.folder / "victim"
    (victim / "bundle").mkdir(parents=True)
    for each in ("config.json", "metrics.json", "thesis.tex", "bundle/thesis.tex", "epoch-1.npz"):
        (victim / each).write_bytes(SECRET)
    before = contents(victim)
    plant(work, command, name, victim)
    work.run(*command)
    assert contents(victim) == before


@pytest.mark.faults
@pytest.mark.parametrize("flag", (("--output", "out.csv"), ("--output", "out.json")))
def test_a_link_that_the_user_names_is_followed_to_a_file(flag, work):
    target = work.folder / f"elsewhere{flag[1][3:]}"
    target.write_text("old")
    (work.folder / flag[1]).symlink_to(target)
    assert work.run(*PREDICT, *flag).code == 0
    assert (work.folder / flag[1]).is_symlink() and target.read_text() != "old"
    (work.folder / flag[1]).unlink()
    (work.folder / flag[1]).symlink_to("/dev/null")
    assert work.run(*PREDICT, *flag).code == 2
