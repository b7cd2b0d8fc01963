"""Annotated pictures made for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightkit.apps.detection import (
    AnchorCoding,
    AnnotatedPictures,
    Annotation,
    DetectorSetup,
    Letterbox,
    standard_anchors,
)
from sightkit.io import write_png
from sightkit.preprocessing import ImageToArrayPreprocessor, MeanPreprocessor, Pipeline

NAMES = ("cat", "dog", "größe, 2")
SIZE = (64, 96)
PIXELS = Pipeline((ImageToArrayPreprocessor(1 / 127.5), MeanPreprocessor(1.0, 1.0, 1.0)))
SETUP = DetectorSetup(
    Letterbox(*SIZE), PIXELS, AnchorCoding(standard_anchors(SIZE), 2), ("disc", "square")
)


@pytest.fixture(scope="session")
def saved_detector(tmp_path_factory):
    """A bundle and its network, whose answers differ from place to place, as a trained one's do."""
    import keras

    from sightkit.apps import detection

    keras.utils.set_random_seed(0)
    network = detection.Detector((*SIZE, 3), 2, backbone="mobilenet_0.25", channels=8)
    noise = np.random.default_rng(9).integers(0, 256, (2, *SIZE, 3), np.uint8)
    answers = np.asarray(network(PIXELS(noise[0])[None], training=False))[0]
    for name, part, spread in (
        ("box_output", answers[:, :4], 1),
        ("class_output", answers[:, 4:], 3),
    ):
        layer = network.get_layer(name)
        kernel, bias = layer.get_weights()
        layer.set_weights([kernel * spread / part.std(), bias])
    folder = tmp_path_factory.mktemp("detector") / "bundle"
    return detection.save_detector(folder, network, SETUP, noise[1]), network


@pytest.fixture
def pictures(tmp_path: Path) -> AnnotatedPictures:
    """Three pictures: two boxes, none, three of which one is difficult; corners of all kinds."""
    rng = np.random.default_rng(0)
    annotations = []
    for index, count in enumerate((2, 0, 3)):
        size = (40 + index, 60)
        image = tmp_path / "photos" / f"picture {index}.png"
        image.parent.mkdir(exist_ok=True)
        write_png(image, rng.integers(0, 256, (*size, 3), dtype=np.uint8))
        low = rng.uniform(0, 20, (count, 2))
        boxes = np.hstack([low, low + rng.uniform(1e-3, 20, (count, 2))]).astype(np.float32)
        if count:
            boxes[0] = (0, 0, size[1], size[0])
        labels = np.arange(count) % len(NAMES)
        annotations.append(Annotation(image, size, boxes, labels, np.arange(count) == 2))
    return AnnotatedPictures(tuple(annotations), NAMES)
