"""``--overwrite`` that is stopped, or aims at something else: what was there is there."""

from __future__ import annotations

import shutil

import h5py
import pytest

from sightkit.training.run_folder import put_back

FIT = ("train_logistic", "--features", "f.h5", "--folds", 2, "--strengths", 0.1)
TRAIN = ("train_lenet_digits", "--smoke", "--epochs", 2, "--data", "digits.h5")
MODEL = ("--model", "minivggnet", "--random-weights", "--data", "photos")
EXTRACT = ("extract_features", *MODEL)
EVALUATE = ("evaluate", "--bundle", "lenet/bundle", "--data", "digits.h5")
ENSEMBLE = ("ensemble", "train_lenet_digits", "--flags=--data digits.h5 --epochs 1")
SEARCH = ("search", "train_lenet_digits", "--smoke", "--trials", 1)
ONTO_OTHERS = (
    (*FIT, "--output", "lenet", "--overwrite"),
    (*FIT, "--output", "half", "--overwrite"),
    (*TRAIN, "--output", "head", "--overwrite"),
    *((*command, "--output", "own", *more) for command, more in (
        (FIT, ["--overwrite"]), (TRAIN, ["--overwrite"]), (TRAIN, ["--resume"]),
        (EVALUATE, []), (ENSEMBLE, []), (SEARCH, []),
        (("import_network", "--smoke"), ["--overwrite"]),
    )),
    *((*command, "--output", "lenet") for command in (EVALUATE, ENSEMBLE, SEARCH)),
    (*FIT, "--output", "with_thesis", "--overwrite"),
    (*TRAIN, "--output", "with_photos", "--overwrite"),
    ("import_network", "--smoke", "--output", "with_thesis/bundle", "--overwrite"),
    ("import_network", "--smoke", "--output", "lenet", "--overwrite"),
    (*FIT, "--output", "f.h5", "--overwrite"),
    (*EXTRACT, "--output", "lenet", "--overwrite"),
    ("predict", "--bundle", "lenet/bundle", "lenet/bundle/canary.png", "--output", "own/a.json"),
)  # fmt: skip


@pytest.mark.faults
@pytest.mark.parametrize(
    "command",
    [pytest.param(each, id=" ".join(map(str, (each[0], *each[-3:])))) for each in ONTO_OTHERS],
)
def test_what_is_not_its_own_is_not_touched(command, work, contents):
    own = work.folder / "own"
    (own / "bundle").mkdir(parents=True)
    (own / "data").mkdir()
    (own / "checkpoints").mkdir()
    (own / "trials").mkdir()
    names = ("config.json", "metrics.json", "a.json", "ensemble.json", "settings.json")
    for name in (*names, "bundle/bundle.json", "data/data.h5", "checkpoints/epoch-00001.npz"):
        (own / name).write_text('{"mine": true}')
    (own / "bundle" / "thesis.tex").write_text("mine")
    shutil.copytree(work.folder / "head", work.folder / "with_thesis")
    (work.folder / "with_thesis" / "bundle" / "thesis.tex").write_text("mine")
    shutil.copytree(work.folder / "lenet", work.folder / "with_photos")
    (work.folder / "with_photos" / "checkpoints" / "mine").mkdir()
    (work.folder / "with_photos" / "checkpoints" / "mine" / "cat.jpg").write_text("mine")
    before = contents(work.folder)
    result = work.run(*command)
    assert result.code == 2, result.stdout
    assert contents(work.folder) == before


@pytest.mark.faults
@pytest.mark.parametrize("name", ("data", "checkpoints", "trials", ".hidden", "notes.txt"))
@pytest.mark.parametrize("command", (FIT, TRAIN, EVALUATE, ENSEMBLE, SEARCH))
def test_a_folder_with_a_single_thing_of_the_user_is_his(command, name, work, contents):
    (work.folder / "own").mkdir()
    path = work.folder / "own" / name
    path.write_text("mine") if name == "notes.txt" else path.mkdir()
    if path.is_dir():
        (path / "thesis.tex").write_text("mine")
    before = contents(work.folder)
    assert work.run(*command, "--output", "own").code == 2
    assert contents(work.folder) == before


def with_nan(work):
    with h5py.File(work.folder / "f.h5", "r+") as file:
        file["features"][0, 0] = float("nan")
    return {}


def no_folds(work):
    return {"--folds": 500}


def network_gone(work):
    with h5py.File(work.folder / "f.h5", "r+") as file:
        file.attrs["recipe"] = file.attrs["recipe"].replace("minivggnet", "minivggnetz")
    return {}


@pytest.mark.faults
@pytest.mark.parametrize("spoil", (with_nan, no_folds, network_gone))
def test_an_overwrite_that_is_refused_leaves_the_old_run(spoil, work, contents):
    before = contents(work.folder / "head")
    flags = dict(zip(FIT[1::2], FIT[2::2], strict=True)) | spoil(work)
    words = [word for pair in flags.items() for word in pair]
    assert work.run("train_logistic", *words, "--output", "head", "--overwrite").code == 2
    assert contents(work.folder / "head") == before


@pytest.mark.faults
@pytest.mark.parametrize("seconds", [0.5 + 0.3 * step for step in range(12)])
def test_an_overwrite_that_is_killed_leaves_the_old_run_or_the_new(seconds, work, contents):
    before = contents(work.folder / "lenet")
    command = (*TRAIN, "--output", "lenet", "--seed", 5, "--overwrite")
    killed = work.run(*command, seconds=seconds)
    assert killed.code in (0, -14)
    looked = shutil.copytree(work.folder / "lenet", work.folder / "look")
    put_back(looked)
    found = contents(looked)
    assert found == before or b'"seed": 5' in found["config.json"]
    if found != before:  # it had begun: an epoch of it is finished, and it is resumed
        assert any(name.startswith("checkpoints/epoch") for name in found)
        again = work.run(*(each for each in command if each != "--overwrite"), "--resume")
        assert again.code == 0, again.stderr
