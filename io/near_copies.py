"""Find images that are copies of each other but for size, encoding or a narrow crop.

A hash has the signs of the lowest frequencies of an image's cosine transform (DCT), as pHash has
them (Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010). A crop
moves these; so each image has hashes of its crops too, and they are looked up among the others'
hashes of the whole. What is found is compared block by block. Things of one outline on an empty
background, such as goods on white, look like copies to it.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Mapping, Sequence

import cv2
import numpy as np
from numpy.random import default_rng

Places = Mapping[int, Hashable] | Sequence[Hashable]

LEAST_SIDE = 64
"""Pixels; smaller images hold too little to be distinguished."""
MOST_IMAGES = 2**19
SIDE = 32
PLAIN = 3.0
"""Standard deviation of grey values, up to which an image is of one colour."""

CROP = 0.05
SPANS = ((0.0, 1.0), (0.0, 1 - CROP), (CROP / 2, 1 - CROP / 2), (CROP, 1.0))
WINDOWS = len(SPANS) ** 2
LOWEST = 9
BITS = 64
DISTANCE = 12
BLOCK, CONTRAST, AGREE = 8, 2.0, 0.86
"""Bits that differ, mean correlation of the blocks: 99 % of 400 photos' copies cropped by 5 % are
found, and 7 pairs among 4,389 faces of 64x64, all in one frame."""
TABLES, KEY_BITS, BUCKET = 12, 20, 32
"""Of hashes; a key holds some of the bits, and as many images of one key are compared at most."""
PORTION = 4096


def thumbnail(image: np.ndarray) -> np.ndarray | None:
    """Return grey values of an image, uint8 (32, 32); None if it is too small, or of one colour.

    Args:
        image: uint8 (H, W, 3) or (H, W, 1).
    """
    if min(image.shape[:2]) < LEAST_SIDE:
        return None
    small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    grey = small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    return grey if grey.std() > PLAIN else None


class Thumbnails:
    """Thumbnails of images by number, and the near copies among them; ``add`` is for threads.

    Args:
        count: number of images; of more than ``MOST_IMAGES`` none is compared.
    """

    def __init__(self, count: int) -> None:
        self._grey = np.zeros((count if count <= MOST_IMAGES else 0, SIDE, SIDE), np.uint8)
        self._taken = np.zeros(count, bool)
        self._small = np.zeros(count, bool)

    def add(self, number: int, image: np.ndarray) -> None:
        """Take the thumbnail of an image, uint8 (H, W, 1 or 3)."""
        self._small[number] = min(image.shape[:2]) < LEAST_SIDE
        if len(self._grey) and (grey := thumbnail(image)) is not None:
            self._grey[number] = grey
            self._taken[number] = True

    def copies(
        self, numbers: Sequence[int], places: Places, what: str
    ) -> tuple[dict[int, int], int, str]:
        """Return for each near copy an image before it: one in another place, if there is one.

        Args:
            numbers: images to compare, none equal to another.
            places: number to split or folder.
            what: a place is called.

        Returns:
            The copies, how many of them are in another place, and a line that says so and what was
            not compared.
        """
        if not len(self._grey):
            return {}, 0, f"near copies are looked for among {MOST_IMAGES:,} images at most"
        small = int(self._small.sum())
        if small == len(self._small):
            text = f"near copies are not looked for: all images are below {LEAST_SIDE} pixels"
            return {}, 0, text
        order = np.array(numbers, np.int64)
        pairs = order[self.pairs(order)].tolist()
        pairs.sort(key=lambda pair: places[pair[0]] == places[pair[1]])
        found: dict[int, int] = {}
        for first, second in pairs:
            found.setdefault(second, first)
        apart = sum(places[one] != places[other] for one, other in found.items())
        text = (
            f"{len(found):,} images are near copies of another one (its size, encoding or margin "
            f"differs), {apart:,} of them in another {what}"
        )
        text += f"; {small:,} below {LEAST_SIDE} pixels were not compared" * (small > 0)
        return found, apart, text

    def pairs(self, numbers: np.ndarray) -> np.ndarray:
        """Return near copies among some images: int64 (P, 2), positions in ``numbers``, rising."""
        taken = np.flatnonzero(self._taken[numbers])
        return taken[near_copies(self._grey[numbers[taken]])]


def near_copies(thumbnails: np.ndarray) -> np.ndarray:
    """Return pairs of near copies, int64 (P, 2), each of rising numbers, sorted.

    Args:
        thumbnails: uint8 (N, 32, 32), of ``thumbnail``.
    """
    starts = range(0, len(thumbnails), PORTION)
    portions = (_hashes(thumbnails[start : start + PORTION]) for start in starts)
    hashes = np.concatenate([np.zeros((0, WINDOWS), np.uint64), *portions])
    found = [np.zeros((0, 2), np.int64)]
    for window, (one, other) in enumerate(_candidates(hashes)):
        for start in range(0, len(one), PORTION):
            part = slice(start, start + PORTION)
            cut, whole = thumbnails[one[part]], thumbnails[other[part]]
            alike = _agreement(_blocks(cut, window), _blocks(whole, 0)) >= AGREE
            found.append(np.stack([one[part][alike], other[part][alike]], axis=1))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def _candidates(hashes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for each window the images whose crop has nearly the hash of another whole image."""
    rng = default_rng(0)
    count = len(hashes)
    length = min(KEY_BITS, count.bit_length() + 4)
    mixed = rng.permutation(count)
    whole = hashes[mixed, 0]
    tables = []
    for _ in range(TABLES):
        bits = rng.permutation(BITS)[:length].astype(np.uint64)
        keys = _keys(whole, bits)
        order = np.argsort(keys, kind="stable")
        ends = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=2**length))])
        tables.append((bits, order, ends))
    for window in range(hashes.shape[1]):
        own = hashes[:, window]
        pairs = [np.zeros(0, np.int64)]
        for bits, order, ends in tables:
            keys = _keys(own, bits)
            first = ends[keys]
            sizes = np.minimum(ends[keys + 1] - first, BUCKET)
            one = np.repeat(np.arange(count), sizes)
            place = np.arange(len(one)) - np.repeat(np.cumsum(sizes) - sizes - first, sizes)
            other = order[place]
            near = np.bitwise_count(own[one] ^ whole[other]) <= DISTANCE
            one, other = one[near], mixed[other[near]]
            apart = one < other if window == 0 else one != other
            pairs.append(one[apart] * count + other[apart])
        yield np.divmod(np.unique(np.concatenate(pairs)), max(count, 1))


