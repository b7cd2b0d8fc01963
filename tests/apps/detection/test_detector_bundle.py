"""The bundle of a detector: photos in, boxes out; a canary picture that notices changes."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from sightkit import io, zoo
from sightkit._errors import SightkitError
from sightkit.apps.detection.anchors import Anchors, standard_anchors
from sightkit.apps.detection.box_coding import AnchorCoding
from sightkit.apps.detection.detections import Detections
from sightkit.apps.detection.detector_bundle import difference, load_detector, save_detector
from sightkit.apps.detection.detector_network import Detector
from sightkit.apps.detection.detector_setup import DetectorSetup
from sightkit.apps.detection.grid_coding import GridCoding
from sightkit.apps.detection.letterbox import Letterbox
from sightkit.preprocessing import ImageToArrayPreprocessor, MeanPreprocessor, Pipeline
from sightkit.training.bundle_format import DESCRIPTION, digest

SIZE, NAMES = (64, 96), ("cat", "dog")
PIXELS = Pipeline((ImageToArrayPreprocessor(1 / 127.5), MeanPreprocessor(1.0, 1.0, 1.0)))


def photo(seed=0, size=(50, 70)):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A network whose answers differ widely from place to place, as a trained one's do."""
    keras.utils.set_random_seed(0)
    network = Detector((*SIZE, 3), 2, backbone="mobilenet_0.25", channels=8)
    answers = np.asarray(network(PIXELS(photo(9, SIZE))[None], training=False))[0]
    for name, part, spread in (
        ("box_output", answers[:, :4], 1),
        ("class_output", answers[:, 4:], 3),
    ):
        layer = network.get_layer(name)
        kernel, bias = layer.get_weights()
        layer.set_weights([kernel * spread / part.std(), bias])
    coding = AnchorCoding(standard_anchors(SIZE), 2)
    setup = DetectorSetup(Letterbox(*SIZE), PIXELS, coding, NAMES)
    folder = tmp_path_factory.mktemp("bundle") / "bundle"
    save_detector(folder, network, setup, photo())
    return folder, network, setup


def test_it_finds_in_photos_what_the_network_finds(made):
    folder, network, setup = made
    bundle = load_detector(folder)
    photos = [photo(1), photo(2, (200, 120)), photo(3, (30, 30))]
    found = bundle.predict(photos, least_score=0.05)
    for each, image in zip(found, photos, strict=True):
        output = np.asarray(network(setup.prepare(image)[None], training=False))[0]
        expected = setup.detections(output, image.shape[:2])
        assert len(each) and each.class_names == NAMES
        assert difference(expected, each) == ""
        height, width = image.shape[:2]
        assert (each.boxes >= 0).all() and (each.boxes <= [width, height] * 2).all()


def test_it_takes_paths_grey_photos_and_one_alone(made, tmp_path):
    bundle = load_detector(made[0])
    io.write_png(tmp_path / "photo.png", photo(1))
    (by_path,) = bundle.predict(tmp_path / "photo.png")
    (by_array,) = bundle.predict(photo(1))
    assert difference(by_path, by_array) == "" and len(by_path) == len(by_array)
    assert isinstance(bundle.predict(photo(1)[..., :1])[0], Detections)
    assert bundle.predict([]) == []


def test_a_higher_least_score_leaves_fewer(made):
    bundle = load_detector(made[0])
    few, many = (bundle.predict(photo(1), least_score=s)[0] for s in (0.9, 0.05))
    assert len(few) < len(many)
    assert (few.scores >= 0.9).all()


def edit(folder, change):
    path = folder / DESCRIPTION
    found = json.loads(path.read_text())
    found.pop("sha256")
    change(found)
    path.write_text(json.dumps({**found, "sha256": digest(found)}))


@pytest.fixture
def copy(made, tmp_path):
    import shutil

    return shutil.copytree(made[0], tmp_path / "bundle")


CHANGES = {
    "pixels": lambda d: d["setup"]["pixels"]["steps"].pop(),
    "anchors": lambda d: d["setup"]["shapes"][0].__setitem__(1, [[20.0, 20.0]] * 9),
    "size": lambda d: d["setup"].update(size=[64, 95]),
    "names": lambda d: d.update(class_names=["dog", "cat"]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_setup_is_noticed(copy, name):
    edit(copy, CHANGES[name])
    with pytest.raises(SightkitError):
        load_detector(copy)


def test_other_weights_are_noticed(made, copy):
    other = zoo.rebuild(zoo.origin(made[1]))
    other.save_weights(copy / "model.weights.h5")
    with pytest.raises(SightkitError, match="damaged"):
        load_detector(copy)


def test_a_bundle_of_another_kind_is_refused(copy):
    from sightkit import training

    with pytest.raises(SightkitError, match="a detector"):
        training.load_bundle(copy)


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
        assert "cat of score 0.900" in difference(one, other)
    empty = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), NAMES)
    assert "is new" in difference(empty, one)
    assert difference(empty, found(5, 0.1, 0)) == ""
