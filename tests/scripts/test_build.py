"""The build scripts, run as their users run them."""

from __future__ import annotations

import re
import runpy
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.io import DatasetFile, read_image, write_png
from sightkit.io.sources.sample_photos import write_sample_photos

SCRIPTS = Path(__file__).parents[2] / "scripts"
NAMES = sorted(path.stem for path in SCRIPTS.glob("build_*.py"))


def run(name, **flags):
    module = runpy.run_path(str(SCRIPTS / f"{name}.py"))
    return module["main"](module["Config"](**flags))


def test_all_data_sets_have_a_script():
    wanted = "animals caltech101 cifar10 dogs_vs_cats flowers17 folder smiles tiny_imagenet"
    assert set(NAMES) >= {f"build_{name}" for name in wanted.split()}


@pytest.mark.parametrize("name", NAMES)
def test_a_script_is_short_and_names_its_source(name):
    text = (SCRIPTS / f"{name}.py").read_text()
    assert len(text.splitlines()) <= 60
    assert f"python scripts/{name}.py --data" in text


@pytest.mark.parametrize("name", NAMES)
def test_a_smoke_run_needs_no_data(name, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("SIGHTKIT_TEST_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    result = run(name, smoke=True)
    file = DatasetFile.open(result["output"])
    assert file.shape[0] == result["images"] > 10
    assert file.path.stem.endswith("-smoke")
    assert {*(tmp_path / "datasets").iterdir()} == {
        tmp_path / path for path in (file.path, *file.files)
    }
    assert "images" in capsys.readouterr().out


@pytest.mark.slow
def test_a_folder_without_images_is_one_line(script, tmp_path):
    (tmp_path / "empty").mkdir()
    for data in ("empty", "missing"):
        told = script("build_folder", "--data", data, "--output", "x.h5", cwd=tmp_path)
        assert (told.code, told.stdout) == (2, "")
        assert len(told.stderr.splitlines()) == 1
        assert told.heavy == ""
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_options_of_build_folder(tmp_path):
    write_sample_photos(tmp_path / "in", "folders")
    shutil.copytree(tmp_path / "in" / "china", tmp_path / "in" / "again")
    result = run(
        "build_folder",
        data=tmp_path / "in",
        output=tmp_path / "out.h5",
        exclude=("again",),
        fit="stretch",
        grey=True,
        size=20,
    )
    assert result["shape"] == [20, 20, 1]
    assert result["left_out"] == 12
    assert result["classes"] == {"china": 12, "flower": 12}
    (step, resize) = DatasetFile.open(result["output"]).preprocessing["steps"]
    assert (step["name"], resize["name"]) == ("GrayscalePreprocessor", "SimplePreprocessor")


@pytest.mark.slow
def test_flowers_are_told_by_their_number_as_published(tmp_path):
    """17 x 80 tiny pictures in the archive's own layout; the shade is the flower's place in it."""
    folder = tmp_path / "jpg"
    folder.mkdir()
    for number in range(1, 1361):
        image = np.full((2, 2, 3), (number - 1) // 80, np.uint8)
        image[0, 0, :2] = divmod(number, 256)
        write_png(folder / f"image_{number:04}.jpg", image)  # a PNG by content, which is read
    with tarfile.open(tmp_path / "17flowers.tgz", "w:gz") as file:
        file.add(folder, "jpg")
    result = run(
        "build_flowers17", data=tmp_path / "17flowers.tgz", output=tmp_path / "x.h5", size=2
    )
    assert result["images"] == 1360
    file = DatasetFile.open(result["output"])
    order = "daffodil snowdrop lilyvalley bluebell crocus iris tigerlily tulip fritillary"
    order += " sunflower daisy coltsfoot dandelion cowslip buttercup windflower pansy"
    places = file.memmap()[:, 1, 1, 0]
    assert [file.class_names[label] for label in file.labels] == [
        order.split()[place] for place in places
    ]


def test_the_background_of_caltech_is_left_out_unless_asked_for(tmp_path):
    names = runpy.run_path(str(SCRIPTS / "build_caltech101.py"))["CLASSES"]
    assert len(set(names)) == 101
    data = tmp_path / "101_ObjectCategories"
    for place, name in enumerate((*names, "BACKGROUND_Google")):
        (data / name).mkdir(parents=True)
        for number in range(3):
            image = np.full((2, 2, 3), (place, number, 0), np.uint8)
            write_png(data / name / f"image_{number:04}.jpg", image)
    flags = {"data": tmp_path, "size": 2}
    result = run("build_caltech101", output=tmp_path / "a.h5", **flags)
    assert tuple(result["classes"]) == names
    assert result["left_out"] == 3
    result = run("build_caltech101", output=tmp_path / "b.h5", background=True, **flags)
    assert sorted(result["classes"]) == sorted((*names, "BACKGROUND_Google"))


@pytest.mark.parametrize(
    "name",
    (
        "animals",
        "dogs_vs_cats",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("caltech101", "flowers17", "smiles")),
    ),
)
def test_other_data_than_those_of_a_script_are_refused(name, script, tmp_path):
    write_sample_photos(tmp_path, "names" if name == "dogs_vs_cats" else "folders")
    flags = ("--data", tmp_path, "--output", tmp_path / "x.h5")
    for more in ((), ("--smoke",)):
        told = script(f"build_{name}", *flags, *more)
        assert (told.code, told.stdout) == (2, "")
        *notice, refusal = told.stderr.splitlines()
        assert len(notice) == len(more)  # that this is a smoke run
        assert "must be those that this script is for" in refusal
        assert "classes='china, flower'" in refusal
    assert not (tmp_path / "x.h5").exists()


def test_a_class_of_the_data_set_may_not_be_missing(tmp_path):
    write_sample_photos(tmp_path)
    (tmp_path / "china").rename(tmp_path / "cats")
    (tmp_path / "flower").rename(tmp_path / "dogs")
    with pytest.raises(SightkitError, match=r"missing='panda'.*build_folder"):
        run("build_animals", data=tmp_path, output=tmp_path / "x.h5")


def test_parts_of_a_data_set_of_ones_own(tmp_path):
    for part in ("train", "test"):
        write_sample_photos(tmp_path / "in" / part, "folders")
        for path in (tmp_path / "in" / part).glob("*/*.png"):
            image = read_image(path)
            write_png(path, 255 - image if part == "test" else image)
    result = run(
        "build_folder", data=tmp_path / "in", output=tmp_path / "x.h5", layout="splits", size=8
    )
    assert result["classes"] == {"china": 24, "flower": 24}
    assert result["splits"] == {"train": 20, "validation": 4, "test": 24}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "folder", "images", "classes", "test"),
    (
        ("build_folder", "animals", 359, 3, 54),
        pytest.param("build_animals", "animals", 359, 3, 90, marks=pytest.mark.slow),
        ("build_flowers17", "flowers17", 204, 17, 51),
        ("build_dogs_vs_cats", "dogs-vs-cats", 200, 2, 20),
        ("build_tiny_imagenet", "tiny-imagenet-mini", 1100, 10, 500),
        pytest.param("build_smiles", "smiles", 4389, 2, 878, marks=pytest.mark.slow),
    ),
)
def test_real_data(name, folder, images, classes, test, test_data, tmp_path):
    result = run(name, data=test_data / folder, output=tmp_path / "x.h5")
    assert (result["images"], len(result["classes"])) == (images, classes)
    assert result["splits"]["test"] == pytest.approx(test, abs=2)


