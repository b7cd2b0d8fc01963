"""The network of a detector: its output, its pyramid, its weights; batches; on JAX too."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from sightkit import zoo
from sightkit._errors import SightkitError
from sightkit.apps.detection.anchors import standard_anchors
from sightkit.apps.detection.box_augmentation import BoxAugmentation
from sightkit.apps.detection.detector_batches import DetectionBatches
from sightkit.apps.detection.detector_network import Detector, freeze_normalization
from sightkit.apps.detection.shapes import write_shapes

from .conftest import SETUP, SIZE

SMALL = {"backbone": "mobilenet_0.25", "channels": 8}


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return Detector((*SIZE, 3), 2, **SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("strides", ((8, 16, 32), (8, 16, 32, 64), (16,)))
def test_output_has_a_row_an_anchor(strides):
    anchors = standard_anchors(SIZE, strides)
    network = Detector((*SIZE, 3), 2, strides=strides, **SMALL)
    assert network.output_shape == (None, len(anchors.boxes), 6)


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ("mobilenetv2_0.35", "squeezenet"))
def test_other_backbones_reach_the_same_places(backbone):
    network = Detector((96, 128, 3), 2, backbone=backbone, channels=8)
    assert network.output_shape == (None, len(standard_anchors((96, 128)).boxes), 6)


@pytest.mark.slow
def test_rows_are_in_the_order_of_the_anchors(network):
    """A change of one corner's pixels moves the answers of the anchors around it."""
    anchors = standard_anchors(SIZE).boxes
    noise = np.random.default_rng(0).uniform(-1, 1, (1, *SIZE, 3)).astype(np.float32)
    changed = noise.copy()
    changed[0, :8, 88:] *= -1
    moved = np.abs(network.predict_on_batch(noise) - network.predict_on_batch(changed))[0].max(1)
    fine = np.arange(9 * 8 * 12)
    middle = (anchors[fine, :2] + anchors[fine, 2:]) / 2
    near = moved[fine][np.abs(middle - [92, 4]).max(axis=1) < 4].min()
    far = np.median(moved[fine][np.abs(middle - [4, 60]).max(axis=1) < 20])
    assert near > 2 * far


def test_first_answers_are_the_prior(network):
    noise = np.random.default_rng(0).uniform(-1, 1, (2, *SIZE, 3)).astype(np.float32)
    logits = network.predict_on_batch(noise)[..., 4:]
    assert np.abs(logits - np.log(0.01 / 0.99)).max() < 0.5


def test_it_is_built_again_from_its_origin(network):
    again = zoo.rebuild(zoo.origin(network))
    assert [w.shape for w in again.weights] == [w.shape for w in network.weights]
    assert zoo.origin(again) == zoo.origin(network)


def test_grid_has_a_row_a_cell():
    network = Detector((224, 224, 3), 3, head="grid", **SMALL)
    assert network.output_shape == (None, 7, 7, 13)


def test_normalization_is_frozen_and_fine_maps_if_wanted(network):
    freeze_normalization(network, before=16)
    for layer in network.layers:
        frozen = isinstance(layer, keras.layers.BatchNormalization)
        assert not (frozen and layer.trainable)
    assert not network.get_layer("conv1").trainable
    assert network.get_layer("conv_pw_13").trainable
    assert network.get_layer("class_output").trainable
    freeze_normalization(network)
    assert network.get_layer("conv1").trainable


@pytest.mark.parametrize(
    ("options", "rule"),
    (
        ({"strides": (8, 24)}, "powers of two"),
        ({"strides": (16, 8)}, "powers of two"),
        ({"prior": 0.0}, "prior"),
        ({"head": "mask"}, "head"),
        ({"backbone": "mobilenot"}, "the zoo's networks"),
        ({"backbone": "mlp"}, "feature maps"),
        ({"backbone": "resnet20"}, "feature maps of stride 8"),
    ),
)
def test_arguments_out_of_range_are_refused(options, rule):
    with pytest.raises(SightkitError, match=rule):
        Detector((*SIZE, 3), 2, **{**SMALL, **options})


def test_batches_are_a_function_of_seed_and_epoch(tmp_path):
    pictures = write_shapes(tmp_path, 5)

    def batches(seed=1):
        return DetectionBatches(
            pictures, SETUP, 2, augment=BoxAugmentation(), shuffle=True, seed=seed
        )

    first, second = batches(), batches()
    assert len(first) == 3 and first[2][0].shape == (1, *SIZE, 3)
    first.set_epoch(0)
    before = [first[index] for index in range(3)]
    first.set_epoch(4)
    later = first[0]
    second.set_epoch(4)
    assert all(np.array_equal(a, b) for a, b in zip(later, second[0], strict=True))
    assert not np.array_equal(before[0][0], later[0])
    assert not np.array_equal(before[0][0], batches(2)[0][0])
    assert first.sha256 == second.sha256


def test_pictures_of_several_sizes_and_smaller_than_the_canvas(tmp_path):
    small, large = (
        write_shapes(tmp_path / str(size), 1, size=size) for size in ((40, 50), (200, 90))
    )
    both = dataclasses.replace(small, annotations=(*small.annotations, *large.annotations))
    batches = DetectionBatches(both, SETUP, 2)
    x, y = batches[0]
    assert x.shape == (2, *SIZE, 3) and y.shape[0] == 2
    for boxes, annotation in zip(batches.boxes, both.annotations, strict=True):
        scale = min(SIZE[0] / annotation.size[0], SIZE[1] / annotation.size[1])
        np.testing.assert_allclose(boxes, annotation.boxes * scale, atol=0.6)


@pytest.mark.faults
def test_it_learns_on_jax():
    program = """
import numpy as np, keras
assert keras.backend.backend() == "jax"
from sightkit.apps.detection.anchors import standard_anchors
from sightkit.apps.detection.box_coding import AnchorCoding
from sightkit.apps.detection.detector_network import Detector
keras.utils.set_random_seed(0)
coding = AnchorCoding(standard_anchors((64, 64)), 2)
network = Detector((64, 64, 3), 2, backbone="mobilenet_0.25", channels=8)
network.compile("adam", coding.loss())
boxes, labels = np.array([[8, 8, 40, 40], [30, 20, 60, 60]], "f4"), np.array([0, 1])
x, y = np.random.default_rng(0).uniform(-1, 1, (1, 64, 64, 3)), coding.encode(boxes, labels)[None]
losses = [float(network.train_on_batch(x, y)) for _ in range(20)]
assert losses[-1] < 0.7 * losses[0], losses
"""
    subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        check=True,
        timeout=600,
    )
