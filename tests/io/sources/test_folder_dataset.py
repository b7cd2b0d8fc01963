from __future__ import annotations

import json
import re
import shutil
import unicodedata
from fnmatch import fnmatch

import numpy as np
import pytest

from sightkit import _scripts
from sightkit._errors import SightkitError
from sightkit.io import FolderDataset, build_dataset, write_png
from sightkit.io.sources.folder_scan import scan_folder
from sightkit.preprocessing import Pipeline, SimplePreprocessor

DEEP = ("2024/cats", "2025/x/cats", "2024/dogs", "2024/cats/kittens", "birds/owls")


def draw(root, *names):
    """Pictures that tell themselves apart: the first pixel is the picture's number."""
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_png(root / name, np.full((4, 5, 3), number, np.uint8))
    return root


def taken(source):
    """Name to (class, first pixel)."""
    return {
        source.identify(row): (source.class_names[source.labels[row]], source.read(row)[0, 0, 0])
        for row in range(len(source))
    }


def test_first_folder_is_the_class_and_labels_are_sorted_names(tmp_path):
    draw(tmp_path, "b/1.png", "b/2.png", "ä/1.png", "ä/2.png", "B/deep/er/1.png", "B/2.png")
    source = FolderDataset(tmp_path)()
    assert source.class_names == ("B", "b", "ä")
    assert source.labels.dtype == np.int64
    assert taken(source) == {
        "b/1.png": ("b", 0),
        "b/2.png": ("b", 1),
        "ä/1.png": ("ä", 2),
        "ä/2.png": ("ä", 3),
        "B/deep/er/1.png": ("B", 4),
        "B/2.png": ("B", 5),
    }
    assert source.fixed == ()


def test_images_beside_the_classes_and_excluded_classes_are_told(tmp_path):
    draw(tmp_path, "a/1.png", "a/2.png", "b/1.png", "b/2.png", "c/1.png", "stray.png")
    (tmp_path / "a" / "Thumbs.db").write_bytes(b"")
    (tmp_path / "d").mkdir()
    dataset = FolderDataset(tmp_path, exclude=("c", "d"))
    assert dataset().class_names == ("a", "b")
    assert dict(dataset.left_out) == {
        "stray.png": "in no class folder",
        "c/1.png": "c is excluded",
        "a/Thumbs.db": "no image, by its content",
    }
    assert dataset().lost == 1 and dataset.left_out[0][0] == "stray.png"
    assert dataset().left_out == dataset.left_out
    with pytest.raises(SightkitError, match=r"excluded.*There are a, b, c, d"):
        FolderDataset(tmp_path, exclude=("e",))()


@pytest.mark.parametrize(
    ("names", "classes"),
    (
        (("cat.0.png", "cat.10.png", "dog.0.png", "dog.1.png"), ("cat", "dog")),
        (("cat0.png", "cat1.png", "my dog (1).png", "my dog (2).png"), ("cat", "my dog")),
        (("sub/n01_1.png", "n01_2.png", "n02_1.png", "n02_2.png"), ("n01", "n02")),
        (("a-b-1.png", "a-b-2.png", "%d {}-1.png", "%d {}-2.png"), ("%d {}", "a-b")),
    ),
)
def test_the_class_may_stand_in_the_name(names, classes, tmp_path):
    draw(tmp_path, *names, "17.png", "label.png")
    dataset = FolderDataset(tmp_path, "names")
    assert dataset().class_names == classes
    assert np.bincount(dataset().labels).tolist() == [2, 2]
    assert dict(dataset.left_out) == dict.fromkeys(
        ("17.png", "label.png"), "its name holds no label"
    )


def test_which_names_hold_a_label_is_told(tmp_path):
    dataset = FolderDataset(draw(tmp_path, "n01440764_tench.png", "17.png"), "names")
    with pytest.raises(
        SightkitError, match=r"2 left out: its name holds no label.*then a number: cat\.0\.jpg"
    ):
        dataset()


