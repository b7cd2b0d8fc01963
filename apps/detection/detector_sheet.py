"""A sheet of training pictures with the boxes of their targets, as the network gets them."""

from __future__ import annotations

import numpy as np

from sightkit.apps.detection.boxes import clip_boxes
from sightkit.apps.detection.detector_batches import DetectionBatches
from sightkit.apps.detection.drawing import colour_of, draw_boxes

PICTURES, COLUMNS = 12, 4


def draw_sheet(train: DetectionBatches, pictures: int = PICTURES) -> np.ndarray:
    """Return the first pictures of the first epoch, uint8 (H, W, 3), with decoded targets.

    What is drawn has gone the whole way: varied, encoded, decoded again. Boxes that no anchor
    learns are missing.
    """
    setup, tiles = train.setup, []
    for row in train.rows(0)[:pictures]:
        canvas, boxes, labels = train.sample(int(row), 0)
        target = setup.coding.encode(boxes, labels)
        found, scores = setup.coding.decode(setup.coding.perfect_output(target))
        rows, classes = np.nonzero(scores > 0.5)
        keyed = np.column_stack([found[rows].round(), classes])  # an anchor each: many alike
        unique = np.unique(keyed, axis=0)
        names = [setup.class_names[int(k)] for k in unique[:, 4]]
        colours = [colour_of(int(k)) for k in unique[:, 4]]
        tiles.append(draw_boxes(canvas, clip_boxes(unique[:, :4], setup.size), names, colours))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % min(COLUMNS, len(tiles)))
    columns = min(COLUMNS, len(tiles))
    lines = [
        np.concatenate(tiles[start : start + columns], axis=1)
        for start in range(0, len(tiles), columns)
    ]
    return np.concatenate(lines)