def _keys(hashes: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """Gather some bits of each hash."""
    keys = np.zeros(len(hashes), np.uint64)
    for bit in bits:
        keys = keys << np.uint64(1) | (hashes >> bit & np.uint64(1))
    return keys.astype(np.int64)


def _hashes(thumbnails: np.ndarray) -> np.ndarray:
    """Return uint64 (n, windows): the whole image's first."""
    basis = np.concatenate(list(map(_basis, SPANS)))
    found = basis @ thumbnails.astype(np.float32) @ basis.T
    found = found.reshape(len(found), len(SPANS), LOWEST, len(SPANS), LOWEST)
    pairs = itertools.product(range(LOWEST), repeat=2)
    lowest = sorted(pairs, key=lambda uv: uv[0] ** 2 + uv[1] ** 2)[1 : BITS + 1]
    rows, columns = np.array(lowest).T
    signs = found.transpose(0, 1, 3, 2, 4)[..., rows, columns] > 0
    return np.packbits(signs, axis=-1).reshape(len(found), WINDOWS, 8).view(np.uint64)[..., 0]


def _agreement(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return the mean correlation of the blocks in which something is to be seen, (n,).

    A common frame, or the black bars of films, are in few of them.
    """
    sizes = np.linalg.norm(ours, axis=-1), np.linalg.norm(theirs, axis=-1)
    seen = np.maximum(*sizes) > BLOCK * CONTRAST
    products = np.einsum("ijk,ijk->ij", ours, theirs) / np.maximum(sizes[0] * sizes[1], 1e-6)
    return (products * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)


def _blocks(thumbnails: np.ndarray, window: int) -> np.ndarray:
    """Return the blocks of a window, each less its mean: float32 (n, blocks, values)."""
    high, wide = (_enlarging(SPANS[each]) for each in divmod(window, len(SPANS)))
    values = high @ thumbnails.astype(np.float32) @ wide.T
    count = SIDE // BLOCK
    values = values.reshape(-1, count, BLOCK, count, BLOCK).transpose(0, 1, 3, 2, 4)
    values = values.reshape(len(thumbnails), count * count, BLOCK * BLOCK)
    return values - values.mean(axis=-1, keepdims=True)


def _enlarging(span: tuple[float, float]) -> np.ndarray:
    """Return the weights that enlarge a span of a line to all of it, (32, 32): linear."""
    centers = (np.arange(SIDE) + 0.5) / SIDE
    places = (span[0] + centers * (span[1] - span[0])) * SIDE - 0.5
    near = 1 - np.abs(places.clip(0, SIDE - 1)[:, np.newaxis] - np.arange(SIDE))
    return near.clip(0).astype(np.float32)


def _basis(span: tuple[float, float]) -> np.ndarray:
    """Return the cosines over a span of a line, summed over each of its pixels, (LOWEST, 32)."""
    place = (np.clip(np.linspace(0, 1, SIDE + 1), *span) - span[0]) / (span[1] - span[0])
    waves = np.arange(1, LOWEST)[:, np.newaxis] * np.pi
    sums = np.concatenate([place[np.newaxis], np.sqrt(2) * np.sin(waves * place) / waves])
    return np.diff(sums, axis=1).astype(np.float32)
