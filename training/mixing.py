"""Images of a batch mixed with each other, and their labels with them: mixup and cutmix.

Keras' layers of these names draw from a generator that moves on with each batch that is read, and
batches are read ahead of the step that uses them; nor is its state in any checkpoint. Here the draw
is a function of seed, epoch and batch, so that a run can be resumed anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sightkit._errors import SightkitError

Mixing = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]
"""Images (N, H, W, C), label shares (N, K) and a generator, to both of the same shapes."""


@dataclass(frozen=True)
class MixUp:
    """Each image and its label blended with another of the batch: λ·a + (1 − λ)·b.

    λ is drawn once a batch from Beta(α, α), as in the authors' program.

    Args:
        alpha: strength, above 0; the paper takes 0.2 to 1.

    Raises:
        SightkitError: alpha out of range; images that are no floats, when called.

    Reference:
        Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018, arXiv:1710.09412.
    """

    alpha: float = 0.2

    def __post_init__(self) -> None:
        _require_alpha("MixUp", self.alpha)

    def __call__(
        self, x: np.ndarray, y: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mix a batch: floating (N, H, W, C) and float32 (N, K), to the same shapes and dtypes."""
        if not np.issubdtype(x.dtype, np.floating):
            raise SightkitError(
                "MixUp blends floats.",
                "Put an ImageToArrayPreprocessor last into the chain.",
                dtype=x.dtype,
            )
        share = rng.beta(self.alpha, self.alpha)
        other = rng.permutation(len(x))
        return _blend(x, x[other], share), _blend(y, y[other], share)


@dataclass(frozen=True)
class CutMix:
    """A box of each image replaced by that of another; labels are mixed by the box's area.

    The area is 1 − λ of the image, λ drawn once a batch from Beta(α, α); the box's centre is
    uniform; it is clipped at the image's edges, and the label's share is that of the pixels left.

    Args:
        alpha: above 0; the paper takes 1.

    Raises:
        SightkitError: alpha out of range.

    Reference:
        Yun et al., "CutMix: regularization strategy to train strong classifiers with localizable
        features", ICCV 2019, arXiv:1905.04899.
    """

    alpha: float = 1.0

    def __post_init__(self) -> None:
        _require_alpha("CutMix", self.alpha)

    def __call__(
        self, x: np.ndarray, y: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mix a batch: (N, H, W, C) and float32 (N, K), to the same shapes and dtypes."""
        side = math.sqrt(1 - rng.beta(self.alpha, self.alpha))
        other = rng.permutation(len(x))
        rows, columns = (_interval(size, side, rng) for size in x.shape[1:3])
        mixed = x.copy()
        mixed[:, rows, columns] = x[other, rows, columns]
        box = (rows.stop - rows.start) * (columns.stop - columns.start)
        return mixed, _blend(y, y[other], 1 - box / (x.shape[1] * x.shape[2]))


def _blend(first: np.ndarray, second: np.ndarray, share: float) -> np.ndarray:
    kind = first.dtype.type
    return first * kind(share) + second * kind(1 - share)


def _interval(size: int, share: float, rng: np.random.Generator) -> slice:
    """Return about ``share`` of ``size`` pixels around a uniform centre, clipped at the edges."""
    half = int(size * share) // 2
    centre = int(rng.integers(size))
    return slice(max(0, centre - half), min(size, centre + half))


def _require_alpha(name: str, alpha: float) -> None:
    if not (math.isfinite(alpha) and alpha > 0):
        raise SightkitError(f"{name}: alpha must be a number above 0.", alpha=alpha)
