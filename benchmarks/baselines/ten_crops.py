"""Ten-crop evaluation as books write it, and as ten passes over one crop each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def corners(rows: int, columns: int, side: int) -> list[tuple[int, int]]:
    """Top and left of the five crops, in the order of ``CropPreprocessor``."""
    down, right = rows - side, columns - side
    return [(0, 0), (0, right), (down, right), (down, 0), (down // 2, right // 2)]


def one_by_one(network: Any, images: np.ndarray, side: int) -> np.ndarray:
    """``predict`` for each crop of each image, then the mean of ten answers."""
    answers = []
    for image in images:
        crops = []
        for top, left in corners(image.shape[0], image.shape[1], side):
            crops.append(image[top : top + side, left : left + side])
        crops += [crop[:, ::-1] for crop in crops]
        predicted = [
            network.predict(crop[np.newaxis].astype("float32") / 255.0, verbose=0)[0]
            for crop in crops
        ]
        answers.append(np.mean(predicted, axis=0))
    return np.array(answers)


def ten_passes(
    predictor: Callable[[np.ndarray], np.ndarray], images: np.ndarray, side: int, batch: int
) -> np.ndarray:
    """Ten evaluations of one crop an image, each in full batches; then the mean of ten answers."""
    passes = []
    for mirrored in (False, True):
        for top, left in corners(images.shape[1], images.shape[2], side):
            answers = []
            for start in range(0, len(images), batch):
                crops = images[start : start + batch, top : top + side, left : left + side]
                if mirrored:
                    crops = crops[:, :, ::-1]
                answers.append(predictor(np.multiply(crops, 1 / 255.0, dtype=np.float32)))
            passes.append(np.concatenate(answers))
    return np.mean(passes, axis=0)