@pytest.mark.parametrize(("pattern", "told"), (("(", "regular expression"), (".*", "label")))
def test_a_pattern_without_label_is_refused(pattern, told, tmp_path):
    with pytest.raises(SightkitError, match=told):
        FolderDataset(draw(tmp_path, "a.0.png"), "names", pattern=pattern)()


def test_the_class_may_follow_from_the_number(tmp_path):
    draw(tmp_path, *(f"jpg/image_{number:04}.png" for number in range(8)))
    dataset = FolderDataset(tmp_path, "numbers", classes=("tulip", "daisy", "iris"), per_class=2)
    source = dataset()
    assert source.class_names == ("daisy", "iris", "tulip")
    found = {name[-5]: label for name, (label, _) in taken(source).items()}
    assert found == dict(zip("123456", ["tulip"] * 2 + ["daisy"] * 2 + ["iris"] * 2, strict=True))
    assert [name for name, _ in dataset.left_out] == ["jpg/image_0000.png", "jpg/image_0007.png"]


@pytest.mark.parametrize(
    "folders",
    (("test1", "train"), ("test", "train", "val"), ("train", "trainannot", "Test_set"), ("train",)),
)
def test_parts_of_a_data_set_are_no_classes(folders, tmp_path):
    draw(tmp_path, *(f"{folder}/cat.{i}.png" for folder in folders for i in range(2)))
    with pytest.raises(SightkitError, match=r"named like the parts.*one of them as --data"):
        FolderDataset(tmp_path)()
    draw(tmp_path, "trainers/1.png", "trainers/2.png")
    assert "trainers" in FolderDataset(tmp_path)().class_names


@pytest.mark.parametrize("others", (("test",), ("val",), ("valid", "Testing")))
def test_parts_with_class_folders_stay_as_they_are(others, tmp_path):
    parts = ("train", *others)
    root = draw(
        tmp_path / "wrapped",
        *(f"{part}/{name}/{i}.png" for part in parts for name in ("b", "a") for i in range(3)),
        f"{others[0]}/c/1.png",
        "train/stray.png",
        "stray.png",
        "extra/a/1.png",
    )
    with pytest.raises(SightkitError, match=r"Each class must have.*on; 2 left out.*c \(0\)"):
        FolderDataset(root, "splits")()
    dataset = FolderDataset(root, "splits", exclude=("c", "extra"))
    source = dataset()
    assert source.class_names == ("a", "b")
    names = {"val": "validation", "valid": "validation", "Testing": "test"}
    fixed = {name: {source.identify(row) for row in rows} for name, rows in source.fixed}
    assert fixed == {
        names.get(part, part): {f"{part}/{name}/{i}.png" for name in "ab" for i in range(3)}
        for part in parts
    }
    assert all(name.split("/")[1] == label for name, (label, _) in taken(source).items())
    assert dict(dataset.left_out) == {
        f"{others[0]}/c/1.png": "c is excluded",
        "train/stray.png": "in no class folder",
        "stray.png": "in no folder of train, validation or test",
        "extra/a/1.png": "extra is excluded",
    }
    assert source.lost == 2


def test_parts_without_train_or_without_classes_are_refused(tmp_path):
    draw(tmp_path / "x", "test/a/1.png", "test/b/1.png")
    draw(tmp_path / "y", "train/cat.0.png", "train/dog.0.png", "test/1.png")
    for name, told in (("x", "two images at least"), ("y", "none were found.*no class folder")):
        with pytest.raises(SightkitError, match=told):
            FolderDataset(tmp_path / name, "splits")()


