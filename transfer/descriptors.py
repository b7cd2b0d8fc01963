"""Features made by hand, as steps of scikit-learn's pipelines: what networks are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.cluster import MiniBatchKMeans
from sklearn.utils.validation import check_is_fitted

from sightkit.io.threads import in_threads
from sightkit.training.classifier import Photo, decoded


class Descriptor(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base: photos to one row of numbers each.

    Photos are paths of image files, or uint8 arrays (H, W, 3) in RGB order or (H, W, 1), of any
    sizes. ``fit`` learns nothing but the number of features; ``transform`` returns float32 (N, d).

    Attributes:
        n_features_out_: number of features, once it is fitted.
    """

    _n_features_out: int

    def fit(self, X: Iterable[Photo], y: object = None) -> Descriptor:  # noqa: N803
        """Describe one photo: how many features are there?"""
        self.n_features_out_ = self._n_features_out = len(self._describe(decoded(next(iter(X)))))
        return self

    def transform(self, X: Iterable[Photo]) -> np.ndarray:  # noqa: N803
        """Describe photos: float32 (N, d).

        Raises:
            SightkitError: a file that is no image, or an array of another kind.
        """
        check_is_fitted(self)
        return np.stack(list(in_threads(lambda photo: self._describe(decoded(photo)), X)))

    def _describe(self, image: np.ndarray) -> np.ndarray:
        """Return float32 (d,) of a uint8 image."""
        raise NotImplementedError


class Pixels(Descriptor):
    """The pixels of the photo at ``side`` x ``side``, 0-1, without regard to its shape."""

    def __init__(self, side: int = 32) -> None:
        self.side = side

    def _describe(self, image: np.ndarray) -> np.ndarray:
        return _resized(_rgb(image), self.side).ravel().astype(np.float32) / 255


class ColourHistogram(Descriptor):
    """Shares of the photo's pixels in ``bins``³ equal parts of hue, saturation and value.

    Reference:
        Swain, Ballard, "Color indexing", 1991.
    """

    def __init__(self, bins: int = 8) -> None:
        self.bins = bins

    def _describe(self, image: np.ndarray) -> np.ndarray:
        hsv = cv2.cvtColor(_rgb(image), cv2.COLOR_RGB2HSV)
        ends: list[float] = [0, 180, 0, 256, 0, 256]
        counts = cv2.calcHist([hsv], [0, 1, 2], None, [self.bins] * 3, ends).ravel()
        return counts / counts.sum()


class HOG(Descriptor):
    """Histograms of oriented gradients: nine directions in cells of 8x8, at ``side`` x ``side``.

    Reference:
        Dalal, Triggs, "Histograms of oriented gradients for human detection", 2005.
    """

    def __init__(self, side: int = 64) -> None:
        self.side = side

    def _describe(self, image: np.ndarray) -> np.ndarray:
        hog: Any = cv2.HOGDescriptor((self.side, self.side), (16, 16), (8, 8), (8, 8), 9)
        return hog.compute(_grey(_resized(image, self.side))).ravel()


class LocalBinaryPatterns(Descriptor):
    """Shares of the 58 uniform patterns and of all others, in 4x4 parts of ``side`` x ``side``.

    A pixel's pattern says which of its eight neighbours are not darker; it is uniform where that
    changes at most twice around the pixel.

    Reference:
        Ojala, Pietikäinen, Mäenpää, "Multiresolution gray-scale and rotation invariant texture
        classification with local binary patterns", 2002.
    """

    def __init__(self, side: int = 128) -> None:
        self.side = side

    def _describe(self, image: np.ndarray) -> np.ndarray:
        grey = _grey(_resized(image, self.side))
        around = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
        inner = self.side - 2
        bits = (
            (grey[y : y + inner, x : x + inner] >= grey[1:-1, 1:-1]) << place
            for place, (y, x) in enumerate(around)
        )
        patterns = np.pad(UNIFORM[sum(bits)], 1, "edge")
        side = self.side // 4
        parts = patterns[: 4 * side, : 4 * side].reshape(4, side, 4, side).swapaxes(1, 2)
        counts = [np.bincount(part.ravel(), minlength=59) for part in parts.reshape(16, -1)]
        return np.concatenate(counts).astype(np.float32) / side**2


class VisualWords(Descriptor):
    """How often each of ``words`` occurs: SIFT descriptors on a grid, each the nearest word.

    The words are the centres of k-means on the descriptors of the photos that ``fit`` gets; give
    it training photos alone. Square roots of the shares are returned (Hellinger's kernel).

    Args:
        words: of the vocabulary.
        side: photos are resized to ``side`` x ``side``.
        step: pixels between two descriptors.
        seed: of k-means.

    Attributes:
        vocabulary_: scikit-learn's ``MiniBatchKMeans``, fitted.

    Reference:
        Csurka et al., "Visual categorization with bags of keypoints", 2004; on a grid: Fei-Fei,
        Perona, 2005.
    """

    def __init__(self, words: int = 300, side: int = 128, step: int = 8, seed: int = 0) -> None:
        self.words = words
        self.side = side
        self.step = step
        self.seed = seed

    def fit(self, X: Iterable[Photo], y: object = None) -> VisualWords:  # noqa: N803
        """Find the vocabulary."""
        found = np.concatenate(list(in_threads(lambda photo: self._sift(decoded(photo)), X)))
        self.vocabulary_ = MiniBatchKMeans(
            min(self.words, len(found)), random_state=self.seed, n_init=1, batch_size=4096
        ).fit(found)
        self.n_features_out_ = self._n_features_out = self.vocabulary_.n_clusters
        return self

    def _sift(self, image: np.ndarray) -> np.ndarray:
        middle = range(self.step, self.side, self.step)
        points = [cv2.KeyPoint(x, y, 2.0 * self.step) for y in middle for x in middle]
        sift: Any = cv2.SIFT.create()
        return sift.compute(_grey(_resized(image, self.side)), points)[1]

    def _describe(self, image: np.ndarray) -> np.ndarray:
        words = self.vocabulary_.predict(self._sift(image))
        counts = np.bincount(words, minlength=self._n_features_out)
        return np.sqrt(counts / counts.sum(), dtype=np.float32)


def _uniform() -> np.ndarray:
    """Number of each pattern among the uniform ones; 58 for all others."""
    patterns: Sequence[int] = range(256)
    changes = [bin(each ^ (each >> 1 | (each & 1) << 7)).count("1") for each in patterns]
    numbers = iter(range(58))
    return np.array([next(numbers) if count <= 2 else 58 for count in changes])


UNIFORM = _uniform()


def _resized(image: np.ndarray, side: int) -> np.ndarray:
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)


def _rgb(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.shape[2:] != (3,) else image


def _grey(image: np.ndarray) -> np.ndarray:
    return image if image.shape[2:] != (3,) else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
