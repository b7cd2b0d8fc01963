"""ImageNet as it is published: folders or tars with their lists, and what is refused."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.io import ImageNet, write_png

WNIDS = ("n01440764", "n01443537", "n02012849", "n03126707")
WORDS = ("tench, Tinca tinca", "goldfish", "crane", "crane")
NAMES = ("tench", "goldfish", "crane (n02012849)", "crane (n03126707)")
NUMBERS = (7, 3, 1, 2)  # a devkit's numbers are in no order of ours
CLASS_OF_VAL = (2, 0, 3, 1, 1, 0, 2, 3)


def add(tar, name, data, **fields):
    member = tarfile.TarInfo(name)
    member.size = len(data)
    for field, value in fields.items():
        setattr(member, field, value)
    tar.addfile(member, io.BytesIO(data))


@pytest.fixture
def folder(tmp_path, rng):
    """Folders of the four classes: five training images each, eight of val."""
    folder = tmp_path / "ILSVRC2012"
    for wnid in WNIDS:
        (folder / "train" / wnid).mkdir(parents=True)
        for number in range(5):
            picture(folder / "train" / wnid / f"{wnid}_{number}.JPEG", rng)
    (folder / "val").mkdir()
    for number in range(1, 9):
        picture(folder / "val" / f"ILSVRC2012_val_{number:08d}.JPEG", rng)
    return folder


@pytest.fixture
def tars(folder, tmp_path):
    """The same images in the two tars."""
    target = tmp_path / "tars"
    target.mkdir()
    with tarfile.open(target / "ILSVRC2012_img_train.tar", "w") as outer:
        for wnid in WNIDS:
            inner = io.BytesIO()
            with tarfile.open(fileobj=inner, mode="w") as tar:
                for path in sorted((folder / "train" / wnid).iterdir()):
                    add(tar, path.name, path.read_bytes())
            add(outer, f"{wnid}.tar", inner.getvalue())
    with tarfile.open(target / "ILSVRC2012_img_val.tar", "w") as tar:
        for path in sorted((folder / "val").iterdir()):
            add(tar, path.name, path.read_bytes())
    return target


@pytest.fixture
def lists(tmp_path):
    """The devkit's lists, in a folder of their own."""
    lists = tmp_path / "devkit"
    lists.mkdir()
    write_devkit(lists)
    return lists


def write_devkit(folder):
    rows = zip(WNIDS, NUMBERS, WORDS, strict=True)
    lines = [f"{wnid} {number} {words.split(',')[0]}\n" for wnid, number, words in rows]
    (folder / "map_clsloc.txt").write_text("".join(lines))
    truth = "".join(f"{NUMBERS[label]}\n" for label in CLASS_OF_VAL)
    (folder / "ILSVRC2012_validation_ground_truth.txt").write_text(truth)


def write_kaggle(folder):
    lines = [f"{wnid} {words}\n" for wnid, words in zip(WNIDS, WORDS, strict=True)]
    (folder / "LOC_synset_mapping.txt").write_text("".join(lines))
    lines = [
        f"ILSVRC2012_val_{number:08d},{WNIDS[label]} 1 2 3 4 {WNIDS[label]} 5 6 7 8\n"
        for number, label in enumerate(CLASS_OF_VAL, 1)
    ]
    (folder / "LOC_val_solution.csv").write_text("ImageId,PredictionString\n" + "".join(lines))


def picture(path, rng):
    write_png(path, rng.integers(0, 256, (9, 12, 3)).astype(np.uint8))


def check(images):
    assert images.class_names == NAMES
    (train, train_rows), (test, test_rows) = images.fixed
    assert (train, len(train_rows), test, len(test_rows)) == ("train", 20, "test", 8)
    assert tuple(images.labels[test_rows]) == CLASS_OF_VAL
    assert tuple(images.labels[train_rows]) == tuple(np.repeat(np.arange(4), 5))
    assert images.identify(int(train_rows[7])) == f"train/{WNIDS[1]}/{WNIDS[1]}_2.JPEG"
    assert images.lost == 0


@pytest.mark.parametrize("write", (write_devkit, write_kaggle))
def test_folders_with_the_lists_beside_them(write, folder):
    write(folder)
    images = ImageNet(folder)()
    check(images)
    assert images.left_out == ()


def test_tars_are_read_where_they_are(folder, tars, lists):
    images, same = ImageNet(tars, lists)(), ImageNet(folder, lists)()
    check(images)
    for row in range(len(images)):
        assert images.identify(row) == same.identify(row)
        np.testing.assert_array_equal(images.read(row), same.read(row))
    assert ImageNet(tars, lists).to_config() == ImageNet(folder, lists).to_config()
    assert sorted(path.name for path in tars.iterdir()) == [
        "ILSVRC2012_img_train.tar",
        "ILSVRC2012_img_val.tar",
    ]


