"""What surrounds a localizer's network: its preprocessing, and the box of its output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from typing_extensions import TypedDict

from sightkit.apps.detection.detections import Detections
from sightkit.apps.detection.photo_detector import Limits
from sightkit.preprocessing import Preprocessor, from_config

SMALLEST = 1e-3
"""Least side of a box, as a share of the picture: a detection has an area."""


class LocalizerConfig(TypedDict):
    """A setup as JSON."""

    preprocessing: dict[str, Any]


@dataclass(frozen=True)
class LocalizerSetup:
    """From a picture to a localizer's input, and from its output to the one detection.

    Attributes:
        preprocessing: a decoded picture to what the network takes.
        class_names: in the order of labels.
    """

    preprocessing: Preprocessor
    class_names: tuple[str, ...]
    kind: ClassVar = "localizer"
    limits: ClassVar = Limits(batch_size=32)

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """Return the network's input of a picture, uint8 (H, W, 1 or 3)."""
        return self.preprocessing(image)

    def fits(self, shape: tuple[int | None, ...]) -> bool:
        """Return whether a network's output can be meant: of as many classes."""
        return shape[1:] in ((len(self.class_names) + 4,), (5 * len(self.class_names),))

    def detections(
        self, output: np.ndarray, size: tuple[int, int], *, least_score: float = 0.0, **_: Any
    ) -> Detections:
        """Return the box of the most probable class, whose probability is the score.

        Args:
            output: of the network for this picture.
            size: (height, width) of the picture.
            least_score: a detection below it is left out.
        """
        (logits,), (box,) = answers_of(output[None].astype(np.float64), len(self.class_names))
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
        low = np.minimum(box[:2], 1 - SMALLEST)
        corners = np.concatenate([low, np.maximum(box[2:], low + SMALLEST)])
        height, width = size
        best = shares.argmax(keepdims=True)
        best = best[shares[best] >= least_score]
        boxes = np.tile(corners * (width, height, width, height), (len(best), 1))
        return Detections(boxes, shares[best], best, self.class_names)

    def to_config(self) -> LocalizerConfig:
        """Return the setup as JSON, without the class names."""
        return {"preprocessing": self.preprocessing.to_config()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], class_names: tuple[str, ...]) -> LocalizerSetup:
        """Return the setup that ``to_config`` described."""
        return cls(from_config(config["preprocessing"]), class_names)


def answers_of(outputs: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the logits, (N, classes), and the box of the best class, (N, 4), shares in 0 to 1."""
    logits, boxes = outputs[:, :classes], outputs[:, classes:].reshape(len(outputs), -1, 4)
    best = logits.argmax(axis=1) if boxes.shape[1] > 1 else np.zeros(len(outputs), np.int64)
    return logits, boxes[np.arange(len(outputs)), best].clip(0, 1)
