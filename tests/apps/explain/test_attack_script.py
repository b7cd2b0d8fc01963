from __future__ import annotations

import json
from types import SimpleNamespace

import cv2
import pytest

from sightkit.apps.explain.network_flags import labels_of

NAME = "explain/attack"


@pytest.mark.slow
@pytest.mark.parametrize("method", ("fgsm", pytest.param("pgd", marks=pytest.mark.slow)))
def test_attack_writes_pictures_sheet_and_curve(method, script, tmp_path):
    flags = ("--smoke", "--method", method, "--epsilon", "4/255", "--output", "a")
    result = script(NAME, *flags, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "a" and "Accuracy on 24 photos" in result.stdout
    found = json.loads((tmp_path / "a" / "attack.json").read_text())
    assert len(found["photos"]) == 24 and found["epsilon"] == pytest.approx(4 / 255)
    for photo in found["photos"]:
        assert (tmp_path / "a" / photo["file"]).is_file() and photo["truth"] in photo["name"]
    assert len({photo["file"] for photo in found["photos"]}) == 24  # 0.png twice, of two classes
    curve = [*found["accuracy_by_epsilon"].values()]
    assert curve[0] == found["accuracy_before"] and curve[3] == found["accuracy_after"]
    for name in ("sheet.png", "accuracy.png"):
        picture = cv2.imread(str(tmp_path / "a" / name))
        assert picture is not None and picture.std() > 5
    assert {path.name for path in tmp_path.iterdir()} == {"a"}


@pytest.mark.slow
def test_attack_replaces_its_own_folder_alone(script, tmp_path):
    flags = ("--smoke", "--output", "a", "--target", "china")
    assert script(NAME, *flags, cwd=tmp_path).code == 0
    (tmp_path / "a" / "mine.txt").write_text("mine")
    refused = script(NAME, *flags, cwd=tmp_path)
    assert refused.code == 2 and "mine.txt" in refused.stderr
    (tmp_path / "a" / "mine.txt").unlink()
    again = script(NAME, "x.png", "--model", "mobilenet_0.75", "--output", "a", cwd=tmp_path)
    assert again.code == 2 and "--overwrite" in again.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "message"),
    (
        (("--smoke", "--epsilon", "-0.1"), "epsilon='-0.1'"),
        (("--smoke", "--epsilon", "9/8"), "from 0 to 1"),
        (("--smoke", "--epsilon", "nan"), "from 0 to 1"),
        (("--smoke", "--epsilon", "1/0"), "from 0 to 1"),
        (("--smoke", "--epsilon", "0.003"), "at least a grey level"),
        (("--smoke", "--target", "chin"), "nearest are china"),
        (("--smoke", "--target", "2"), "from 0 to 1"),
        (("--smoke", "nowhere.jpg"), "nowhere.jpg"),
        (("photo.jpg",), "--model mobilenet_0.75"),
        (("photo.jpg", "--model", "mobilnet_0.75"), "mobilenet_0.75"),
        (("photo.jpg", "--bundle", "b", "--model", "vgg16"), "Name one network"),
        ((), "Name at least one image"),
    ),
)
def test_flags_that_cannot_be_are_one_line(flags, message, script, tmp_path):
    result = script(NAME, *flags, cwd=tmp_path)
    assert result.code == 2 and message in result.stderr.splitlines()[-1], result.stderr
    assert result.stdout == "" and list(tmp_path.iterdir()) == []


def test_labels_are_folders_or_names_of_imagenet():
    classifier = SimpleNamespace(
        class_names=("tench", "cat"), description={"wordnet_ids": ["n01440764", "n02123045"]}
    )
    photos = ["x/cat/1.jpg", "n01440764_tench.JPEG", "n02123045/7.jpg", "photo.jpg", "n09_x.png"]
    assert list(labels_of(classifier, photos)) == [1, 0, 1, None, None]
