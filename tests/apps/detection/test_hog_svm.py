"""HOG and SVM: what is found, at which scale, what mining changes, and what a bundle refuses."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sightkit import io
from sightkit._errors import SightkitError
from sightkit.apps.detection import (
    HogDetector,
    intersection_over_union,
    load_detector,
    sample_windows,
    train_hog_bundle,
    train_hog_svm,
)
from sightkit.apps.detection.hog_svm import features_of, shrunk_grey

WINDOW = (32, 32)


@pytest.fixture(scope="module")
def mined():
    return train_hog_svm(*sample_windows(), "digit", rounds=4)


@pytest.fixture(scope="module")
def picture():
    """A photograph with a digit of twice the window's size at (60, 20)."""
    digits, photos = sample_windows()
    grey = np.kron(photos[0], np.ones((2, 2), np.uint8))
    grey[20:84, 60:124] = cv2.resize(digits[0], (64, 64), interpolation=cv2.INTER_CUBIC)
    return grey[..., np.newaxis]


def test_an_object_is_found_where_it_is_and_at_its_scale(mined, picture):
    (found,) = mined.detector.predict(picture)
    truth = np.array([[60, 20, 124, 84]], np.float32)
    assert found.names()[0] == "digit"
    assert intersection_over_union(truth, found.boxes[:1])[0, 0] > 0.6
    assert ((found.boxes >= 0) & (found.boxes <= 200)).all()


def test_mining_ends_when_nothing_is_new_and_removes_wrong_windows(mined):
    _, photos = sample_windows()
    assert mined.rounds[-1].new == 0 and len(mined.rounds) > 1
    negatives = [each.negatives for each in mined.rounds]
    assert all(np.diff(negatives) == [each.new for each in mined.rounds[:-1]])
    wrong = [sum(len(d.hits(p).margins) for p in photos) for d in (mined.before, mined.detector)]
    assert wrong[1] < wrong[0] / 4


def test_margins_are_those_of_the_windows_features(mined):
    """OpenCV's scan over a picture of one window is the product with that window's features."""
    digits, _ = sample_windows()
    detector = mined.detector
    margin = float(features_of(digits[:1])[0] @ detector.coefficients + detector.intercept)
    hits = detector.hits(digits[0], features=True)
    assert margin > 0
    np.testing.assert_allclose(hits.margins, [margin], rtol=1e-4)
    np.testing.assert_allclose(hits.features, features_of(digits[:1]), atol=1e-6)
    assert hits.boxes.tolist() == [[0, 0, 32, 32]]


def test_large_pictures_are_searched_small_and_boxes_are_theirs():
    image = np.zeros((500, 1600, 3), np.uint8)
    grey, factor = shrunk_grey(image)
    assert grey.shape == (250, 800) and factor == 2
    constant = HogDetector(WINDOW, np.zeros(324, np.float32), 1.0, (1.0, 0.0), "any")
    (found,) = constant.predict([image])
    assert found.boxes.max(axis=0).tolist()[2:] == pytest.approx([1600, 500], abs=16)


def test_a_picture_smaller_than_the_window_is_named(mined, tmp_path):
    io.write_png(tmp_path / "small.png", np.zeros((31, 40, 3), np.uint8))
    with pytest.raises(SightkitError, match=r"small\.png.*\(31, 40\).*\(32, 32\)"):
        mined.detector.predict([tmp_path / "small.png"])
    assert len(mined.detector.predict([np.zeros((32, 32, 1), np.uint8)])) == 1


@pytest.mark.parametrize(
    ("objects", "backgrounds", "message"),
    (
        ([np.zeros((32, 32), np.uint8)] * 9, [np.zeros((99, 99), np.uint8)], "ten pictures"),
        ([np.zeros((32, 30), np.uint8)] * 10, [np.zeros((99, 99), np.uint8)], "multiples of 8"),
        ([np.zeros((32, 32), np.uint8)] * 10, [np.zeros((99, 31), np.uint8)], "as large"),
    ),
)
def test_what_cannot_be_learned_from_is_refused(objects, backgrounds, message):
    with pytest.raises(SightkitError, match=message):
        train_hog_svm(objects, backgrounds, "x")


def test_metrics_are_of_pictures_held_back(tmp_path):
    found = train_hog_bundle(tmp_path / "b", *sample_windows(), "digit", rounds=1, seed=0)
    assert found["after"]["objects"] == 20 and found["after"]["backgrounds"] == 1
    assert found["after"]["recall"] > 0.8
    with pytest.raises(SightkitError, match="5 backgrounds"):
        train_hog_bundle(tmp_path / "c", sample_windows()[0], [], "digit", rounds=1, seed=0)


def test_the_script_trains_and_never_replaces_unasked(script, tmp_path):
    name = "detection/train_hog_svm"
    result = script(name, "--smoke", "--output", "b", cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert "after mining: precision" in result.stdout and result.stdout.endswith("b\n")
    given = ("--objects", "o", "--backgrounds", "p", "--output", "b")
    refused = script(name, *given, cwd=tmp_path)
    assert refused.code == 2 and "--overwrite" in refused.stderr and refused.heavy == ""
    missing = script(name, *given, "--overwrite", cwd=tmp_path)
    assert missing.code == 2 and "o" in missing.stderr.splitlines()[-1]
    assert load_detector(tmp_path / "b").class_name == "face"
