"""Bundles of all kinds of detectors: photos in, boxes out; what was changed is noticed."""

from __future__ import annotations

import json
import shutil

import cv2
import keras
import numpy as np
import pytest

from sightkit import io, training, zoo
from sightkit._errors import SightkitError
from sightkit.apps import detection
from sightkit.apps.detection import (
    DETECTORS,
    AnchorCoding,
    Anchors,
    Detections,
    DetectorSetup,
    GridCoding,
    Letterbox,
    LocalizerSetup,
)
from sightkit.apps.detection.photo_detector import difference
from sightkit.preprocessing import (
    ColourPreprocessor,
    ImageToArrayPreprocessor,
    Pipeline,
    SimplePreprocessor,
)

from .conftest import PIXELS, SETUP

NAMES = SETUP.class_names


def photo(seed=0, size=(50, 70)):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


def save_localizer(folder):
    keras.utils.set_random_seed(0)
    network = detection.Localizer((28, 28, 3), 2, base="lenet", cut="pool2", reduced=8)
    for layer in (network.get_layer("head_box"), network.get_layer("logits")):
        kernel, bias = layer.get_weights()
        layer.set_weights([30 * kernel, bias])  # else it answers alike to all photos
    chain = Pipeline((ColourPreprocessor(), SimplePreprocessor(28, 28), ImageToArrayPreprocessor()))
    return detection.save_detector(folder, network, LocalizerSetup(chain, NAMES), photo()), network


def save_hog(folder):
    digits, photos = detection.sample_windows()
    picture = np.kron(photos[0], np.ones((2, 2), np.uint8))[..., np.newaxis]
    picture[20:84, 60:124, 0] = cv2.resize(digits[0], (64, 64))
    detector = detection.train_hog_svm(digits, photos, "digit", rounds=1).detector
    return detection.save_hog_detector(folder, detector, picture, metrics={"a": 1}), detector


@pytest.fixture(scope="module")
def saved(tmp_path_factory, saved_detector):
    """By kind a bundle, and what was saved in it."""
    made = {
        kind: save(tmp_path_factory.mktemp(kind) / "bundle")
        for kind, save in (("localizer", save_localizer), ("hog_svm", save_hog))
    }
    return {"detector": saved_detector, **made}


@pytest.fixture
def copy(saved, tmp_path):
    """A copy of a kind's bundle, that a test may change."""
    return lambda kind: shutil.copytree(saved[kind][0], tmp_path / "bundle")


@pytest.mark.slow
def test_a_detector_finds_in_photos_what_its_network_finds(saved):
    folder, network = saved["detector"]
    bundle = detection.load_detector(folder)
    photos = [photo(1), photo(2, (200, 120)), photo(3, (30, 30))]
    found = bundle.predict(photos, least_score=0.05)
    for each, image in zip(found, photos, strict=True):
        output = np.asarray(network(SETUP.prepare(image)[None], training=False))[0]
        expected = SETUP.detections(output, image.shape[:2])
        assert len(each) and each.class_names == NAMES
        assert difference(expected, each) == ""
        height, width = image.shape[:2]
        assert (each.boxes >= 0).all() and (each.boxes <= [width, height] * 2).all()
    few, many = (bundle.predict(photo(1), least_score=s)[0] for s in (0.9, 0.05))
    assert len(few) < len(many) and (few.scores >= 0.9).all()
    assert len(bundle.predict(photo(1), least_score=0.05, overlap=0.1)[0]) < len(many)


def test_a_localizer_finds_one_box_a_photo(saved):
    folder, network = saved["localizer"]
    bundle = detection.load_detector(folder)
    (found,) = bundle.predict(photo(1))
    assert len(found) == 1 and found.scores[0] >= 0.5
    outputs = network.predict(bundle.setup.prepare(photo(1))[None], verbose=0)
    np.testing.assert_allclose(found.boxes, outputs[:, 2:].clip(0, 1) * (70, 50, 70, 50), atol=0.01)
    assert len(bundle.predict(photo(1), least_score=0.999)[0]) == 0


def test_a_hog_detector_finds_the_same_when_loaded(saved):
    folder, detector = saved["hog_svm"]
    loaded, picture = detection.load_detector(folder), io.read_image(folder / "canary.png")
    (mine,), (theirs,) = detector.predict(picture), loaded.predict(picture)
    np.testing.assert_array_equal(mine.boxes, theirs.boxes)
    np.testing.assert_array_equal(mine.scores, theirs.scores)
    assert len(mine) and loaded.description["metrics"] == {"a": 1}


@pytest.mark.slow
@pytest.mark.parametrize("kind", DETECTORS)
def test_it_takes_paths_grey_photos_and_one_alone(kind, saved, tmp_path):
    bundle = detection.load_detector(saved[kind][0])
    io.write_png(tmp_path / "photo.png", photo(1))
    (by_path,) = bundle.predict(tmp_path / "photo.png")
    (by_array,) = bundle.predict(photo(1))
    assert difference(by_path, by_array) == "" and len(by_path) == len(by_array)
    assert isinstance(bundle.predict(photo(1)[..., :1])[0], Detections)
    assert bundle.predict([]) == []
    with pytest.raises(SightkitError, match=r"load_detector.*--method bundle"):
        training.load_bundle(saved[kind][0])


