"""Linear heads on features that stay in their file: every C and every fold in the same passes.

The optimum is that of the heads in memory. scikit-learn's ``partial_fit`` (SGDClassifier) has no
softmax over several classes, and its answers differ from those in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

from sightkit.transfer.heads.classifier import softmax
from sightkit.transfer.heads.scaling import NOISE, Scaling

BLOCK_BYTES = 2**25
PASSES = 200
TOLERANCE = 1e-5
"""Of the gradient of a mean loss, in variables in which its curvature is 1 at the most."""
MEMORY = 5
"""Steps that L-BFGS remembers, each as large as all weights of all Cs and folds."""

LossKind = Literal["softmax", "log", "squared_hinge"]


class Takes(Protocol):
    """What is read of features in a file (``transfer.Features`` fits)."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, dimensions)."""
        ...

    def take(self, rows: np.ndarray | slice) -> np.ndarray:
        """float32 (n, d)."""
        ...


@dataclass(frozen=True)
class StreamedRows:
    """Rows of a feature file, read a block at a time.

    Attributes:
        features: the file.
        taken: int64 (n,), which of its rows, rising.
    """

    features: Takes
    taken: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """(n, d)."""
        return len(self.taken), self.features.shape[1]

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield positions, and float32 (m, d)."""
        size = max(1, BLOCK_BYTES // (4 * self.shape[1]))
        for start in range(0, len(self.taken), size):
            part = slice(start, min(start + size, len(self.taken)))
            yield part, self.features.take(self.taken[part])

    def moments(self, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and deviation, float64 (F, d), of the rows that each mask of (n, F) takes."""
        counts = masks.sum(axis=0, dtype=np.float64)[:, np.newaxis]
        mean, variance = np.zeros((2, masks.shape[1], self.shape[1]))
        for part, block in self.blocks():
            mean += masks[part].T.astype(np.float64) @ block / counts
        for part, block in self.blocks():
            for index, mask in enumerate(masks[part].T):
                variance[index] += np.square(block[mask > 0] - mean[index]).sum(axis=0)
        return mean, np.sqrt(variance / counts)


class StreamedFit:
    """Fits P problems, every C with every mask, in the same passes over the file.

    For each ½‖w‖² + C Σᵢ loss(yᵢ, wᵀzᵢ + b), over the samples that its mask takes, standardized
    by their own mean and deviation. All are one problem to SciPy's L-BFGS-B, in variables
    w = u √(Cn / (1 + Cn)), which makes each objective over Cn alike.

    Args:
        rows: in their file.
        targets: float32 (n, k): 0 and 1 for softmax, else 1, −1 or 0 (see ``targets_of``).
        loss: ``"softmax"``, ``"log"`` or ``"squared_hinge"``.
        strengths: the Cs.
        masks: float32 (n, F): 1 where a sample is trained on.
    """

    def __init__(
        self,
        rows: StreamedRows,
        targets: np.ndarray,
        loss: LossKind,
        strengths: Sequence[float],
        masks: np.ndarray,
    ) -> None:
        self.rows, self.targets, self.loss = rows, targets, loss
        self.masks = np.tile(masks, len(strengths))
        self.counts = self.masks.sum(axis=0, dtype=np.float64)
        whole = np.ones((len(masks), 1), np.float32)
        mean, deviation = rows.moments(np.concatenate([whole, masks], axis=1))
        # Blocks are standardized over all samples, in float32; what a mask's own standardization
        # differs by is applied to the weights.
        self.shared = Scaling.of_moments(mean[0], deviation[0])
        own = np.where(deviation > NOISE * np.abs(mean), deviation, np.inf)[1:]
        apart = (mean[1:] - self.shared.mean) / self.shared.scale
        self.mean = np.tile(apart, (len(strengths), 1))
        self.factor = np.tile(self.shared.scale / own, (len(strengths), 1))
        self.cn = (np.repeat(strengths, masks.shape[1]) * self.counts)[:, np.newaxis, np.newaxis]
        self.unit = np.sqrt(self.cn / (1 + self.cn))
        self.shape = masks.shape[1] * len(strengths), targets.shape[1], rows.shape[1] + 1

    def solve(self) -> tuple[np.ndarray, np.ndarray]:
        """Return weights (P, d, k) and intercepts (P, k), for features as they come."""
        options = {"maxiter": PASSES, "gtol": TOLERANCE, "ftol": 1e-12, "maxcor": MEMORY}
        start = np.zeros(int(np.prod(self.shape)))
        found = minimize(self._objective, start, jac=True, method="L-BFGS-B", options=options)
        weights, intercepts = self._shared(found.x.reshape(self.shape))
        raw = [self.shared.raw(*each) for each in zip(weights.mT, intercepts, strict=True)]
        return np.stack([each for each, _ in raw]), np.stack([each for _, each in raw])

    def _shared(self, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return weights (P, k, d) and intercepts (P, k) for rows of the shared standardization."""
        weights = point[..., :-1] * self.unit * self.factor[:, np.newaxis]
        return weights, point[..., -1] - np.matvec(weights, self.mean)

    def _objective(self, flat: np.ndarray) -> tuple[float, np.ndarray]:
        point = flat.reshape(self.shape)
        weights, intercepts = self._shared(point)
        columns = np.concatenate(weights).astype(np.float32).T
        slopes, sums, value = np.zeros(columns.T.shape, np.float32), np.zeros(intercepts.shape), 0.0
        for part, block in self.rows.blocks():
            block -= self.shared.mean.astype(np.float32)
            block /= self.shared.scale.astype(np.float32)
            scores = (block @ columns).reshape(len(block), *self.shape[:2])
            scores += intercepts.astype(np.float32)
            share = (self.masks[part] / self.counts).astype(np.float32)
            losses, slope = _LOSSES[self.loss](scores, self.targets[part, np.newaxis])
            value += float((losses * share).sum(dtype=np.float64))
            slope *= share[..., np.newaxis]
            slopes += slope.reshape(len(block), -1).T @ block
            sums += slope.sum(axis=0, dtype=np.float64)
        gradient = np.empty(self.shape)
        own = slopes.reshape(weights.shape) - sums[..., np.newaxis] * self.mean[:, np.newaxis]
        scaled = point[..., :-1] * self.unit
        gradient[..., :-1] = (own * self.factor[:, np.newaxis] + scaled / self.cn) * self.unit
        gradient[..., -1] = sums
        return value + float((np.square(scaled) / (2 * self.cn)).sum()), gradient.ravel()


def _softmax(scores: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    losses = logsumexp(scores, axis=2) - (scores * targets).sum(axis=2)
    return losses, softmax(scores) - targets


def _log(scores: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    margins, taken = targets * scores, targets != 0
    losses = (np.logaddexp(0, -margins) * taken).sum(axis=2)
    return losses, -targets / (1 + np.exp(np.minimum(margins, 80)))


def _squared_hinge(scores: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    short = np.maximum(0, 1 - targets * scores) * (targets != 0)
    return np.square(short).sum(axis=2), -2 * targets * short


_LOSSES: dict[str, Any] = {"softmax": _softmax, "log": _log, "squared_hinge": _squared_hinge}