@pytest.mark.slow
@pytest.mark.parametrize("held", ("splits", "names", "table"))
def test_the_proposed_flag_is_a_next_step_of_build_folder(held, script, tmp_path):
    images = {
        "splits": [f"{p}/{c}/{i}" for p in ("train", "test") for c in "ab" for i in range(3)],
        "names": [f"train/{c}.{i}" for c in ("cat", "dog") for i in range(3)],
        "table": [f"all/{i:x}a" for i in range(6)],
    }[held]
    for number, name in enumerate(images):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        write_png(tmp_path / "in" / f"{name}.png", np.full((4, 4, 3), number, np.uint8))
    if held == "table":
        rows = "".join(f"{i:x}a,{'xy'[i % 2]}\n" for i in range(6))
        (tmp_path / "in" / "all labels.csv").write_text(f"id,kind\n{rows}")
    flags = ("--data", tmp_path / "in", "--output", tmp_path / "x.h5", "--size", 4)
    told = script("build_folder", *flags)
    assert told.code == 2
    step = re.search(r"Give (--\w+=(\"[^\"]*\"|\w+)), which fits", told.stderr)
    assert step, told.stderr
    told = script("build_folder", *flags, step[1].replace('"', ""))
    assert told.code == 0, told.stderr
    told = script("build_animals", *flags)  # it has no such flag
    assert told.code == 2 and "--layout" not in told.stderr and "--labels" not in told.stderr
