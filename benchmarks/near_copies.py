"""Measure how many planted copies the perceptual hash finds, how many pairs are false, how long.

    SIGHTKIT_TEST_DATA=FOLDER python benchmarks/near_copies.py [--quick] [--json FILE]

Of each photo a copy of each kind is made: resized, encoded anew, cropped by 5 % of its height and
width anywhere, and all of it at once. Found is a copy that is paired with its own photo among all
photos and all copies of that kind. False are pairs among the photos themselves, of which none is
another one's copy; of CIFAR-10, enlarged to 64 pixels, which holds a thousand near copies, those of
two classes. The time is for 120,000 images of 64x64: CIFAR-10's, and those mirrored. Rows go to
results/near_copies.json.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import measure
import numpy as np

from sightkit import _cli, io
from sightkit._errors import SightkitError
from sightkit.io.near_copies import LEAST_SIDE, Thumbnails

RESULTS = Path(__file__).parent / "results" / "near_copies.json"
PHOTOS = ("animals", "flowers17")
QUICK_PHOTOS, QUICK_IMAGES = 40, 2_000
FOUND, FALSE, SECONDS = 0.95, 0.001, 60.0

Copy = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Config:
    """Measure the search for near copies."""

    data: Path = Path(os.environ.get("SIGHTKIT_TEST_DATA", "../shared/data"))
    """Folder with animals, flowers17 and cifar10; SIGHTKIT_TEST_DATA by default."""
    quick: bool = False
    """Few photos and images, written nowhere by default: a smoke test."""
    json: Path | None = None
    """File to write the rows to; results/near_copies.json by default."""

    def __post_init__(self) -> None:
        if not all((self.data / name).is_dir() for name in (*PHOTOS, "cifar10")):
            raise SightkitError(
                "--data must name the folder that holds animals, flowers17 and cifar10.",
                data=str(self.data),
            )


def main(config: Config) -> list[measure.Row]:
    rows: list[measure.Row] = []
    for name in PHOTOS:
        photos = _photos(config.data / name)[: QUICK_PHOTOS if config.quick else None]
        rows += [_recall(name, kind, copy, photos) for kind, copy in COPIES.items()]
        rows.append(_false(name, photos))
    small, labels = _cifar(config.data / "cifar10", QUICK_IMAGES if config.quick else None)
    rows.append(_false("CIFAR-10", small, labels))
    rows.append(_seconds(small))
    measure.report(rows, config.json or (None if config.quick else RESULTS))
    return rows


def _photos(folder: Path) -> list[np.ndarray]:
    source = io.FolderDataset(folder)()
    photos = [source.read(row) for row in range(len(source))]
    return [photo for photo in photos if min(photo.shape[:2]) >= 1.1 * LEAST_SIDE]


def _cifar(folder: Path, count: int | None) -> tuple[list[np.ndarray], np.ndarray]:
    source = io.Cifar10(folder)()
    size = (LEAST_SIDE, LEAST_SIDE)
    rows = range(count or len(source))
    images = [cv2.resize(source.read(row), size, interpolation=cv2.INTER_CUBIC) for row in rows]
    return images, source.labels[: len(images)]


def _resized(image: np.ndarray, factor: float) -> np.ndarray:
    height, width = image.shape[:2]
    factor = max(factor, LEAST_SIDE / min(height, width))
    size = round(width * factor), round(height * factor)
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, size, interpolation=method).reshape(size[1], size[0], -1)


def _encoded(image: np.ndarray, quality: int) -> np.ndarray:
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return io.decode_image(cv2.imencode(".jpg", image[..., ::-1], options)[1].tobytes())


def _cropped(image: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    height, width = image.shape[:2]
    rows, columns = round(height * (1 - share)), round(width * (1 - share))
    top, left = rng.integers(0, height - rows + 1), rng.integers(0, width - columns + 1)
    return np.ascontiguousarray(image[top : top + rows, left : left + columns])


COPIES: dict[str, Copy] = {
    "resized to half": lambda image, rng: _resized(image, 0.5),
    "resized to twice": lambda image, rng: _resized(image, 2.0),
    "JPEG of quality 40": lambda image, rng: _encoded(image, 40),
    "cropped by 5 %": lambda image, rng: _cropped(image, 0.05, rng),
    "cropped by 5 %, resized, JPEG": lambda image, rng: _encoded(
        _resized(_cropped(image, 0.05, rng), 0.7), 60
    ),
}


def _recall(name: str, kind: str, copy: Copy, photos: list[np.ndarray]) -> measure.Row:
    rng = np.random.default_rng(0)
    copies = [copy(photo, rng) for photo in photos]
    count = len(photos)
    pairs = _pairs([*photos, *copies])
    found = len({first for first, second in pairs if second == first + count})
    share = found / count
    figures = {"data": name, "kind": kind, "found": found, "of": count}
    return measure.at_least(f"{name}, {kind}", "95 % found", share / FOUND, 1.0, **figures)


def _false(name: str, images: list[np.ndarray], labels: np.ndarray | None = None) -> measure.Row:
    """Count the pairs of different photos: all of them, or those of two classes."""
    pairs = _pairs(images)
    false = [(a, b) for a, b in pairs if labels is None or labels[a] != labels[b]]
    share = len(false) / len(images)
    kind = "pairs of different photos" if labels is None else "pairs of two classes"
    figures = {"data": name, "kind": kind, "found": len(false), "of": len(images)}
    figures["pairs"] = len(pairs)
    return measure.at_most(f"{name}, {kind}", "0.1 % of images", share / FALSE, 1.0, **figures)


def _seconds(images: list[np.ndarray]) -> measure.Row:
    mirrored = [np.ascontiguousarray(image[:, ::-1]) for image in images]
    start = time.perf_counter()
    _pairs([*images, *mirrored])
    seconds = time.perf_counter() - start
    figures = {"data": "CIFAR-10", "kind": "seconds", "found": seconds, "of": 2 * len(images)}
    name = f"{2 * len(images):,} images of 64x64"
    return measure.at_most(name, "a minute", seconds / SECONDS, 1.0, **figures)


def _pairs(images: list[np.ndarray]) -> list[tuple[int, int]]:
    thumbnails = Thumbnails(len(images))
    for number, image in enumerate(images):
        thumbnails.add(number, image)
    return [tuple(pair) for pair in thumbnails.pairs(np.arange(len(images))).tolist()]


if __name__ == "__main__":
    _cli.run(main, Config)