@pytest.fixture
def tiny(tmp_path):
    root = draw(
        tmp_path / "tiny-imagenet-2",
        *(f"train/{wnid}/images/{wnid}_{i}.png" for wnid in ("n02", "n01") for i in range(3)),
        *(f"val/images/val_{i}.png" for i in range(4)),
        "test/images/test_0.png",
    )
    (root / "wnids.txt").write_text("n02\nn01\n")
    (root / "words.txt").write_text("n01\tcrane, bird\nn02\tcrane\nn09\tentity\n")
    (root / "val" / "val_annotations.txt").write_text(
        "val_0.png\tn02\t0\t0\t1\t1\nval_1.png\tn01\t0\t0\t1\t1\nval_2.png\tn07\t0\t0\t1\t1\n"
        "val_9.png\tn01\t0\t0\t1\t1\n"
    )
    (root / "train" / "n01" / "n01_boxes.txt").write_text("n01_0.png\t0\t0\t1\t1\n")
    return root


def test_tiny_imagenet_has_words_and_a_test_split_of_its_own(tiny):
    dataset = FolderDataset(tiny.parent, "tiny_imagenet")
    source = dataset()
    assert source.class_names == ("crane (n01)", "crane (n02)")  # sorted by number, not by list
    fixed = {
        name: {source.identify(int(row)): int(source.labels[row]) for row in rows}
        for name, rows in source.fixed
    }
    assert fixed["test"] == {"val/images/val_0.png": 1, "val/images/val_1.png": 0}
    assert len(fixed["train"]) == 6
    assert fixed["train"]["train/n02/images/n02_1.png"] == 1
    assert dict(dataset.left_out) == {
        "val/images/val_2.png": "its class n07 is not among those of train",
        "val/images/val_3.png": "not named in val/val_annotations.txt",
        "val/images/val_9.png": "named in val/val_annotations.txt, not there",
        "test/images/test_0.png": "test images were published without labels",
    }


def test_tiny_imagenet_without_its_tables(tiny):
    (tiny / "words.txt").unlink()
    assert FolderDataset(tiny, "tiny_imagenet")().class_names == ("n01", "n02")
    (tiny / "wnids.txt").write_text("n01\nn02\nn03\n")
    with pytest.raises(SightkitError, match=r"two images at least in train,.*n03 \(0\)"):
        FolderDataset(tiny, "tiny_imagenet")()
    (tiny / "val" / "val_annotations.txt").write_text("val_0.png n02\n")
    with pytest.raises(SightkitError, match="line 1 has no 2 columns"):
        FolderDataset(tiny, "tiny_imagenet")()
    (tiny / "val" / "val_annotations.txt").unlink()
    with pytest.raises(SightkitError, match=r"val_annotations\.txt \(.*No such file"):
        FolderDataset(tiny, "tiny_imagenet")()


@pytest.mark.parametrize(
    ("names", "told"),
    (
        ((), "none were found"),
        (("1.png", "2.png"), "none were found; 2 left out: in no class folder"),
        (("a/1.png", "a/2.png"), "at least two classes"),
        (("a/1.png", "a/2.png", "b/1.png"), r"two images at least.*classes='b \(1\)'"),
        (("a/1.png", "a/2.png", "b/3.png", "b/4.png", "c\nd/"), r"classes='c.*d \(0\)'"),
    ),
)
def test_folders_that_nothing_can_be_learned_from_are_refused(names, told, tmp_path):
    draw(tmp_path, *(name for name in names if not name.endswith("/")))
    for name in names:
        if name.endswith("/"):
            (tmp_path / name).mkdir()
    with pytest.raises(SightkitError, match=told) as refused:
        FolderDataset(tmp_path)()
    assert "\n" not in str(refused.value)


LAYOUTS = {
    "splits": ("train/a/{}.png", "train/b/{}.png", "test/a/{}.png", "test/b/{}.png"),
    "names": ("train/cat.{}.png", "train/dog.{}.png", "test1/{}.png"),
    "folders": ("data/a/{}.png", "data/b/{}.png"),
    "deep": ("train/a/{}.png", "a/b/{}.png", "b/c/{}.png", "b/{}.png"),
}


