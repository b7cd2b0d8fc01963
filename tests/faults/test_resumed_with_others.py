"""A run that is resumed with something else than it was begun with: equal, refused, or told."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import h5py
import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "train_lenet_digits.py"
TRAIN = ("--smoke", "--epochs", 4, "--data", "digits.h5", "--output", "half", "--resume")
EQUAL, REFUSED, TOLD = "equal", "refused", "told"


def nothing(work):
    pass


def data_moved(work):
    (work.folder / "digits.h5").rename(work.folder / "moved.h5")
    return {"--data": "moved.h5"}


def data_by_link(work):
    (work.folder / "digits.h5").rename(work.folder / "moved.h5")
    (work.folder / "digits.h5").symlink_to("moved.h5")


def data_changed(work):
    with h5py.File(work.folder / "digits.h5", "r+") as file:
        file["images"][3, 4, 5] = 255 - file["images"][3, 4, 5]


def data_of_another(work):
    flags = ("--smoke", "--epochs", 1, "--data", "other.h5", "--output", "other", "--size", 20)
    assert work.run("train_lenet_digits", *flags).code == 0
    return {"--data": "other.h5"}


def folder_moved(work):
    (work.folder / "half").rename(work.folder / "elsewhere")
    return {"--output": "elsewhere"}


def folder_by_link(work):
    (work.folder / "half").rename(work.folder / "elsewhere")
    (work.folder / "half").symlink_to("elsewhere")


def newest(work):
    return max((work.folder / "half" / "checkpoints").glob("epoch-*.npz"))


def checkpoint_of_another(work):
    flags = ("--smoke", "--epochs", 4, "--data", "digits.h5", "--output", "other", "--seed", 2)
    assert work.run("train_lenet_digits", *flags).code == 0
    for path in (work.folder / "half" / "checkpoints").glob("epoch-*.npz"):
        path.unlink()
    for path in (work.folder / "other" / "checkpoints").glob("epoch-*.npz"):
        shutil.copy(path, work.folder / "half" / "checkpoints")


def checkpoint_renamed(work):
    newest(work).rename(newest(work).with_name("epoch-00003.npz"))


def checkpoint_copied(work):
    shutil.copy(newest(work), newest(work).with_name("epoch-99999.npz"))


def checkpoint_cut(work):
    newest(work).write_bytes(newest(work).read_bytes()[:1000])


def checkpoints_cut(work):
    for path in (work.folder / "half" / "checkpoints").glob("epoch-*.npz"):
        path.write_bytes(b"")


def config_edited(work):
    path = work.folder / "half" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"batch_size": 16}))


def config_of_another_kind(work):
    path = work.folder / "half" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"epochs": "many"}))


def environment_damaged(work):
    (work.folder / "half" / "environment.json").write_text('{"backend": 3}')


def threads(work):
    os.environ["TF_NUM_INTRAOP_THREADS"] = "7"  # given back by the test


def edited(old, new):
    def change(work):
        script = work.folder / SCRIPT.name
        text = SCRIPT.read_text()
        assert old in text
        script.write_text(text.replace(old, new))
        return {"script": script.with_suffix("")}

    change.__name__ = f"script_{new}"
    return change


def flag(name, value):
    def change(work):
        return {name: value}

    change.__name__ = f"flag{name}"
    return change


CASES = (
    (nothing, EQUAL),
    (data_moved, EQUAL),
    (data_by_link, EQUAL),
    (data_changed, REFUSED),
    (data_of_another, REFUSED),
    (folder_moved, EQUAL),
    (folder_by_link, EQUAL),
    (checkpoint_of_another, REFUSED),
    (checkpoint_renamed, REFUSED),
    (checkpoint_copied, REFUSED),
    (checkpoint_cut, EQUAL),
    (checkpoints_cut, EQUAL),
    (config_edited, REFUSED),
    (config_of_another_kind, REFUSED),
    (environment_damaged, REFUSED),
    (edited("rotation=10", "rotation=40"), TOLD),
    (edited("zoom=0.1", "zoom=0.3"), TOLD),
    (edited("CosineDecay(config", "CosineDecay(2 * config"), TOLD),
    (edited("Test images", "Images of the test"), TOLD),
    (edited("keras.optimizers.Adam(", "keras.optimizers.SGD("), REFUSED),
    (edited("zoo.LeNet(data.image_shape", "zoo.MLP(data.image_shape"), REFUSED),
    (flag("--seed", 2), REFUSED),
    (flag("--batch-size", 16), REFUSED),
    (flag("--learning-rate", 0.1), REFUSED),
    (flag("--precision", "bfloat16"), REFUSED),
    (flag("--epochs", 3), REFUSED),
    (flag("--size", 20), REFUSED),
)
REPORTED = {"environment.json", "history.csv", "history.json"}
"""What a resume writes before its first batch."""


def weights(folder):
    return json.loads((folder / "bundle" / "bundle.json").read_text())["weights_sha256"]


@pytest.mark.faults
@pytest.mark.parametrize(
    ("change", "expected"),
    [pytest.param(*case, id=case[0].__name__) for case in CASES],
)
def test_a_resume_with_something_else(change, expected, work, contents):
    changed = change(work) or {}
    script = str(changed.pop("script", "train_lenet_digits"))
    flags = dict(zip(TRAIN[1:-1:2], TRAIN[2:-1:2], strict=True)) | changed
    before = contents(work.folder / "half")
    command = ("--smoke", *(word for pair in flags.items() for word in pair), "--resume")
    result = work.run(script, *command)
    if expected == REFUSED:
        assert result.code == 2, result.stdout
        kept = contents(work.folder / "half")
        lost = {name for name in before if kept.get(name) != before[name]}
        assert lost <= REPORTED, lost
        return
    assert result.code == 0, result.stderr
    told = [line for line in result.stderr.splitlines() if "was edited since" in line]
    assert len(told) == (expected == TOLD), result.stderr
    if expected == EQUAL or "Images" in change.__name__:
        run = work.folder / changed.get("--output", "half")
        assert weights(run) == weights(work.folder / "lenet")
