"""What surrounds a detector's network: its canvas, its pixels, the meaning of its output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Gt, Len, Lt
from typing_extensions import TypedDict

from sightkit._schema import Count
from sightkit.apps.detection.anchors import Anchors
from sightkit.apps.detection.box_coding import AnchorCoding
from sightkit.apps.detection.detections import Detections
from sightkit.apps.detection.grid_coding import GridCoding
from sightkit.apps.detection.letterbox import Letterbox
from sightkit.apps.detection.photo_detector import Limits
from sightkit.apps.detection.suppression import non_maxima_suppression
from sightkit.preprocessing import ColourPreprocessor, Preprocessor, from_config

LEAST_SCORE = 0.05
"""Detections below it are left out: average precision hardly counts them (RetinaNet's)."""
CANDIDATES, MOST = 1000, 300
"""Boxes that are compared with each other, and that are left of a picture at most."""
NEAR_LEAST = 0.3
"""The canary's boxes below this score are not compared: one may just miss the least score."""

Side = Annotated[float, Gt(0), Lt(1e6)]


class SetupConfig(TypedDict):
    """A setup as JSON; of its coding either the anchors or the cells."""

    size: tuple[Count, Count]
    pixels: dict[str, Any]
    head: Literal["anchors", "grid"]
    shapes: list[tuple[Count, Annotated[list[tuple[Side, Side]], Len(1)]]]
    prior: Annotated[float, Gt(0), Lt(1)]
    cells: tuple[Count, Count]
    per_cell: Count


@dataclass(frozen=True)
class DetectorSetup:
    """From a picture to a network's input, and from its output to detections.

    Attributes:
        canvas: size of the input.
        pixels: uint8 (H, W, 3) to float32, as the backbone takes it.
        coding: meaning of the output.
        class_names: in the order of labels.
    """

    canvas: Letterbox
    pixels: Preprocessor
    coding: AnchorCoding | GridCoding
    class_names: tuple[str, ...]
    kind: ClassVar = "detector"
    limits: ClassVar = Limits(shown=0.5, batch_size=8, compared_from=NEAR_LEAST)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the canvas."""
        return self.canvas.height, self.canvas.width

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """Return the network's input of a picture, uint8 (H, W, 1 or 3): float32 (H, W, 3)."""
        return self.pixels(self.canvas(ColourPreprocessor()(image)))

    def fits(self, shape: tuple[int | None, ...]) -> bool:
        """Return whether a network's output can be meant: of as many anchors and classes."""
        return shape[1:] == self.coding.output_shape

    def detections(
        self,
        output: np.ndarray,
        size: tuple[int, int],
        *,
        least_score: float = LEAST_SCORE,
        overlap: float = 0.5,
    ) -> Detections:
        """Return what the network has found in a picture, each class by itself thinned out.

        Args:
            output: of the network for this picture.
            size: (height, width) of the picture.
            least_score: detections below it are left out.
            overlap: IoU that two detections of a class may have.
        """
        boxes, scores = self.coding.decode(output, least_score)
        rows, labels = np.nonzero(scores >= least_score)
        best = np.argsort(-scores[rows, labels], kind="stable")[:CANDIDATES]
        rows, labels = rows[best], labels[best]
        boxes = self.canvas.boxes_back(boxes[rows], size)
        full = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        boxes, scores, labels = boxes[full], scores[rows, labels][full], labels[full]
        kept = non_maxima_suppression(boxes, scores, labels, overlap)[:MOST]
        return Detections(boxes[kept], scores[kept], labels[kept], self.class_names)

    def to_config(self) -> SetupConfig:
        """Return the setup as JSON, without the class names."""
        coding = self.coding
        anchors = isinstance(coding, AnchorCoding)
        return {
            "size": self.size,
            "pixels": self.pixels.to_config(),
            "head": "anchors" if anchors else "grid",
            "shapes": [(s, list(each)) for s, each in coding.anchors.shapes] if anchors else [],
            "prior": coding.prior if anchors else 0.5,
            "cells": (1, 1) if anchors else coding.cells,
            "per_cell": 1 if anchors else coding.per_cell,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], class_names: tuple[str, ...]) -> DetectorSetup:
        """Return the setup that ``to_config`` described."""
        size, classes = tuple(config["size"]), len(class_names)
        if config["head"] == "anchors":
            shapes = tuple((s, tuple(tuple(each) for each in e)) for s, e in config["shapes"])
            coding = AnchorCoding(Anchors(size, shapes), classes, config["prior"])
        else:
            coding = GridCoding(size, tuple(config["cells"]), classes, config["per_cell"])
        return cls(Letterbox(*size), from_config(config["pixels"]), coding, class_names)
