"""Annotated pictures made for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightkit.apps.detection import AnnotatedPictures, Annotation
from sightkit.io import write_png

NAMES = ("cat", "dog", "größe, 2")


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
