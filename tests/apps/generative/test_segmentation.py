"""Segmentation: batches, loss, overlap and the bundle; the scripts from end to end."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from sightkit import io, zoo
from sightkit._errors import SightkitError
from sightkit.apps import generative
from sightkit.apps.generative.mask_classes import IGNORED
from sightkit.apps.generative.segmentation_batches import (
    PatchBatches,
    SegmentationBatches,
    padded,
    view_of,
)
from sightkit.apps.generative.segmentation_flags import write_masked_shapes
from sightkit.apps.generative.segmentation_loss import PixelCrossEntropy, balanced_weights
from sightkit.apps.generative.segmentation_network import FCN
from sightkit.preprocessing import ImageToArrayPreprocessor, Pipeline

SCRIPT = Path(__file__).parents[3] / "scripts" / "generative" / "train_segmentation.py"
PIXELS = Pipeline((ImageToArrayPreprocessor(),))
SMALL = ("--size", "32", "--filters", "4", "8", "8", "--views", "4")


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    return write_masked_shapes(tmp_path_factory.mktemp("data") / "shapes", 8, 40)


@pytest.fixture(scope="module")
def pairs(shapes):
    return generative.read_pairs(shapes)


def test_batches_are_a_function_of_seed_and_epoch(pairs):
    def of(seed, epoch, views=2):
        batches = SegmentationBatches(pairs["train"], (32, 32), PIXELS, 3, views=views, seed=seed)
        batches.set_epoch(epoch)
        return [batches[k] for k in range(len(batches))]

    one, same, other = of(1, 0), of(1, 0), of(1, 1)
    assert sum(len(x) for x, _ in one) == 12
    for (x, y), (u, v) in zip(one, same, strict=True):
        np.testing.assert_array_equal(x, u)
        np.testing.assert_array_equal(y, v)
    assert any(not np.array_equal(x, u) for (x, _), (u, _) in zip(one, other, strict=True))
    x, y = SegmentationBatches(pairs["test"], (32, 32), PIXELS, 3)[0]
    assert x.shape == (1, 32, 32, 3) and x.max() <= 1 and y.dtype == np.int64


def test_views_move_pixels_and_labels_together(rng):
    labels = rng.integers(0, 5, (60, 80)).astype(np.uint8)
    image = np.repeat(labels[..., None] * 50, 3, axis=2)
    sizes = set()
    for _ in range(50):
        part, same = view_of(image, labels, rng)
        np.testing.assert_array_equal(part[..., 0], same * 50)
        sizes.add(same.shape)
        assert same.shape[0] >= 25 and same.shape[1] >= 35
    assert len(sizes) > 20


def test_patches_show_their_pixel_in_the_middle(pairs):
    batches = PatchBatches(pairs["train"], (40, 40), 9, PIXELS, 64, count=64, shuffle=True, seed=1)
    x, y = batches[0]
    middle = x[:, 4, 4]
    assert x.shape == (64, 9, 9, 3)
    assert (middle[y == 1, 0] > middle[y == 1, 2] + 0.3).all()  # discs are red
    assert (middle[y == 2, 2] > middle[y == 2, 0] + 0.3).all()  # squares are blue
    np.testing.assert_array_equal(padded(np.arange(4, dtype=np.uint8).reshape(2, 2), 1),
                                  np.arange(4).reshape(2, 2))  # fmt: skip


def test_loss_leaves_out_what_is_not_counted(rng):
    y = rng.integers(0, 4, (2, 6, 5))  # 3 of three classes: not counted
    p = rng.dirichlet(np.ones(3), (2, 6, 5)).astype(np.float32)
    weights = np.array([1.0, 2.0, 0.5])
    expected = []
    for true, found in zip(y, p, strict=True):
        kept = true < 3
        w = weights[true[kept]]
        expected.append(-(w * np.log(found[kept, true[kept]])).sum() / w.sum())
    loss = PixelCrossEntropy([1.0, 2.0, 0.5])(y, p)
    np.testing.assert_allclose(float(loss), np.mean(expected), rtol=1e-5)
    assert float(PixelCrossEntropy([1.0, 1.0, 1.0])(np.full((1, 2, 2), 3), p[:1, :2, :2])) == 0


def test_balanced_weights_raise_what_is_rare():
    labels = np.full((10, 10), IGNORED, np.uint8)
    labels[:8], labels[8, :5], labels[8, 5:7] = 0, 1, 2
    weights = balanced_weights([labels], 4)
    assert weights[1] == pytest.approx(1) and weights[3] == 0
    assert weights[0] < 1 < weights[2]


def test_overlap_equals_its_definition(rng):
    true = rng.integers(0, 3, (30, 20)).astype(np.uint8)
    found = rng.integers(0, 3, (30, 20)).astype(np.uint8)
    true[:5] = IGNORED
    overlap = generative.overlap_of([(true[:, :9], found[:, :9]), (true[:, 9:], found[:, 9:])],
                                    ("a", "b", "c", "never"))  # fmt: skip
    counted = true != IGNORED
    for k in range(3):
        both = ((true == k) & (found == k) & counted).sum()
        either = (((true == k) | (found == k)) & counted).sum()
        assert overlap.by_class[k] == pytest.approx(both / either)
    assert np.isnan(overlap.by_class[3])
    assert overlap.mean == pytest.approx(np.mean(overlap.by_class[:3]))
    assert overlap.right == pytest.approx((true == found)[counted].mean())


@pytest.mark.parametrize("by_patches", [False, True])
def test_bundle_answers_and_notices_changes(by_patches, pairs, tmp_path, rng):
    keras.utils.set_random_seed(1)
    if by_patches:
        network = zoo.LeNet((28, 28, 3), 3)
    else:
        network = zoo.UNet((32, 48, 3), 3, filters=(4, 8, 8))
    for weight in network.get_layer("logits").weights:
        weight.assign(rng.normal(0, 2, weight.shape))  # answers must not be all alike
    segmenter = generative.Segmenter(network, (32, 48), PIXELS, ("a", "b", "c"))
    image = pairs["train"].image(0)
    folder = segmenter.save(tmp_path / "bundle", image)
    loaded = generative.load_segmenter(folder)
    (labels,), (same,) = segmenter.predict(image), loaded.predict([image])
    assert labels.shape == image.shape[:2] and labels.dtype == np.uint8
    assert (labels == same).mean() > 0.99
    grey = rng.integers(0, 256, (3, 200, 1)).astype(np.uint8)  # tiny, wide, of one channel
    assert loaded.predict(grey)[0].shape == (3, 200)
    description = json.loads((folder / "bundle.json").read_text())
    assert description["kind"] == "segmenter" and len(description["canary"]) == 3
    changed = dataclasses.replace(loaded, pixels=ImageToArrayPreprocessor(1 / 127.5))
    with pytest.raises(SightkitError, match="canary"):
        changed.check_canary(folder)
    io.write_png(folder / "canary.png", image[::-1])
    with pytest.raises(SightkitError, match=r"canary\.png"):
        generative.load_segmenter(folder)


def test_fcn_is_built_again_from_its_arguments():
    base = {"base": "mobilenet_0.25", "cut": "conv_pw_5_relu"}
    network = FCN((64, 64, 3), 4, **base)
    assert network.output_shape == (None, 64, 64, 4)
    again = zoo.rebuild(zoo.origin(network))
    assert again.count_params() == network.count_params()
    with pytest.raises(SightkitError, match="multiples of"):
        FCN((72, 64, 3), 4, base="mobilenet_0.25", cut="conv_pw_11_relu")


def command(data, output, *more):
    return [sys.executable, str(SCRIPT), "--data", str(data), "--output", str(output), *SMALL,
            *more]  # fmt: skip


@pytest.mark.faults
def test_killed_training_ends_equal(shapes, tmp_path):
    def finish(name, *more):
        result = subprocess.run(
            command(shapes, tmp_path / name, "--epochs", "4", *more),
            capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        metrics = json.loads((tmp_path / name / "metrics.json").read_text())
        return metrics["weights_sha256"], metrics["test"]["iou"]

    expected = finish("straight")
    child = subprocess.Popen(
        command(shapes, tmp_path / "killed", "--epochs", "4"), stdout=subprocess.DEVNULL
    )
    checkpoints, end = tmp_path / "killed" / "checkpoints", time.monotonic() + 600
    while not any(checkpoints.glob("epoch-*2.npz")):
        assert child.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert finish("killed", "--resume") == expected


@pytest.mark.faults
@pytest.mark.parametrize("network", ["fcn", "patches"])
def test_smoke_trains_and_segments(network, script, tmp_path):
    flags = ("--base", "mobilenet_0.25", "--cut", "conv_pw_5_relu") if network == "fcn" else ()
    result = script("generative/train_segmentation", "--smoke", "--network", network, *flags,
                    cwd=tmp_path)  # fmt: skip
    assert result.code == 0, result.stderr
    run = tmp_path / "runs" / "segmentation" / "smoke"
    assert (run / "segmented.png").is_file() and "mean IoU" in result.stdout
    assert "segmented.png " in result.stdout
    photo = tmp_path / "photo.png"
    io.write_png(photo, np.full((20, 30, 3), 120, np.uint8))
    arguments = ("generative/segment", photo, "--bundle", run / "bundle", "--output", "out")
    result = script(*arguments, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert io.read_image(tmp_path / "out" / "photo.mask.png").shape[:2] == (20, 30)
    assert (tmp_path / "out" / "photo.png").is_file()
    again = script(*arguments, cwd=tmp_path)
    assert again.code == 2 and "--overwrite" in again.stderr


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--size", "100"), "multiples of 16"),
        (("--data", "nowhere"), "--data must be a folder"),
        (("--learning-rate", "0"), "above 0"),
        (("--network", "fcn", "--base", "lenet"), "No pretrained network"),
        (("--resume", "--overwrite"), "give one"),
    ],
)
def test_train_refuses_before_keras(flags, told, script, tmp_path):
    result = script("generative/train_segmentation", *flags, cwd=tmp_path)
    assert result.code == 2 and result.heavy == ""
    assert told in result.stderr and len(result.stderr.splitlines()) == 1


def test_segment_refuses_before_keras(script, tmp_path):
    io.write_png(tmp_path / "photo.png", np.zeros((9, 9, 3), np.uint8))
    result = script("generative/segment", "photo.png", "--bundle", "nowhere", cwd=tmp_path)
    assert result.code == 2 and result.heavy == "" and "bundle" in result.stderr
