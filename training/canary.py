"""The canary of a bundle: an image whose answer shows that the preprocessing has changed.

A network that is certain answers the same to much: so the image is one of which it is not certain,
it is wider than the network's input, and what would go unnoticed is tried before it is taken.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing import Preprocessor, SimplePreprocessor
from sightkit.training.classifier import TOLERANCE, canary_difference

TRIED = 4
NOTICED = 5 * TOLERANCE
"""Least difference of log-probabilities that each change must make."""
TRIM = 0.05
TINT = (1.0, 0.75, 0.5)
HALVINGS = 12

Prepare = Callable[[np.ndarray], np.ndarray]
Answer = Callable[[list[np.ndarray]], np.ndarray]


@dataclass(frozen=True)
class Canary:
    """An image and what it shows.

    Attributes:
        image: uint8 (H, W, 1 or 3).
        shows: name of a change to the difference of log-probabilities that it makes.
    """

    image: np.ndarray
    shows: dict[str, float]

    @property
    def blind(self) -> list[str]:
        """Changes that would pass unnoticed."""
        return [name for name, found in self.shows.items() if not found > TOLERANCE]


def choose_canary(images: Iterable[np.ndarray], prepare: Prepare, answer: Answer) -> Canary:
    """Return the first image that shows every change, or else the one that shows most.

    The changes are pixels of half and of twice the size, the other order of channels, a crop by
    5 %, and another treatment of an image that is not square.

    Args:
        images: uint8 (H, W, 1 or 3) each, the best first; few are looked at.
        prepare: what an image goes through before the network.
        answer: prepared images to probabilities, (n, classes).
    """
    best = None
    for image in images:
        found = Canary(image, _differences(image, prepare, answer))
        least = min(found.shows.values(), default=0.0)
        if least >= NOTICED:
            return found
        if best is None or least > min(best.shows.values(), default=0.0):
            best = found
    if best is None:
        raise SightkitError("A canary is chosen from images.", images=0)
    return best


def hard_images(
    rows: np.ndarray, labels: np.ndarray, inputs: np.ndarray, chain: Preprocessor, answer: Answer
) -> Iterator[np.ndarray]:
    """Yield images for a canary: those answered rightly, the least certain first; then others.

    Where all answers are certain, an image between two of two classes is not; where all images are
    grey, a tint shows the order of channels.

    Args:
        rows: uint8 (n, H, W, C), as a dataset file has them.
        labels: int64 (n,).
        inputs: (n, …), what the network gets of them.
        chain: from a decoded image to the network's input.
        answer: as ``choose_canary`` takes it.
    """
    found = answer(list(inputs))
    given = found.argmax(axis=1)
    order = np.lexsort((found.max(axis=1), given != labels))
    widened = _widening(rows[order[0]], inputs[order[0]], chain)
    best = order[:TRIED]
    yield from map(widened, rows[best])
    for row in best:
        for other in order[given[order] != given[row]][:1]:
            between = _between(rows[row], rows[other], lambda x: answer([chain(widened(x))])[0])
            yield widened(between)
            if rows.shape[-1] == 3:
                yield widened((between * TINT).astype(np.uint8))
    if rows.shape[-1] == 3:
        yield from (widened((rows[row] * TINT).astype(np.uint8)) for row in best)


def _between(
    one: np.ndarray, other: np.ndarray, answered: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return a mixture of two images at which the answer changes: there no network is certain."""
    low, high = 0.0, 1.0
    first, mixed = answered(one).argmax(), one
    for _ in range(HALVINGS):
        share = (low + high) / 2
        mixed = np.rint((1 - share) * one + share * other).astype(np.uint8)
        low, high = (share, high) if answered(mixed).argmax() == first else (low, share)
    return mixed


def _widening(row: np.ndarray, wanted: np.ndarray, chain: Preprocessor) -> Prepare:
    """Return what makes a row an image of another shape that the chain turns into the row again.

    Stretched for chains that stretch, with more at its sides for those that crop; for those that
    take one size, the row itself.
    """

    def padded(row: np.ndarray) -> np.ndarray:
        margin = row.shape[1] // 4
        return np.pad(row, ((0, 0), (margin, margin), (0, 0)), mode="symmetric")

    def stretched(row: np.ndarray) -> np.ndarray:
        return np.repeat(row, 2, axis=1)

    distances = {}
    for widen in (padded, stretched):
        x = _prepared(chain, widen(row))
        if x is not None and x.shape == wanted.shape:
            distances[widen] = float(np.abs(x - wanted.astype(float)).mean())
    return min(distances, key=lambda widen: distances[widen]) if distances else np.array


def _prepared(prepare: Prepare, image: np.ndarray) -> np.ndarray | None:
    """Return what the network would be given; None where the chain takes no such image."""
    try:
        return prepare(np.ascontiguousarray(image))
    except SightkitError:
        return None


def _differences(image: np.ndarray, prepare: Prepare, answer: Answer) -> dict[str, float]:
    """Return for each change by how much the answer moves."""
    x = prepare(image)
    changed = {"scale": [_scaled(x, 0.5), _scaled(x, 2.0)]}
    if image.shape[-1] == 3 and x.shape[-1] == 3:
        changed["channel order"] = [prepare(np.ascontiguousarray(image[..., ::-1]))]
    height, width = image.shape[:2]
    top, left = (max(1, round(side * TRIM / 2)) for side in (height, width))
    trimmed = _prepared(prepare, image[top:-top, left:-left])
    takes_any = x is image  # prepared by the network itself
    if height != width and trimmed is not None and (takes_any or trimmed.shape == x.shape):
        changed["crop"] = [trimmed]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        squeezed = SimplePreprocessor(side, side)(image)
        squares = (image[top : top + side, left : left + side], squeezed)
        changed["shape"] = [prepare(np.ascontiguousarray(square)) for square in squares]
    flat = list(itertools.chain.from_iterable(changed.values()))
    expected, *found = answer([x, *flat])
    moved = iter([canary_difference(each, expected) for each in found])
    by_change = {name: [next(moved) for _ in each] for name, each in changed.items()}
    # Of the two squares one is what the chain makes itself.
    return {name: (max if name == "shape" else min)(each) for name, each in by_change.items()}


def _scaled(x: np.ndarray, factor: float) -> np.ndarray:
    scaled = x * np.float32(factor)
    return scaled.clip(0, 255).astype(np.uint8) if x.dtype == np.uint8 else scaled