@pytest.mark.parametrize(
    ("held", "asked"),
    (
        ("splits", "folders"),
        ("splits", "deep"),
        ("splits", "names"),
        ("names", "folders"),
        ("names", "splits"),
        ("folders", "splits"),
        ("folders", "names"),
    ),
)
def test_the_layout_that_fits_is_proposed_and_works(held, asked, tmp_path, monkeypatch):
    draw(tmp_path, *(place.format(i) for place in LAYOUTS[held] for i in range(10, 13)))
    with pytest.raises(
        SightkitError, match=rf"--layout={held}, which fits: \d+ images of \w"
    ) as one:
        FolderDataset(tmp_path, asked)()
    assert str(one.value).count("--layout") == 1
    FolderDataset(tmp_path, held)()
    with pytest.raises(SightkitError) as one:
        FolderDataset(tmp_path, asked, fewest=1)()  # evaluation
    assert "--layout" not in str(one.value)
    monkeypatch.setattr(_scripts, "flags", {"data", "output"})
    with pytest.raises(SightkitError) as one:
        FolderDataset(tmp_path, asked)()
    assert "--layout" not in str(one.value)


def test_a_table_that_fits_is_proposed(tmp_path):
    draw(tmp_path, *(f"all/{i:x}a.png" for i in range(4)))
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "the labels.csv").write_text("id,x\n0a,cat\n1a,dog\n2a,cat\n3a,dog\n")
    with pytest.raises(SightkitError, match=r"--labels=\"the labels\.csv\", which fits: 4 images"):
        FolderDataset(tmp_path)()


def test_what_is_missing_of_a_layout_or_a_table_is_said(tmp_path):
    images = [f"{part}/{c}/{i}.png" for part in ("train", "test") for c in "ab" for i in "12"]
    draw(tmp_path / "x", *images, "train/c/1.png")
    with pytest.raises(
        SightkitError, match=r"--layout=splits, which nearly fits: Each class.*classes='c \(1\)'"
    ):
        FolderDataset(tmp_path / "x")()
    draw(tmp_path / "y", *(f"all/{i:x}a.png" for i in range(4)))
    (tmp_path / "y" / "all.csv").write_text("id,x,y\n0a,cat,f\n1a,dog,m\n2a,cat,f\n3a,dog,f\n")
    with pytest.raises(
        SightkitError, match=r"--labels=\"all\.csv\", which nearly fits: .*--columns id LABEL"
    ):
        FolderDataset(tmp_path / "y")()


@pytest.mark.parametrize("folder", ("x", "data/in/x", ""))
def test_the_folder_that_holds_the_classes_is_found(folder, tmp_path):
    place = f"{folder}/" if folder else ""
    draw(tmp_path, *(f"{place}{c}/{i}.png" for c in "abc" for i in range(2)))
    draw(tmp_path, "more/d/1.png", "sample.png")
    source = FolderDataset(tmp_path, classes=("a", "b"), exclude=("c", "more"))()
    assert (source.class_names, len(source)) == (("a", "b"), 4)
    assert source.lost == 1
    draw(tmp_path, "other/a/1.png", "other/b/1.png")
    with pytest.raises(SightkitError, match=r"several hold all.*folders='.*other"):
        FolderDataset(tmp_path, classes=("a", "b"))()


def test_a_folder_beside_files_of_other_kinds_is_entered(tmp_path):
    draw(tmp_path, *(f"images/{c}/{i}.png" for c in "ab" for i in range(2)), "figure.png")
    (tmp_path / "annotations" / "xml").mkdir(parents=True)
    (tmp_path / "annotations" / "xml" / "1.xml").write_text("<a/>")
    source = FolderDataset(tmp_path)()
    assert (source.class_names, source.lost) == (("a", "b"), 1)
    assert dict(source.left_out) == {
        "figure.png": "outside of images",
        "annotations/xml/1.xml": "no image, by its content",
    }
    (tmp_path / "empty").mkdir()  # this may be a class
    with pytest.raises(SightkitError, match=r"classes='annotations \(0\), empty \(0\)'"):
        FolderDataset(tmp_path)()
    assert FolderDataset(tmp_path, exclude=("empty",))().class_names == ("a", "b")


