"""Preprocessors as books and their readers write them, one image at a time; for comparison only.

Faults that change the picture (a crop one pixel too large, a wrong one for targets that are not
square) are left out, so that the outputs can be compared.
"""

from __future__ import annotations

import cv2
import imutils
import numpy as np
from sklearn.feature_extraction.image import extract_patches_2d


class AspectAware:
    """Resize the shorter side, crop the centre."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height

    def preprocess(self, image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        if width < height:
            image = imutils.resize(image, width=self.width, inter=cv2.INTER_AREA)
            cut = (image.shape[0] - self.height) // 2
            image = image[cut : cut + self.height]
        else:
            image = imutils.resize(image, height=self.height, inter=cv2.INTER_AREA)
            cut = (image.shape[1] - self.width) // 2
            image = image[:, cut : cut + self.width]
        return cv2.resize(image, (self.width, self.height), interpolation=cv2.INTER_AREA)


class Patch:
    """One random crop."""

    def __init__(self, width: int, height: int, seed: int) -> None:
        self.width, self.height = width, height
        self.random = np.random.RandomState(seed)

    def preprocess(self, image: np.ndarray) -> np.ndarray:
        size = (self.height, self.width)
        return extract_patches_2d(image, size, max_patches=1, random_state=self.random)[0]


class Mean:
    """Subtract a mean from each colour."""

    def __init__(self, red: float, green: float, blue: float) -> None:
        self.red, self.green, self.blue = red, green, blue

    def preprocess(self, image: np.ndarray) -> np.ndarray:
        red, green, blue = cv2.split(image.astype("float32"))
        return cv2.merge([red - self.red, green - self.green, blue - self.blue])
