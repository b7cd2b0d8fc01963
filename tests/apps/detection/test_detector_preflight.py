"""The detector's preflight: silent on what is sound, and each check fails on what it is for."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit.apps.detection import detector_preflight as checks
from sightkit.apps.detection.anchors import Anchors, standard_anchors
from sightkit.apps.detection.box_coding import AnchorCoding
from sightkit.apps.detection.detector_batches import DetectionBatches
from sightkit.apps.detection.detector_losses import AnchorLoss
from sightkit.apps.detection.detector_network import Detector
from sightkit.apps.detection.detector_setup import DetectorSetup
from sightkit.apps.detection.grid_coding import GridCoding
from sightkit.apps.detection.letterbox import Letterbox
from sightkit.apps.detection.shapes import write_shapes
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline
from sightkit.training.checks.report import LeftOut

SIZE = (96, 144)
PIXELS = Pipeline((ImageToArrayPreprocessor(1 / 127.5),))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_shapes(tmp_path_factory.mktemp("shapes"), 6, size=(120, 180))


def batches(pictures, coding=None):
    coding = coding or AnchorCoding(standard_anchors(SIZE, (8, 16)), 2)
    setup = DetectorSetup(Letterbox(*SIZE), PIXELS, coding, pictures.class_names)
    return DetectionBatches(pictures, setup, 4)


def network(prior=0.01):
    keras.utils.set_random_seed(0)
    return Detector(
        (*SIZE, 3), 2, backbone="mobilenet_0.25", channels=8, strides=(8, 16), prior=prior
    )


def test_sound_boxes_have_anchors_and_come_back(pictures):
    data = batches(pictures)
    assert checks.anchors(data).verdict == "passed"
    line = checks.coding(data)
    assert line.verdict == "passed"
    count = sum(map(len, pictures.annotations))
    assert f"{count} of {count} boxes come back" in line.found


def test_anchors_that_cover_no_box_are_refused_and_others_proposed(pictures):
    thin = Anchors(SIZE, ((8, ((90.0, 4.0),)), (16, ((4.0, 60.0),))))
    line = checks.anchors(batches(pictures, AnchorCoding(thin, 2)))
    assert line.verdict == "failed"
    assert "best IoU 0–0.3" in line.found
    assert "--anchors=auto, by which 0.0% have none" in line.todo


def test_a_grid_whose_cells_are_shared_is_refused(pictures):
    assert checks.anchors(batches(pictures, GridCoding(SIZE, (12, 18), 2))).verdict == "passed"
    line = checks.anchors(batches(pictures, GridCoding(SIZE, (1, 1), 2)))
    assert line.verdict == "failed"
    assert "--head=anchors" in line.todo


@pytest.mark.parametrize(
    "broken",
    (
        lambda boxes: boxes + 6,
        lambda boxes: boxes[:, [1, 0, 3, 2]],
        lambda boxes: boxes * 1.25,
    ),
    ids=("shifted", "swapped", "scaled"),
)
def test_boxes_that_are_broken_on_their_way_do_not_come_back(pictures, broken):
    data = batches(pictures)
    data.boxes = [broken(boxes).astype(np.float32) for boxes in data.boxes]
    line = checks.coding(data)
    assert line.verdict == "failed"
    assert "look at the sheet" in line.todo


def test_labels_that_are_exchanged_do_not_come_back(pictures):
    data = batches(pictures)
    data.labels = [1 - labels for labels in data.labels]
    assert checks.coding(data).verdict == "failed"


def test_first_loss_is_the_priors(pictures):
    line = checks.initial_loss(network(), batches(pictures), AnchorLoss())
    assert line.verdict == "passed"
    assert "-log π 4.61" in line.found


@pytest.mark.slow
@pytest.mark.parametrize("prior", (0.5, 0.03))
def test_another_prior_is_refused(pictures, prior):
    line = checks.initial_loss(network(prior), batches(pictures), AnchorLoss())
    assert line.verdict == "failed"
    assert "bias -log((1 - π) / π)" in line.todo


class Learner:
    """Stands for a network that answers perfectly to targets that it was taught."""

    def __init__(self, data, losses):
        self.data, self.losses = data, iter(losses)

    def compile(self, *args, **options):
        pass

    def train_on_batch(self, x, y):
        self.y = y
        return next(self.losses)

    def __call__(self, x, training):
        return np.stack([self.data.setup.coding.perfect_output(target) for target in self.y])


def overfit(data, losses, monkeypatch, seconds=60.0):
    monkeypatch.setattr(checks, "_copy", lambda network: Learner(data, losses))
    return checks.overfit(network=None, train=data, loss=None, seconds=seconds)


def test_five_pictures_by_heart_pass(pictures, monkeypatch):
    line = overfit(batches(pictures), np.linspace(4, 0.1, 10), monkeypatch)
    assert line.verdict == "passed"
    assert "average precision 1.000" in line.found


def test_learned_boxes_that_are_not_the_annotated_ones_fail(pictures, monkeypatch):
    data = batches(pictures)
    data.boxes = [boxes[:, [1, 0, 3, 2]] for boxes in data.boxes]
    line = overfit(data, [*np.linspace(4, 0.1, 9), 0.001], monkeypatch)
    assert line.verdict == "failed"
    assert "learns other boxes" in line.todo


def test_a_loss_that_is_no_number_fails(pictures, monkeypatch):
    line = overfit(batches(pictures), [4.0, float("nan")], monkeypatch)
    assert line.verdict == "failed"
    assert "nan in step 2" in line.found


def test_too_little_time_is_no_verdict(pictures, monkeypatch):
    data = batches(pictures)
    data.boxes = [boxes + 9 for boxes in data.boxes]
    with pytest.raises(LeftOut, match="no verdict"):
        overfit(data, np.full(99, 3.0), monkeypatch, seconds=1e-9)


def test_the_sheet_is_drawn_and_the_network_left_as_it_was(pictures, tmp_path):
    own = network()
    before = own.get_weights()
    path = tmp_path / "boxes.png"
    found = checks.preflight_detector(own, batches(pictures), AnchorLoss(), sheet=path, seconds=0.0)
    assert path.is_file()
    assert not found.failed
    names = [line.name for line in found.lines] + [name for name, _ in found.left_out]
    assert names == ["anchors", "coding", "loss", "sheet", "overfit"]
    assert all(np.array_equal(a, b) for a, b in zip(before, own.get_weights(), strict=True))


@pytest.mark.faults
def test_five_pictures_are_learned_by_a_real_network(pictures):
    line = checks.overfit(network(), batches(pictures), AnchorLoss(), seconds=600)
    assert line.verdict == "passed", line
