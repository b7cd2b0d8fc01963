"""The flags, the data and the report that all build scripts share."""

from __future__ import annotations

import csv
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.io import BuildConfig, DatasetFile, FolderDataset, write_png
from sightkit.preprocessing import Pipeline, SimplePreprocessor

CHAIN = Pipeline((SimplePreprocessor(4, 3),))


@dataclass(frozen=True)
class Config(BuildConfig):
    test_data: ClassVar[str] = "pictures"

    data: Path = Path("pictures")
    output: Path = Path("pictures.h5")


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("apple", "pear", "plum"):
        for number in range(20):
            path = tmp_path / "pictures" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_png(path, rng.integers(0, 256, (6, 8, 3)).astype(np.uint8))
    (tmp_path / "pictures" / "apple" / "notes\n.txt").write_text("mine")
    return tmp_path / "pictures"


def build(config):
    with config.folder() as folder:
        return config.build(FolderDataset(folder), CHAIN)


def test_the_report_says_what_the_file_holds(pictures, tmp_path, capsys):
    result = build(Config(data=pictures, output=tmp_path / "out.h5"))
    file = DatasetFile.open(tmp_path / "out.h5")
    assert result["images"] == file.shape[0] == 60
    assert result["shape"] == [3, 4, 3]
    assert result["classes"] == {"apple": 20, "pear": 20, "plum": 20}
    assert result["splits"] == {"train": 36, "validation": 9, "test": 15}
    assert result["mean"] == pytest.approx(file.memmap()[:36].mean((0, 1, 2)), abs=1e-3)
    assert result["bytes"] == (tmp_path / "out.h5").stat().st_size
    assert result["sha256"] == file.sha256
    assert result["left_out"] == 1
    told = capsys.readouterr().out
    for words in (
        "60 of 3x4x3, RGB",
        "3: apple 20, pear 20, plum 20",
        "train 36, validation 9, test 15",
        "left out  1: 1 no image, by its content",
        "out.h5",
    ):
        assert words in told
    with open(tmp_path / "out.h5.left_out.csv", newline="") as file:
        assert list(csv.reader(file)) == [
            ["path", "reason", "sha256", "kind"],
            ["apple/notes\n.txt", "no image, by its content", "", "left out"],
        ]


@pytest.mark.parametrize("part", (1, 2))
@pytest.mark.parametrize("few", (1, 2))
def test_a_class_too_small_for_three_splits_has_ways_on(few, part, pictures, tmp_path):
    for number in range(few, 20):
        (pictures / "plum" / f"{number}.png").unlink()
    config = Config(data=pictures, output=tmp_path / "out.h5")
    with pytest.raises(SightkitError, match=r"plum.*exclude") as refused:
        build(config)
    assert ("0.8 0 0.2" in str(refused.value)) == (few == 2)
    with config.folder() as folder:
        source = FolderDataset(folder, exclude=("plum",))
        assert config.build(source, CHAIN)["images"] == 40
    if few == 2:
        shares = (0.8, 0.2, 0.0) if part == 1 else (0.8, 0.0, 0.2)
        two = Config(data=pictures, output=tmp_path / "two.h5", fractions=shares)
        assert build(two)["splits"].keys() == {"train", "validation" if part == 1 else "test"}


def test_a_list_of_what_was_left_out_does_not_outlive_it(pictures, tmp_path, capsys):
    config = Config(data=pictures, output=tmp_path / "out.h5", overwrite=True)
    build(config)
    (pictures / "apple" / "notes\n.txt").unlink()
    assert build(config)["left_out"] == 0
    assert not (tmp_path / "out.h5.left_out.csv").exists()
    assert "left out  nothing" in capsys.readouterr().out


def test_many_classes_are_told_by_the_smallest_and_the_largest(pictures, tmp_path, capsys):
    for number in range(9):
        shutil.copytree(pictures / "pear", pictures / f"pear {number}")
        for path in (pictures / f"pear {number}").iterdir():
            image = np.random.default_rng(hash(str(path)) % 2**32).integers(0, 256, (6, 8, 3))
            write_png(path, image.astype(np.uint8))
    build(Config(data=pictures, output=tmp_path / "a.h5"))
    assert "12: 20 images each" in capsys.readouterr().out
    for number in range(10):
        (pictures / "plum" / f"{number}.png").unlink()
    build(Config(data=pictures, output=tmp_path / "b.h5"))
    assert "12: from 10 (plum) to 20 images (apple)" in capsys.readouterr().out


def test_an_archive_gives_its_folders_data_and_leaves_nothing(pictures, tmp_path):
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as file:
        for path in sorted(pictures.rglob("*")):
            file.write(path, Path("wrapped") / path.relative_to(pictures))
    (tmp_path / "new").mkdir()
    first = build(Config(data=pictures, output=tmp_path / "out.h5"))
    second = build(Config(data=tmp_path / "pictures.zip", output=tmp_path / "new" / "out.h5"))
    assert first["sha256"] == second["sha256"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "out.h5",
        "out.h5.left_out.csv",
    ]


def test_of_an_archive_the_path_inside_is_shown(pictures, tmp_path):
    (pictures / "pear" / "3.png").write_bytes(b"no picture")
    with zipfile.ZipFile(tmp_path / "fruit.zip", "w") as file:
        for path in sorted(pictures.rglob("*.png")):
            file.write(path, Path("wrapped") / path.relative_to(pictures))
    flags = {"data": tmp_path / "fruit.zip", "output": tmp_path / "new" / "out.h5"}
    with pytest.raises(SightkitError, match=r"'pear/3\.png'.*--max-bad 0\.01") as refused:
        build(Config(**flags))
    assert "unpacked" not in str(refused.value)
    assert build(Config(**flags, max_bad=0.1))["left_out"] == 1
    listed = (tmp_path / "new" / "out.h5.left_out.csv").read_text()
    assert "path='pear/3.png'" in listed
    assert "unpacked" not in listed
    with zipfile.ZipFile(tmp_path / "fruit.zip", "w") as file:
        file.write(pictures / "pear" / "1.png", "a/b/1.png")
    with pytest.raises(SightkitError, match=r"two classes.*folder='.*fruit\.zip/a'") as refused:
        build(Config(**flags, overwrite=True))
    assert "unpacked" not in str(refused.value)


