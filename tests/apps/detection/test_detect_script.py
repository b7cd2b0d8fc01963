"""``sightkit detect``, and OpenVINO-free detectors behind it: Haar's faces and pedestrians."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sightkit import _scripts, io
from sightkit._errors import SightkitError
from sightkit.apps.detection import (
    Detections,
    detect_flags,
    find_faces,
    find_pedestrians,
)
from sightkit.evaluation import output_names

NAME = "detection/detect"


@pytest.fixture
def photo(rng, tmp_path):
    """A picture without faces."""
    io.write_png(tmp_path / "photo.png", rng.integers(0, 256, (60, 80, 3)).astype(np.uint8))
    return tmp_path / "photo.png"


def refused(result, *told):
    assert result.code == 2, result.stderr
    assert not [each for each in told if each not in result.stderr], result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "method", ["haar", "hog", "dense", pytest.param("sliding", marks=pytest.mark.slow)]
)
def test_detect_writes_a_json_and_a_picture_each(method, script, tmp_path):
    result = script(NAME, "--smoke", "--method", method, "--threshold", 0.5, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "detections"
    files = sorted(path.name for path in (tmp_path / "detections").iterdir())
    assert files == [f"shapes_00{k}.{ending}" for k in range(2) for ending in ("json", "png")]
    found = json.loads((tmp_path / "detections/shapes_001.json").read_text())
    assert found["image"] == "shapes_001.png"
    drawn = io.read_image(tmp_path / "detections/shapes_001.png")
    assert drawn.shape == (160, 200, 3)
    for each in found["detections"]:
        x0, y0, x1, y1 = each["box"]
        assert 0 <= x0 < x1 <= 200 and 0 <= y0 < y1 <= 160 and 0.5 <= each["score"] <= 1
        assert method in ("haar", "hog") or each["label"] in ("china", "flower")
    if method in ("sliding", "dense"):  # two classes: each window is of one, by half at least
        assert found["detections"]


def test_pictures_of_one_name_do_not_overwrite_each_other(script, tmp_path, photo):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.png").write_bytes(photo.read_bytes())
    result = script(NAME, "a", "b/x.png", "--output", "out", cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert (tmp_path / "out/a/x.json").is_file() and (tmp_path / "out/b/x.json").is_file()
    assert json.loads((tmp_path / "out/a/x.json").read_text()) == {
        "image": "x.png",
        "detections": [],
    }


def test_names_are_short_where_they_can_be():
    assert [*output_names([Path("a/x.jpg"), Path("b/y.png")]).values()] == ["x", "y"]
    assert [*output_names([Path("a/x.jpg"), Path("b/X.png")]).values()] == ["a/x", "b/X"]
    assert [*output_names([Path("a/x.jpg"), Path("a/x.png")]).values()] == ["x.jpg", "x.png"]
    assert [*output_names([Path("c/a/x.jpg"), Path("c/b/x.jpg")]).values()] == ["a/x", "b/x"]
    assert [*output_names([Path("x.jpg"), Path("x.jpg")]).values()] == ["x"]


@pytest.mark.slow
def test_results_are_replaced_when_asked_to_and_other_files_never(script, tmp_path, photo):
    first = script(NAME, photo, "--output", "out", cwd=tmp_path)
    assert first.code == 0, first.stderr
    again = script(NAME, photo, "--output", "out", cwd=tmp_path)
    refused(again, "--overwrite", "photo.json")
    assert again.stdout == ""
    (tmp_path / "out/mine.txt").write_text("mine")
    assert script(NAME, photo, "--output", "out", "--overwrite", cwd=tmp_path).code == 0
    assert (tmp_path / "out/mine.txt").read_text() == "mine"
    before = photo.read_bytes()
    refused(script(NAME, photo, "--output", ".", "--overwrite", cwd=tmp_path), "never replaced")
    (tmp_path / "photo.json").write_text('{"image": "photo.png", "detections": []}')
    refused(script(NAME, photo, "--output", ".", "--overwrite", cwd=tmp_path), "never replaced")
    (tmp_path / "out/photo.json").write_text('{"mine": 1}')
    refused(script(NAME, photo, "--output", "out", "--overwrite", cwd=tmp_path), "never replaced")
    assert photo.read_bytes() == before


@pytest.mark.slow
def test_bad_pictures_do_not_stop_the_others(script, tmp_path, photo):
    photo.with_name("broken.png").write_bytes(photo.read_bytes()[:4000])
    io.write_png(tmp_path / "tiny.png", np.zeros((20, 90, 3), np.uint8))
    given = ("broken.png", "tiny.png", "photo.png", "--method", "dense", "--smoke")
    result = script(NAME, *given, "--output", "out", cwd=tmp_path)
    refused(result, "broken.png", "tiny.png", "smaller than the window", "bad=2, files=3")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["photo.json", "photo.png"]
    alone = script(NAME, "tiny.png", *given[3:], "--output", "two", cwd=tmp_path)
    refused(alone, "picture=(20, 90), window=(32, 32)")
    (tmp_path / "empty").mkdir()
    refused(script(NAME, "empty", cwd=tmp_path), "must hold images")
    assert not (tmp_path / "two").exists() and not (tmp_path / "detections").exists()


@pytest.mark.slow
def test_detect_by_a_bundle_of_a_classifier(script, tmp_path, trained_bundles):
    """A network of digits, on a page of them: each is what the bundle itself says it is."""
    from sklearn.datasets import load_digits

    from sightkit import training

    _, (bundle,) = trained_bundles(tmp_path)
    page = np.zeros((64, 128, 3), np.uint8)
    places = [(16 + 48 * (n % 3), 24 * (n // 3)) for n in range(6)]
    for (x, y), image in zip(places, load_digits().images[:6], strict=True):
        page[y : y + 16, x : x + 16] = np.kron(image * 15, np.ones((2, 2)))[..., None]
    io.write_png(tmp_path / "page.png", page)
    flags = ("--method", "sliding", "--bundle", bundle, "--stride", 8, "--overlap", 1)
    result = script(NAME, "page.png", *flags, "--scale", 9, "--threshold", 0, cwd=tmp_path)
    assert result.code == 0, result.stderr
    found = json.loads((tmp_path / "detections/page.json").read_text())["detections"]
    boxes = {(each["label"], *each["box"]): each["score"] for each in found}
    assert len(boxes) == 7 * 15
    loaded = training.load_bundle(bundle)
    answers = loaded.predict([page[y : y + 16, x : x + 16] for x, y in places])
    for (x, y), answer in zip(places, answers, strict=True):
        name = loaded.class_names[answer.argmax()]
        assert boxes[name, x, y, x + 16, y + 16] == pytest.approx(float(answer.max()), abs=1e-4)


def test_a_detectors_threshold_reaches_its_bundle(tmp_path, monkeypatch):
    """Boxes below what the bundle shows by itself can be had, for average precision."""
    asked = []

    class Detector:
        def predict(self, images, *, least_score=0.5):
            asked.append(least_score)
            boxes = np.float32([[0, 0, 9, 9], [5, 5, 9, 9]])
            return [Detections(boxes, np.float32([0.9, 0.2]), np.array([0, 0]), ("cell",))]

    monkeypatch.setattr(detect_flags, "check_bundle", lambda *_: {"class_names": ("cell",)})
    monkeypatch.setattr(detect_flags, "load_detector", lambda folder, cache: Detector())
    image = np.zeros((20, 20, 3), np.uint8)
    for threshold in (None, 0.05, 0.95):
        flags = {"method": "bundle", "bundle": tmp_path, "threshold": threshold}
        assert len(detect_flags.DetectFlags((tmp_path,), **flags).finder()(image)) == 2
    assert asked == [0.5, 0.05, 0.95]


@pytest.mark.parametrize(
    ("method", "started"), [("dense", True), ("sliding", True), ("haar", False)]
)
def test_keras_is_started_quietly_before_a_network(method, started, monkeypatch, tmp_path):
    """Else TensorFlow writes its lines, as it is imported."""
    script, order = _scripts.load(NAME), []
    monkeypatch.setattr(script._cli, "start_keras", lambda: order.append("keras"))
    monkeypatch.setattr(script.Config, "finder", lambda config: order.append("finder"))
    monkeypatch.setattr(script.detection, "detect_photos", lambda *_: {})
    script.main(script.Config(method=method, smoke=True, output=tmp_path / "out"))
    assert order == (["keras", "finder"] if started else ["finder"])


def test_haar_finds_the_faces_of_real_photos(test_data):
    for name, count in (("obama", 1), ("biden", 1), ("obama_and_biden", 2)):
        image = io.read_image(test_data / "faces" / f"{name}.jpg")
        found = find_faces(image)
        assert len(found) == count and found.scores.min() > 0.5
        sides = found.boxes[:, 2:] - found.boxes[:, :2]
        assert sides.min() > 100 and np.ptp(sides, axis=1).max() < 1


def test_haar_and_pedestrians_find_nothing_in_noise(rng):
    image = rng.integers(0, 256, (200, 150, 3)).astype(np.uint8)
    for find in (find_faces, find_pedestrians):
        assert len(find(image)) == len(find(image[..., :1])) == 0
    with pytest.raises(SightkitError, match="smaller than the window"):
        find_pedestrians(image[:100])
    with pytest.raises(SightkitError, match="above 1"):
        find_faces(image, scale=1.0)
    with pytest.raises(SightkitError, match="threshold"):
        find_pedestrians(image, threshold=0.2)
    assert len(find_faces(np.zeros((3, 4000, 3), np.uint8))) == 0


def test_pedestrians_are_found_in_a_real_street(test_data):
    import cv2

    folder = test_data / "camvid" / "test"
    image = io.read_image(folder / "Seq05VD_f01620.png")
    found = find_pedestrians(cv2.resize(image, None, fx=2, fy=2), threshold=0.7)
    truth = io.read_image(folder.with_name("testannot") / "Seq05VD_f01620.png")[..., 0] == 9
    shares = [
        truth[int(y0 / 2) : int(y1 / 2), int(x0 / 2) : int(x1 / 2)].mean()
        for x0, y0, x1, y1 in found.boxes
    ]
    assert shares and max(shares) > 0.3, (found.boxes, shares)