def more_classes(found):
    found["class_names"].append("x")
    found["canary"].append(0.0)


CHANGES = {
    "kind unknown": lambda found: found.update(kind="thing"),
    "kind of others": lambda found: found.update(kind="captcha"),
    "more classes": more_classes,
    "class names": lambda found: found.update(class_names=[3]),
    "canary": lambda found: found.update(canary=[0.0] * len(found["canary"])),
    "files": lambda found: found.update(files=[]),
    "detections": lambda found: found.update(detections=[]),
    "no detections": lambda found: found["detections"].update(detections=[]),
    "moved": lambda found: [each["box"].__setitem__(2, 99.5)
                            for each in found["detections"]["detections"]],
    "label": lambda found: found["detections"]["detections"][0].update(label="horse"),
}  # fmt: skip
OF_NETWORKS = {
    "builder unknown": lambda found: found["network"].update(builder="nothing"),
    "builder of others": lambda found: found["network"].update(builder="lenet"),
    "arguments": lambda found: found["network"].update(arguments={}),
    "weights hash": lambda found: found.update(weights_sha256="0" * 64),
    "names swapped": lambda found: found["class_names"].reverse(),
}
OF_DETECTORS = {
    "pixels": lambda found: found["setup"]["pixels"]["steps"].pop(),
    "anchors": lambda found: found["setup"]["shapes"][0].__setitem__(1, [[20.0, 20.0]] * 9),
    "few anchors": lambda found: found["setup"]["shapes"][0][1].pop(),
    "size": lambda found: found["setup"].update(size=[64, 95]),
    "size huge": lambda found: found["setup"].update(size=[10**9, 10**9]),
    "prior": lambda found: found["setup"].update(prior=1.0),
    "head": lambda found: found["setup"].update(head="grid"),
}
OF_LOCALIZERS = {
    "chain": lambda found: found["setup"]["preprocessing"]["steps"].pop(),
    "no chain": lambda found: found["setup"].update(preprocessing={}),
}
OF_HOG = {
    "window": lambda found: found.update(window=[33, 32]),
    "other window": lambda found: found.update(window=[64, 64]),
    "sigmoid": lambda found: found.update(sigmoid=[1.0]),
    "other sigmoid": lambda found: found.update(sigmoid=[-1e5, 0.0]),
}
TAMPERED = {
    "detector": CHANGES | OF_NETWORKS | OF_DETECTORS,
    "localizer": CHANGES | OF_NETWORKS | OF_LOCALIZERS,
    "hog_svm": CHANGES | OF_HOG,
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in TAMPERED for name in TAMPERED[kind]]
)
def test_a_changed_description_is_noticed(kind, name, copy, edit_bundle):
    folder = copy(kind)
    edit_bundle(folder, TAMPERED[kind][name])
    with pytest.raises(SightkitError):
        detection.load_detector(folder)


@pytest.mark.slow
@pytest.mark.parametrize("kind", DETECTORS)
def test_a_changed_file_is_noticed(kind, saved, copy, edit_bundle):
    folder = copy(kind)
    io.write_png(folder / "canary.png", photo(8))
    with pytest.raises(SightkitError, match="not the file"):
        detection.load_detector(folder)
    edit_bundle(folder)
    with pytest.raises(SightkitError, match="canary"):
        detection.load_detector(folder)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["detector", "localizer"])
def test_weights_of_another_network_are_noticed(kind, saved, copy, edit_bundle):
    folder = copy(kind)
    zoo.rebuild(zoo.origin(saved[kind][1])).save_weights(folder / "model.weights.h5")
    edit_bundle(folder)
    with pytest.raises(SightkitError, match="not the weights"):
        detection.load_detector(folder)


@pytest.mark.parametrize("intercept", [-0.05, np.nan])
def test_another_svm_is_noticed(intercept, saved, copy, edit_bundle):
    folder, detector = copy("hog_svm"), saved["hog_svm"][1]
    changed = np.float64(detector.intercept + intercept)
    np.savez(folder / "svm.npz", coefficients=detector.coefficients, intercept=changed)
    edit_bundle(folder)
    with pytest.raises(SightkitError, match=r"canary picture|finite"):
        detection.load_detector(folder)


def test_setups_are_the_same_after_json():
    grid = GridCoding((64, 96), (2, 3), 2)
    anchors = AnchorCoding(Anchors((64, 96), ((8, ((3.5, 9.0),)),)), 2, 0.02)
    for coding in (grid, anchors):
        setup = DetectorSetup(Letterbox(64, 96), PIXELS, coding, NAMES)
        text = json.loads(json.dumps(setup.to_config()))
        assert DetectorSetup.from_config(text, NAMES) == setup


def test_differences_of_detections_are_named():
    def found(x, score, label):
        return Detections(np.array([[x, 0, x + 9, 9]]), np.array([score]), np.array([label]), NAMES)

    one = found(5, 0.9, 0)
    assert difference(one, found(5.1, 0.895, 0)) == ""
    for other in (found(8, 0.9, 0), found(5, 0.8, 0), found(5, 0.9, 1)):
        assert "disc of score 0.900" in difference(one, other)
    empty = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), NAMES)
    assert "is new" in difference(empty, one)
    assert difference(empty, found(5, 0.1, 0), compared_from=0.3) == ""
