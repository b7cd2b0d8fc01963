"""Features and their classifier as books and their readers get them; for comparison only.

One photo is decoded at a time, a batch of 32 goes to ``predict``, C comes from a plain grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np


def extract(
    network: keras.Model, paths: Sequence[Path], side: int, batch_size: int = 32
) -> np.ndarray:
    """Features (N, D) of photos by a network without classifier that scales to [-1, 1]."""
    parts = []
    for start in range(0, len(paths), batch_size):
        images = []
        for path in paths[start : start + batch_size]:
            image = np.asarray(cv2.imread(str(path)))[..., ::-1]
            images.append(_middle(np.ascontiguousarray(image), side).astype(np.float32) / 127.5 - 1)
        maps = network.predict(np.stack(images), batch_size=batch_size, verbose=0)
        parts.append(maps.mean(axis=(1, 2)))
    return np.concatenate(parts)


def keras_network(model: keras.Model) -> keras.Model:
    """MobileNetV2-0.35 of ``keras.applications``, averaged, with the weights of ours."""
    network = keras.applications.MobileNetV2(
        input_shape=model.input_shape[1:],
        alpha=0.35,
        include_top=False,
        weights=None,
        pooling="avg",
    )
    network.set_weights(model.get_weights())
    return network


def extract_by_keras(
    network: keras.Model, paths: Sequence[Path], side: int, batch_size: int = 32
) -> np.ndarray:
    """Features (N, D) by Keras' own ``load_img`` and ``img_to_array``, scaled to [-1, 1]."""
    parts = []
    for start in range(0, len(paths), batch_size):
        images = [
            keras.utils.img_to_array(keras.utils.load_img(path, target_size=(side, side)))
            for path in paths[start : start + batch_size]
        ]
        batch = np.stack(images) / 127.5 - 1
        parts.append(network.predict(batch, batch_size=batch_size, verbose=0))
    return np.concatenate(parts)


def grid(strengths: Sequence[float], folds: int) -> Any:
    """Standardization and logistic regression, C by ``GridSearchCV``."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return GridSearchCV(model, {"logisticregression__C": list(strengths)}, cv=folds)


def _middle(image: np.ndarray, side: int) -> np.ndarray:
    """The middle, 0.875 of the shorter side, as the photos' other way takes it."""
    rows, columns = image.shape[:2]
    cut = round(0.875 * min(rows, columns))
    top, left = (rows - cut) // 2, (columns - cut) // 2
    part = image[top : top + cut, left : left + cut]
    shrinks = cut >= side
    return cv2.resize(
        part, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