def test_an_archive_that_lies_in_the_folder_is_named(tmp_path):
    (tmp_path / "101_ObjectCategories.tar.gz").write_bytes(b"")
    with pytest.raises(SightkitError, match=r"give one of them.*101_ObjectCategories"):
        FolderDataset(tmp_path)()


def test_the_config_is_json_with_the_files_but_not_their_folder(tmp_path):
    names = ("a/1.png", "a/2.png", "b/1.png", "b/2.png")
    first = FolderDataset(draw(tmp_path / "x", *names)).to_config()
    assert json.loads(json.dumps(first)) == first
    assert first["classes"] == ["a", "b"]
    assert first["files"] == 4
    assert str(tmp_path) not in json.dumps(first)
    shutil.copytree(tmp_path / "x", tmp_path / "y" / "wrapped")
    assert FolderDataset(tmp_path / "y").to_config() == first

    (tmp_path / "x" / "a" / "1.png").rename(tmp_path / "x" / "a" / "3.png")
    renamed = FolderDataset(tmp_path / "x").to_config()
    assert renamed["sha256"] != first["sha256"]
    with open(tmp_path / "x" / "b" / "1.png", "ab") as file:
        file.write(b"longer")
    assert FolderDataset(tmp_path / "x").to_config()["sha256"] != renamed["sha256"]


def test_the_same_files_under_other_labels_are_another_data_set(tiny):
    first = FolderDataset(tiny, "tiny_imagenet").to_config()
    path = tiny / "val" / "val_annotations.txt"
    text = path.read_text().replace("val_0.png\tn02", "val_0.png\tn01")
    path.write_text(text.replace("val_1.png\tn01", "val_1.png\tn02"))
    assert FolderDataset(tiny, "tiny_imagenet").to_config()["sha256"] != first["sha256"]


