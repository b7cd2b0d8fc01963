"""Localizer: views move boxes, losses, measures, network, bundle; a training that resumes."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from sightkit import training, zoo
from sightkit._errors import SightkitError
from sightkit.apps.detection import (
    AnnotatedPictures,
    LocalizationBatches,
    LocalizationLoss,
    Localizer,
    best_constant_box,
    intersection_over_union,
    measure_localizer,
)
from sightkit.apps.detection.localizer_loss import MeanOverlap
from sightkit.apps.detection.localizer_measures import paired_overlap, relative_targets
from sightkit.apps.detection.localizer_network import split_network
from sightkit.apps.detection.localizer_setup import answers_of
from sightkit.apps.detection.localizer_views import view_of
from sightkit.apps.detection.shapes import write_shapes

NAME = "detection/train_localizer"
SMALL = {"base": "mobilenet_0.25", "reduced": 8, "hidden": 16}


@pytest.fixture
def shapes(tmp_path):
    """Three pictures, 96x128, of one disc or square each."""
    return write_shapes(tmp_path / "shapes", 3, most=1)


def is_shape(image):
    """Pixels that are red or blue, not grey noise."""
    return np.ptp(image.astype(int), axis=2) > 100


@pytest.mark.parametrize("view", range(12))
def test_the_box_of_a_view_is_around_what_it_shows(view, shapes):
    targets = relative_targets(shapes)
    for annotation, target in zip(shapes.annotations, targets, strict=True):
        rng = np.random.default_rng(view)
        image, moved = view_of(annotation.read_image(), target, view, rng)
        rows, columns = np.nonzero(is_shape(image))
        x0, y0, x1, y1 = moved[1:] * (128, 96, 128, 96)
        found = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        assert np.abs(np.array(found) - (x0, y0, x1, y1)).max() < 2
        assert moved[0] == target[0] and image.shape == (96, 128, 3)


def test_a_mirrored_view_is_exact(shapes):
    annotation, target = shapes.annotations[0], relative_targets(shapes)[0]
    image, moved = view_of(annotation.read_image(), target, 1, np.random.default_rng(0))
    np.testing.assert_array_equal(image, annotation.read_image()[:, ::-1])
    np.testing.assert_allclose(moved[[1, 3]], 1 - target[[3, 1]], atol=1e-6)
    again = view_of(image, moved, 1, np.random.default_rng(0))
    np.testing.assert_array_equal(again[0], annotation.read_image())


def test_batches_are_a_function_of_seed_epoch_and_picture(shapes):
    def batches():
        return LocalizationBatches(
            shapes, (24, 32), lambda x: x / 255, 2, views=3, shuffle=True, seed=4
        )

    one, other = batches(), batches()
    for _ in range(3):
        one.on_epoch_end()
    other.set_epoch(1)
    other.on_epoch_end()
    assert one.epoch == other.epoch == 2 and one.sha256 == other.sha256
    for index in range(2):
        for a, b in zip(one[index], other[index], strict=True):
            np.testing.assert_array_equal(a, b)
    assert one[0][0].shape == (2, 24, 32, 3) and one[0][1].shape == (2, 5)


def test_pictures_of_several_objects_are_named(tmp_path):
    pictures = write_shapes(tmp_path / "shapes", 8, most=3, seed=3)
    others = [each.image.name for each in pictures.annotations if len(each) != 1]
    with pytest.raises(SightkitError, match=others[0]):
        relative_targets(pictures)
    alone = tuple(each for each in pictures.annotations if len(each) == 1)
    assert len(relative_targets(AnnotatedPictures(alone, pictures.class_names))) == len(alone)


def test_overlap_of_loss_metric_and_measures_is_one(rng):
    low = rng.uniform(0, 0.5, (2, 20, 2))
    boxes, truth = np.concatenate([low, low + rng.uniform(0.05, 0.5, low.shape)], axis=2)
    labels = rng.integers(0, 3, 20)
    targets = np.column_stack([labels, truth]).astype(np.float32)
    logits = np.eye(3)[labels] * 30
    outputs = np.column_stack([logits, boxes]).astype(np.float32)
    expected = np.diag(intersection_over_union(boxes, truth))
    np.testing.assert_allclose(paired_overlap(boxes, truth), expected, atol=1e-12)
    metric = MeanOverlap(3)
    metric.update_state(targets, outputs)
    assert float(metric.result()) == pytest.approx(expected.mean(), abs=1e-5)
    perfect = np.column_stack([logits, truth]).astype(np.float32)
    for box in ("iou", "smooth_l1"):
        loss = LocalizationLoss(3, box)
        assert float(loss(targets, perfect)) == pytest.approx(0, abs=1e-5)
        assert float(loss(targets, outputs)) > 0.1
    far = perfect + np.array([0, 0, 0, 2, 2, 2, 2], np.float32)
    near = perfect + np.array([0, 0, 0, 1, 1, 1, 1], np.float32)
    assert LocalizationLoss(3)(targets, far) > LocalizationLoss(3)(targets, near)


def test_boxes_of_classes_are_those_of_the_class():
    outputs = np.array([[0, 9, 0.1, 0.1, 0.2, 0.2, 0.5, 0.5, 0.9, 0.9]], np.float32)
    logits, boxes = answers_of(outputs, 2)
    assert logits.tolist() == [[0, 9]]
    np.testing.assert_allclose(boxes, [[0.5, 0.5, 0.9, 0.9]])
    loss = LocalizationLoss(2)
    right = loss(np.array([[1, 0.5, 0.5, 0.9, 0.9]], np.float32), outputs)
    other = loss(np.array([[0, 0.1, 0.1, 0.2, 0.2]], np.float32), outputs)
    assert float(right) < 0.01 and float(other) == pytest.approx(9, abs=0.01)


def test_the_best_constant_box_beats_the_mean(rng):
    boxes = np.where(rng.random((300, 1)) < 0.6, [[0, 0.1, 1, 0.9]], [[0.4, 0.4, 0.6, 0.6]])
    best = best_constant_box(boxes)
    np.testing.assert_allclose(best, [0, 0.1, 1, 0.9], atol=0.01)
    mean = boxes.mean(axis=0)[None]
    assert paired_overlap(best[None], boxes).mean() > paired_overlap(mean, boxes).mean() + 0.05
    targets = np.column_stack([np.zeros(300), boxes])
    found = measure_localizer(np.tile([1.0, 0.0], (300, 1)), boxes, targets, best)
    assert found["mean_iou"] == found["accuracy"] == found["localized"] == 1
    assert found["ratio"] == pytest.approx(1 / found["constant_iou"])


@pytest.mark.slow
@pytest.mark.parametrize("class_boxes", (False, True))
def test_the_head_alone_is_the_networks(class_boxes, rng):
    network = Localizer((64, 64, 3), 3, class_boxes=class_boxes, **SMALL)
    body, head = split_network(network)
    x = rng.random((2, 64, 64, 3), np.float32)
    whole = network.predict(x, verbose=0)
    parts = head.predict(body.predict(x, verbose=0), verbose=0)
    np.testing.assert_allclose(parts, whole, atol=1e-5)
    assert whole.shape == (2, 15 if class_boxes else 7)
    assert zoo.origin(network)["builder"] == "localizer"
    _, boxes = answers_of(whole, 3)
    assert (boxes[:, 2:] > boxes[:, :2]).all() and (0 <= boxes).all() and (boxes <= 1).all()


def test_a_base_without_maps_is_refused():
    with pytest.raises(SightkitError, match="feature maps"):
        Localizer((28, 28, 1), 3, base="mlp")
    assert Localizer((28, 28, 1), 3, base="lenet", cut="pool2").output_shape == (None, 7)


@pytest.mark.slow
def test_a_localizer_learns_shapes(tmp_path):
    train = write_shapes(tmp_path / "train", 40, most=1, seed=1)
    train = AnnotatedPictures(
        tuple(each for each in train.annotations if len(each) == 1), train.class_names
    )

    keras.utils.set_random_seed(3)
    network = Localizer((32, 32, 3), 2, base="lenet", cut="pool2", dropout=0.1)
    batches, data = (
        LocalizationBatches(train, (32, 32), lambda x: x / 255 - 0.5, 8, **options)
        for options in ({"views": 4, "shuffle": True, "seed": 1}, {})
    )
    network.compile(keras.optimizers.AdamW(3e-3), LocalizationLoss(2))
    training.fit(network, batches, data, run=tmp_path / "one", epochs=20, preflight=False)
    logits, boxes = answers_of(network.predict(data.inputs[0].astype("float32"), verbose=0), 2)
    constant = best_constant_box(data.targets[0][:, 1:])
    found = measure_localizer(logits, boxes, data.targets[0], constant)
    assert found["accuracy"] > 0.9 and found["ratio"] > 1.3


@pytest.mark.slow
def test_the_script_trains_and_detect_reads_its_bundle(script, tmp_path):
    result = script(NAME, "--smoke", "--output", "run", cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert "test: mean IoU" in result.stdout
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["test"]["ratio"] > 0 and len(metrics["constant_box"]) == 4
    write_shapes(tmp_path / "photos", 2)
    given = ("--method", "bundle", "--bundle", "run/bundle", "photos", "--threshold", "0")
    found = script("detection/detect", *given, cwd=tmp_path)
    assert found.code == 0, found.stderr
    answer = json.loads((tmp_path / "detections" / "shapes_000.json").read_text())
    assert len(answer["detections"]) == 1