def test_validation_images_that_are_sorted_need_no_list(folder):
    for number, label in enumerate(CLASS_OF_VAL, 1):
        path = folder / "val" / f"ILSVRC2012_val_{number:08d}.JPEG"
        (folder / "val" / WNIDS[label]).mkdir(exist_ok=True)
        path.rename(folder / "val" / WNIDS[label] / path.name)
    images = ImageNet(folder)()
    assert images.class_names == WNIDS
    assert sorted(images.labels[images.fixed[1][1]]) == sorted(CLASS_OF_VAL)


@pytest.mark.parametrize("data", ("folder", "tars"))
@pytest.mark.parametrize("missing", ("map_clsloc.txt", "ILSVRC2012_validation_ground_truth.txt"))
def test_a_list_that_is_missing_is_named(data, missing, lists, request):
    (lists / missing).unlink()
    refuse(request.getfixturevalue(data), lists, missing)


def test_without_any_list_nothing_is_guessed(tars, folder):
    refuse(tars, None, "LOC_synset_mapping.txt")
    refuse(folder, None, "LOC_synset_mapping.txt")


@pytest.mark.parametrize("missing", ("ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"))
def test_a_tar_that_is_missing_is_named(missing, tars, lists):
    (tars / missing).unlink()
    refuse(tars, lists, missing)


@pytest.mark.parametrize("missing", ("train", "val"))
def test_a_folder_that_is_missing_is_named(missing, folder, lists):
    (folder / missing).rename(folder.parent / "elsewhere")
    refuse(folder, lists, missing)


@pytest.mark.parametrize("name", ("ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"))
@pytest.mark.parametrize("share", (0.1, 0.3, 0.62))
def test_a_tar_that_is_cut_off_is_refused(name, share, tars, lists):
    content = (tars / name).read_bytes()
    (tars / name).write_bytes(content[: int(share * len(content))])
    refuse(tars, lists, name)


def test_a_tar_that_ends_after_an_image_is_refused(tars, lists):
    path = tars / "ILSVRC2012_img_val.tar"
    with tarfile.open(path) as tar:
        end = tar.getmembers()[5].offset
    path.write_bytes(path.read_bytes()[:end])
    refuse(tars, lists, path.name)


def test_an_inner_tar_that_is_damaged_is_refused(tars, lists):
    path = tars / "ILSVRC2012_img_train.tar"
    content = bytearray(path.read_bytes())
    content[512 + 20] ^= 255  # of the first inner header
    path.write_bytes(content)
    refuse(tars, lists, path.name)


@pytest.mark.parametrize(
    ("name", "fields"),
    (
        ("../evil.JPEG", {}),
        ("/evil.JPEG", {}),
        ("evil.JPEG", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
    ),
)
def test_a_hostile_member_is_refused(name, fields, tars, lists):
    with tarfile.open(tars / "ILSVRC2012_img_val.tar", "a") as tar:
        add(tar, name, b"", **fields)
    refuse(tars, lists, "not unpacked")


def test_a_validation_image_beside_the_list_is_counted(folder, lists, rng):
    picture(folder / "val" / "ILSVRC2012_val_00000009.JPEG", rng)
    (folder / "val" / "ILSVRC2012_val_00000002.JPEG").unlink()
    images = ImageNet(folder, lists)()
    assert images.lost == 2
    assert {name for name, _ in images.left_out} == {
        "val/ILSVRC2012_val_00000002.JPEG",
        "val/ILSVRC2012_val_00000009.JPEG",
    }


@pytest.mark.parametrize("text", ("1\n", "7\nx\n", "", "9\n" * 8))
def test_a_list_of_something_else_is_refused(text, folder, lists):
    (lists / "ILSVRC2012_validation_ground_truth.txt").write_text(text)
    if text == "1\n":  # too short: the images that it does not name have no class
        refuse(folder, lists, "Each class must have an image in test")
    else:
        refuse(folder, lists, "ground_truth")


def test_a_class_that_the_list_does_not_have_is_refused(folder, lists):
    (folder / "train" / "n99999999").mkdir()
    for number in range(2):
        path = folder / "train" / WNIDS[0] / f"{WNIDS[0]}_{number}.JPEG"
        path.rename(folder / "train" / "n99999999" / path.name)
    refuse(folder, lists, "n99999999")


def refuse(data, lists, match):
    with pytest.raises(SightkitError, match=match) as refused:
        ImageNet(data, lists)()
    assert "\n" not in str(refused.value)