def test_the_same_command_again_builds_nothing(pictures, tmp_path, capsys):
    config = Config(data=pictures, output=tmp_path / "out.h5")
    build(config)
    before = (tmp_path / "out.h5").stat().st_mtime_ns
    build(config)
    assert (tmp_path / "out.h5").stat().st_mtime_ns == before
    assert "exists already" in capsys.readouterr().out
    with pytest.raises(SightkitError, match="another recipe: split_seed"):
        build(Config(data=pictures, output=tmp_path / "out.h5", split_seed=1))


def test_changed_data_is_one_line_with_the_flags_that_help(pictures, tmp_path):
    config = Config(data=pictures, output=tmp_path / "out.h5")
    build(config)
    for name in ("7.png", "8.png"):
        (pictures / "pear" / name).unlink()
    shutil.copytree(pictures / "plum", pictures / "quince")
    with pytest.raises(SightkitError) as refused:
        build(config)
    told = str(refused.value)
    assert told.startswith("The data are not (or no longer) those that the dataset file was built")
    assert "source.classes 3 items, now 4 items; source.files 60, now 78" in told
    assert told.endswith("Give --overwrite to build it anew, or another --output.")
    assert len(told) < 350 + len(str(tmp_path))


@pytest.mark.parametrize(
    ("flags", "told"),
    (
        ({"size": (0,)}, "--size must be height and width"),
        ({"fractions": (0.5, 0.6, -0.1)}, "--fractions must be three shares"),
        ({"fractions": (1.0, 0.0, 0.0)}, "--fractions must be three shares"),
        ({"fractions": (0.0, 0.5, 0.5)}, "--fractions must be three shares"),
        ({"fractions": (0.5, 0.5, 0.5)}, "add up to 1"),
        ({"fractions": (0.5, 0.5)}, "--fractions must be three shares"),
        ({"fractions": ("test=0.5", "train=0.5")}, "train first"),
        ({"fractions": ("train=0.5", "x=0.25", "x=0.25")}, "NAME=SHARE"),
        ({"fractions": ("train=0.5", "=0.5")}, "NAME=SHARE"),
        ({"fractions": ("train=half", "test=0.5")}, "NAME=SHARE"),
        ({"fractions": ("train=nan", "test=0.5")}, "NAME=SHARE"),
        ({"fractions": ("train=0.5", 0.5)}, "NAME=SHARE"),
        ({"split_seed": -1}, "--split-seed must be between"),
        ({"output": Path("x.png")}, r"must end in .h5 or .hdf5.*For example x\.h5"),
        ({"output": Path()}, "one file, and this is a folder"),
    ),
)
def test_flags_are_checked_before_any_work(flags, told):
    with pytest.raises(SightkitError, match=told):
        Config(**flags)


def test_splits_of_any_names_are_built(pictures, tmp_path):
    shares = ("train=0.6", "validation=0.1", "calibration=0.1", "test=0.2")
    result = build(Config(data=pictures, output=tmp_path / "four.h5", fractions=shares))
    assert result["splits"] == {"train": 36, "validation": 6, "calibration": 6, "test": 12}
    numbers = build(Config(data=pictures, output=tmp_path / "a.h5", fractions=(0.6, 0.2, 0.2)))
    named = ("train=0.6", "validation=0.2", "test=0.2")
    assert (
        named
        and numbers["sha256"]
        == (build(Config(data=pictures, output=tmp_path / "b.h5", fractions=named))["sha256"])
    )


def test_data_that_is_not_there_or_no_archive_is_refused(tmp_path):
    (tmp_path / "text.zip").write_text("<html>Please log in</html>")
    for name, told in (("nowhere", "Check --data"), ("text.zip", "zip, tar, tar.gz")):
        with pytest.raises(SightkitError, match=told):
            build(Config(data=tmp_path / name, output=tmp_path / "out.h5"))
    assert [path.name for path in tmp_path.iterdir()] == ["text.zip"]


def test_other_data_stand_in_for_the_default_only(pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pictures.rename("kept by Keras")
    otherwise = lambda: tmp_path / "kept by Keras"  # noqa: E731
    with Config().folder(otherwise) as folder:
        assert folder == tmp_path / "kept by Keras"
    with (
        pytest.raises(SightkitError, match="Check --data"),
        Config(data=Path("x")).folder(otherwise),
    ):
        pass


def test_a_smoke_run_takes_test_data_or_samples_to_its_own_file(pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIGHTKIT_TEST_DATA", str(tmp_path))
    config = Config(smoke=True)
    assert (config.output, config.overwrite) == (Path("pictures-smoke.h5"), True)
    assert list(build(config)["classes"]) == ["apple", "pear", "plum"]
    for without in (str(tmp_path / "nothing"), ""):
        monkeypatch.setenv("SIGHTKIT_TEST_DATA", without)
        assert build(config)["classes"] == {"china": 12, "flower": 12}
    with Config(smoke=True, data=pictures).folder() as folder:
        assert folder == pictures
    assert Config(smoke=True, output=Path("mine.h5")).overwrite is False