def test_a_folder_becomes_a_dataset_file(tmp_path):
    draw(tmp_path / "in", *(f"{name}/{i}.png" for name in ("a\n%", "{b}") for i in range(6)))
    file = build_dataset(
        FolderDataset(tmp_path / "in"),
        tmp_path / "out.h5",
        preprocessors=Pipeline((SimplePreprocessor(5, 4),)),
        fractions={"train": 0.5, "validation": 0.25, "test": 0.25},
    )
    assert file.class_names == ("a\n%", "{b}")
    assert np.array_equal(file.labels, file.memmap()[:, 0, 0, 0] // 6)


@pytest.mark.parametrize("layout", ("folders", "names", "splits"))
def test_composed_and_decomposed_accents_are_one_class(layout, tmp_path):
    for form in (0, 1):
        names = ("épagneul", "e\u0301pagneul")[form], ("Ångström", "A\u030angstro\u0308m")[form]
        for name in names:
            place = {
                "folders": f"{name}/{form}",
                "names": f"{name}.{form}",
                "splits": f"{('train', 'test')[form]}/{name}/{form}",
            }[layout]
            draw(tmp_path, f"{place}1.png", f"{place}2.png")
    source = FolderDataset(tmp_path, layout)()
    assert source.class_names == ("Ångström", "épagneul")
    assert np.bincount(source.labels).tolist() == [4, 4]
    assert all(source.read(row).size for row in range(8))  # names of files stay as they are
    excluding = draw(tmp_path, *(f"train/x/{i}.png" for i in range(2)), "test/x/1.png")
    if layout == "splits":
        names = FolderDataset(excluding, layout, exclude=("e\u0301pagneul",))().class_names
        assert names == ("x", "Ångström")


@pytest.mark.parametrize(
    ("one", "other"),
    (
        ("Cat", "cat"),
        ("wild cat", "wildcat"),
        ("cat", "cat "),
        ("a  b", "a b"),
        ("a\u00a0b", "a b"),
        ("cat", "cat\u200b"),
        ("Straße", "STRASSE"),
        ("École", "e\u0301cole"),
        ("\ufeffcat", "cat"),
        ("ＣＡＴ", "cat"),
    ),
)
@pytest.mark.parametrize("layout", ("folders", "names", "splits"))
def test_names_that_look_the_same_are_refused_with_both_spellings(one, other, layout, tmp_path):
    if layout == "names" and other.endswith(" "):
        return  # there a blank before the number is no part of the label
    for name in (one, other, "dog"):
        for part in ("train", "test"):
            place = f"{name}.1" if layout == "names" else f"{name}/1"
            draw(tmp_path, f"{part}/{place}1.png", f"{part}/{place}2.png")
    root = tmp_path / "train" if layout == "folders" else tmp_path
    with pytest.raises(SightkitError, match="more than case and blanks") as refused:
        FolderDataset(root, layout)()
    assert "dog" not in str(refused.value)
    for name in (one, other):
        assert repr(unicodedata.normalize("NFC", name)) in str(refused.value)


@pytest.mark.parametrize(
    ("one", "other"),
    (
        ("dogs", "dog"),
        ("Horses", "horse"),
        ("puppies", "puppy"),
        ("boxes", "box"),
        ("wolves", "wolf"),
        ("glasses", "glass"),
        ("Dog", "dog"),
        ("guinea pig", "guinea_pigs"),
        ("Hot Dogs", "hotdog"),
        ("wild-cat", "wildcat"),
    ),
)
@pytest.mark.parametrize("folders", (("Training", "Testing"), ("train", "val")))
def test_splits_that_spell_a_class_in_two_ways_name_both(one, other, folders, tmp_path):
    first, second = folders
    draw(tmp_path, *(f"{first}/{name}/{i}.png" for name in (one, "bird") for i in "ab"))
    draw(tmp_path, *(f"{second}/{name}/{i}.png" for name in (other, "bird") for i in "ab"))
    with pytest.raises(SightkitError, match="named alike in all splits") as refused:
        FolderDataset(tmp_path, "splits")()
    said = str(refused.value)
    assert f"{first}/{one}" in said and f"{second}/{other}" in said and "exclude" not in said
    old, new = re.search(rf"rename (.+) to ((?:{first}|{second})/.+); if not", said).groups()
    (tmp_path / old).rename(tmp_path / new)
    assert len(FolderDataset(tmp_path, "splits")().class_names) == 2


@pytest.mark.parametrize(
    ("one", "other"), (("cat", "dog"), ("class 1", "class 2"), ("1", "11"), ("grass", "glass"))
)
def test_a_class_that_a_split_lacks_is_not_called_a_spelling(one, other, tmp_path):
    for part, name in (("train", one), ("test", other)):
        draw(tmp_path, *(f"{part}/{each}/{i}.png" for each in (name, "bird") for i in "ab"))
    with pytest.raises(SightkitError, match=r"an image in|two images at least"):
        FolderDataset(tmp_path, "splits")()


def test_singular_and_plural_in_all_splits_are_two_classes(tmp_path):
    names = [f"{part}/{name}" for part in ("train", "test") for name in ("dog", "dogs")]
    draw(tmp_path, *(f"{name}/{i}.png" for name in names for i in "ab"))
    assert FolderDataset(tmp_path, "splits")().class_names == ("dog", "dogs")


@pytest.mark.parametrize(
    "names",
    (("a", "A"), ("cat", "cats"), ("wild_cat", "wild-cat"), ("Ä", "A"), ("1", "01")),
)
def test_names_that_differ_otherwise_are_classes(names, tmp_path):
    draw(tmp_path, *(f"{name}/{i}.png" for name in names for i in range(2)))
    assert len(FolderDataset(tmp_path)().class_names) == 2


def test_a_class_that_a_part_lacks_is_an_error(tmp_path):
    parts = ("train", "val", "test")
    draw(tmp_path, *(f"{p}/{c}/{i}.png" for p in parts for c in "abc" for i in range(2)))
    FolderDataset(tmp_path, "splits")()
    shutil.rmtree(tmp_path / "val" / "c")
    with pytest.raises(SightkitError, match=r"an image in validation.*classes='c \(0\)'"):
        FolderDataset(tmp_path, "splits")()
    (tmp_path / "val" / "c").symlink_to(tmp_path / "test" / "c")
    with pytest.raises(SightkitError, match=r"in validation.*classes='c \(0\)'"):
        FolderDataset(tmp_path, "splits")()
    assert FolderDataset(tmp_path, "splits", exclude=("c",))().lost == 0
    shutil.rmtree(tmp_path / "val" / "a")
    shutil.rmtree(tmp_path / "val" / "b")
    for vanished in ("c", "."):  # a part whose folders are gone, or that is empty
        with pytest.raises(SightkitError, match=r"in validation.*a \(0\), b \(0\), c \(0\)"):
            FolderDataset(tmp_path, "splits")()
        if vanished == "c":
            (tmp_path / "val" / "c").unlink()
    source = FolderDataset(tmp_path, "splits", exclude=("val",))()
    assert [name for name, _ in source.fixed] == ["train", "test"]


def test_the_innermost_folder_is_the_class_in_any_nesting(tmp_path):
    draw(tmp_path, *(f"{place}/{i}.png" for place in DEEP for i in range(2)))
    source = FolderDataset(tmp_path, "deep")()
    assert source.class_names == ("cats", "dogs", "kittens", "owls")
    assert np.bincount(source.labels).tolist() == [4, 2, 2, 2]
    draw(tmp_path, "0.png")
    assert FolderDataset(tmp_path, "deep")().left_out == (("0.png", "in no class folder"),)
    (tmp_path / "2024" / "lynx").mkdir()
    with pytest.raises(SightkitError, match=r"classes='lynx \(0\)'"):
        FolderDataset(tmp_path, "deep")()
    for exclude in ("lynx", "2024/lynx"):
        assert len(FolderDataset(tmp_path, "deep", exclude=(exclude,))().class_names) == 4


def test_parts_are_no_nesting(tmp_path):
    draw(
        tmp_path,
        *(f"x/{part}/{c}/{i}.png" for part in ("train", "test") for c in "ab" for i in "12"),
    )
    with pytest.raises(SightkitError, match="named like the parts"):
        FolderDataset(tmp_path, "deep")()


@pytest.mark.parametrize("make", ("hidden", "link", "empty", "other kind", "no image"))
def test_a_class_that_vanishes_is_an_error(make, tmp_path):
    root = draw(tmp_path / "in", *(f"{c}/{i}.png" for c in "ab" for i in range(2)))
    place = root / "lynx"
    place.mkdir()
    for name in ("1.png", "2.png"):
        if make == "link":
            draw(tmp_path, name)
            (place / name).symlink_to(tmp_path / name)
        elif make != "empty":
            content = {"other kind": b"8BPS\0\1", "no image": b"mine", "hidden": b"GIF89a"}
            prefix = "." if make == "hidden" else "x"
            (place / f"{prefix}{name[0]}").write_bytes(content[make])
    with pytest.raises(SightkitError, match=r"classes='lynx \(0\)'") as refused:
        FolderDataset(root)()
    if make in ("hidden", "link", "other kind"):
        assert "2 left out" in str(refused.value)


@pytest.mark.parametrize("name", ("cat.0", "cat.0.jfif", "cat_0", "cat.0.png_large", "cat.0.JPG"))
def test_a_label_is_read_from_a_name_with_any_ending(name, tmp_path):
    draw(tmp_path, "cat.1.png", "dog.0.png", "dog.1.png", "x.png")
    (tmp_path / "x.png").rename(tmp_path / name)
    source = FolderDataset(tmp_path, "names")()
    assert np.bincount(source.labels).tolist() == [2, 2]
    assert source.lost == 0


def test_images_without_a_label_count_unless_they_are_a_test(tmp_path):
    draw(tmp_path, *(f"train/{c}.{i}.png" for c in ("cat", "dog") for i in range(2)))
    draw(tmp_path, "test1/1.png", "test/2.png", "train/3.png", "contest/4.png")
    source = FolderDataset(tmp_path, "names")()
    assert [name for name, _ in source.left_out[: source.lost]] == ["contest/4.png", "train/3.png"]
    assert {name for name, _ in source.left_out[source.lost :]} == {"test1/1.png", "test/2.png"}


def test_what_is_excluded_never_counts(tmp_path):
    root = draw(tmp_path / "in", *(f"{c}/{i}.png" for c in "abc" for i in range(2)), "a/bad/1.png")
    (root / "c" / "link.png").symlink_to(root / "c" / "1.png")
    source = FolderDataset(root, exclude=("c", "a/bad"))()
    assert (source.class_names, len(source), source.lost) == (("a", "b"), 4, 0)
    assert len(source.left_out) == 4


@pytest.mark.parametrize(
    ("folder", "layout", "classes", "images", "left_out"),
    (
        ("animals", "folders", 3, 359, 0),
        ("flowers17", "folders", 17, 204, 0),
        ("smiles", "folders", 2, 4389, 0),
        ("dogs-vs-cats", "names", 2, 200, 30),
        ("tiny-imagenet-mini", "tiny_imagenet", 10, 1100, 50),
    ),
)
def test_real_data_sets(folder, layout, classes, images, left_out, test_data):
    dataset = FolderDataset(test_data / folder, layout)
    source = dataset()
    assert (len(source.class_names), len(source), len(dataset.left_out)) == (
        classes,
        images,
        left_out,
    )
    assert source.read(images // 2).ndim == 3


@pytest.mark.parametrize(
    ("exclude", "left"),
    (
        (("c*",), ("a", "b")),
        (("*/old",), ("a", "b", "cat", "cow")),
        (("?", "c*"), ()),
        (("*.gif", "cat"), ("a", "b", "cow")),
        (("a/o?d", "a/old"), ("a", "b", "cat", "cow")),
        (("[ab]",), ValueError),  # brackets alone are no pattern
        (("C*",), ValueError),
        (("cat", "*.webp"), ValueError),
    ),
)
@pytest.mark.parametrize("layout", ("folders", "deep"))
def test_patterns_leave_out_classes_folders_and_files(exclude, left, layout, tmp_path):
    names = ("a", "b", "cat", "cow")
    draw(tmp_path, *(f"{name}/{k}.png" for name in names for k in range(2)))
    (tmp_path / "a" / "old").mkdir()
    draw(tmp_path, "a/old/1.png", "a/old/2.png")
    (tmp_path / "b" / "3.gif").write_bytes((tmp_path / "b" / "1.png").read_bytes())
    dataset = FolderDataset(tmp_path, layout, exclude=exclude)
    if not left or left is ValueError:
        with pytest.raises(SightkitError, match="excluded" if left else "images with a class"):
            dataset()
        return
    kept = set(taken(dataset()))
    every = scan_folder(tmp_path).images
    assert {name.partition("/")[0] for name in kept} == set(left)
    gone = [name for name, _ in every if any(fnmatch(name, each) for each in exclude)]
    assert not kept & set(gone)
    reasons = dict(dataset.left_out)
    assert set(reasons) == {name for name, _ in every} - kept and dataset().lost == 0
    assert all(reason.endswith("is excluded") for reason in reasons.values())
