"""Linear heads fitted to their optimum: many problems, a C and a fold each, in the same passes.

For each problem: ½‖w‖² + C Σᵢ loss(yᵢ, wᵀzᵢ + b) over its fold's training samples, which is
what scikit-learn's LogisticRegression minimises. The intercept is not penalised.

All share one matrix Z, standardized over all samples. What standardizes it for a fold's own
training samples is applied to the weights in place of the rows: wᵀ((z - m)·f) = (w·f)ᵀz - (w·f)ᵀm.

The variables are those in which the Hessian is about one: v = (1 + C·h·ZᵀZ)^½ w, with h the loss's
mean curvature where the search begins. There ½|g|² is about how far the objective lies above its
least value, or h over the present curvature times that where the loss has become flatter: a search
ends where it is a given share of the objective, and of what the weights have taken off it. (The
first says little at a small C, the second at a large one; scikit-learn ends at a gradient of a
given size, whatever C.)

One pass for five Cs takes less time than five, and their searches go on side by side, each from
zero; later ones, nearer to the optimum, from where they ended.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import ThreadpoolController

from sightkit.transfer.heads.fold_scaling import FoldScaling
from sightkit.transfer.heads.lbfgs import MEMORY, minimise
from sightkit.transfer.heads.losses import Loss
from sightkit.transfer.heads.rows import Rows
from sightkit.transfer.heads.spectrum import Spectrum

LEAST_CURVATURE = 1e-5
ROUNDING = 1e-7
"""Share of an objective that float32 cannot tell from nothing."""
MOST_BYTES = 2**29
"""Of what the searches remember: more problems than fit are solved one group after the other."""


@dataclass
class Solution:
    """Of P problems, a C and a fold each.

    Attributes:
        weights: float32 (P, k, d).
        intercepts: float64 (P, k).
    """

    weights: np.ndarray
    intercepts: np.ndarray

    @classmethod
    def joined(cls, several: list[Solution]) -> Solution:
        """The problems of several, in their order."""
        return cls(
            np.concatenate([each.weights for each in several]),
            np.concatenate([each.intercepts for each in several]),
        )

    def only(self, which: np.ndarray | slice) -> Solution:
        """Of some of the problems."""
        return Solution(self.weights[which], self.intercepts[which])

    def replaced(self, which: np.ndarray, by: Solution) -> Solution:
        """With other solutions of some of the problems."""
        weights, intercepts = self.weights.copy(), self.intercepts.copy()
        weights[which], intercepts[which] = by.weights, by.intercepts
        return Solution(weights, intercepts)


class Solver:
    """Solves problems on the same samples.

    Args:
        rows: standardized features.
        loss: of the scores.
        mask: float32 (n, F): 1 where a sample is a fold's training sample.
        own: what standardizes the rows for each fold; they are as they should be when left out.
        spectrum: of the rows; made when left out.

    Attributes:
        passes: over the data, so far.
    """

    def __init__(
        self,
        rows: Rows,
        loss: Loss,
        mask: np.ndarray,
        own: FoldScaling | None = None,
        spectrum: Spectrum | None = None,
    ) -> None:
        self.rows = rows
        self.loss = loss
        self.mask = mask
        self.own = own
        self.spectrum = Spectrum.of(rows) if spectrum is None else spectrum
        self.passes = 0

    def begin(self, folds: np.ndarray) -> Solution:
        """Weights of zero for problems of these folds (P,)."""
        shape = (len(folds), self.loss.columns, self.rows.shape[1])
        return Solution(np.zeros(shape, np.float32), self.loss.start(self.mask)[folds])

    def solve(
        self, strengths: np.ndarray, folds: np.ndarray, start: Solution, *, gap: float
    ) -> Solution:
        """The optimum of each problem.

        Args:
            strengths: float64 (P,), the C of each.
            folds: int64 (P,), the column of the mask of each.
            start: where the searches begin.
            gap: how far the objective may lie above its least value, as a share of it, and of what
                it has fallen since there were no weights.
        """
        remembered = start.weights[0].nbytes * (2 * MEMORY + 6)
        groups = min(len(folds), -(-len(folds) * remembered // MOST_BYTES))
        return Solution.joined(
            [
                self._solve(strengths[part], folds[part], start.only(part), gap)
                for part in np.array_split(np.arange(len(folds)), groups)
            ]
        )

    def plain(self, solution: Solution, folds: np.ndarray) -> Solution:
        """The same for the shared rows, without the folds' own scaling."""
        if self.own is None:
            return solution
        return Solution(*self.own.only(folds).plain(solution.weights, solution.intercepts))

    def scores(self, solution: Solution, folds: np.ndarray) -> np.ndarray:
        """Scores of all samples, also those that a fold did not train on: float32 (n, P, k)."""
        solution = self.plain(solution, folds)
        shape = solution.weights.shape
        flat = solution.weights.reshape(-1, shape[2])
        parts = [(block @ flat.T).reshape(-1, *shape[:2]) for _, block in self.rows.blocks()]
        return np.concatenate(parts) + solution.intercepts.astype(np.float32)

    def _solve(
        self, strengths: np.ndarray, folds: np.ndarray, start: Solution, gap: float
    ) -> Solution:
        counts = self.mask.sum(axis=0, dtype=np.float64)[folds]
        bends = np.maximum(self._pass(start, folds)[3] / counts, LEAST_CURVATURE)
        root = self.spectrum.root(strengths * bends * counts / self.rows.shape[0])
        unit = 1 / np.sqrt(strengths * bends * counts)[:, np.newaxis]
        shape = start.weights.shape
        empty = strengths * self._without_weights(folds)

        def solution(points: np.ndarray, which: np.ndarray) -> Solution:
            v = points[:, : -shape[1]].reshape(-1, *shape[1:])
            return Solution(root.only(which).solve(v), points[:, -shape[1] :] * unit[which])

        def evaluate(
            which: np.ndarray, points: np.ndarray
        ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            at, strength = solution(points, which), strengths[which]
            losses, slopes, sums, bend = self._pass(at, folds[which])
            length = np.einsum("pkd,pkd->p", at.weights, at.weights, dtype=np.float64)
            values = length / 2 + strength * losses
            slopes *= strength.astype(np.float32)[:, np.newaxis, np.newaxis]
            slopes += at.weights
            inner = root.only(which).solve(slopes).reshape(len(which), -1)
            of_intercepts = strength[:, np.newaxis] * sums * unit[which]
            gradients = np.concatenate([inner, of_intercepts], axis=1, dtype=np.float32)
            now = np.maximum(bend / counts[which], LEAST_CURVATURE)
            above = np.vecdot(gradients, gradients) / 2 * np.maximum(bends[which] / now, 1)
            size = np.maximum(np.minimum(values, empty[which] - values), ROUNDING * values / gap)
            return values, gradients, above < gap * size

        v = root.times(start.weights).reshape(len(start.weights), -1)
        points = np.concatenate([v, start.intercepts / unit], axis=1, dtype=np.float32)
        return solution(minimise(evaluate, points), np.arange(len(points)))

    def _without_weights(self, folds: np.ndarray) -> np.ndarray:
        """Losses (P,) where only the intercepts speak."""
        start = self.loss.start(self.mask)[folds].astype(np.float32)
        scores = np.broadcast_to(start, (len(self.mask), *start.shape))
        return self.loss.value(slice(None), scores, self.mask[:, folds])[0]

    def _pass(
        self, solution: Solution, folds: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Losses (P,), gradients (P, k, d) and (P, k), curvatures (P,): in one pass."""
        plain = self.plain(solution, folds)
        shape = plain.weights.shape
        flat = plain.weights.reshape(-1, shape[2])
        intercepts = plain.intercepts.astype(np.float32)
        losses, bend = np.zeros((2, shape[0]))
        slopes, sums = np.zeros(flat.shape, np.float32), np.zeros(shape[:2])
        for part, block in self.rows.blocks():
            scores = (block @ flat.T).reshape(-1, *shape[:2]) + intercepts
            value, slope, second = self.loss.value(part, scores, self.mask[part][:, folds])
            losses += value
            bend += second
            slopes += slope.reshape(len(slope), -1).T @ block
            sums += slope.sum(axis=0, dtype=np.float64)
        self.passes += 1
        slopes = slopes.reshape(shape)
        if self.own is not None:
            slopes = self.own.only(folds).slopes(slopes, sums)
        return losses, slopes, sums, bend


class _ScipyThreads:
    """Holds SciPy's linear algebra to one thread while anybody is inside."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.limit = ExitStack()

    def enter(self) -> None:
        with self.lock:
            if not self.inside:
                controller = ThreadpoolController()
                found = [
                    each["filepath"] for each in controller.info() if each["user_api"] == "blas"
                ]
                own = [path for path in found if Path(path).parent.name == "scipy.libs"]
                self.limit.enter_context(controller.select(filepath=own).limit(limits=1))
            self.inside += 1

    def leave(self) -> None:
        with self.lock:
            self.inside -= 1
            if not self.inside:
                self.limit.close()


_SCIPY = _ScipyThreads()


@contextmanager
def one_scipy_thread() -> Iterator[None]:
    """SciPy's linear algebra on one thread, NumPy's on all; several threads may be inside at once.

    Where each brings an OpenBLAS of its own, as their wheels do, the idle threads of one wait
    busily, in the way of the other's: on two cores calls that alternate take twice as long.
    """
    _SCIPY.enter()
    try:
        yield
    finally:
        _SCIPY.leave()
