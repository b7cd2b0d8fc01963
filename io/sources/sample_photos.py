"""Small pictures cut from scikit-learn's two sample photographs, laid out as data sets are.

They let every build script run in seconds, on real pixels, without a download.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from sightkit.io.images import write_png
from sightkit.io.sources.cifar10 import SHA256

SIDE, COLUMNS, PER_CLASS = 128, 5, 12
CIFAR_CLASSES = 10
SampleLayout = Literal["folders", "names", "splits", "tiny_imagenet", "cifar10"]


def write_sample_photos(folder: str | os.PathLike[str], layout: SampleLayout = "folders") -> None:
    """Write twelve pictures of a temple and twelve of a flower, 128x128, into an empty folder.

    In CIFAR-10's form they are 32x32, cut otherwise for each of the six files, and their labels
    go through all ten classes, whatever they show.
    """
    folder, tiles = Path(folder), list(_tiles())
    if layout == "cifar10":
        for number, batch in enumerate(SHA256):
            parts = [tile[4 * number :, 4 * number :] for _, _, tile in tiles]
            images = np.stack([cv2.resize(part, (32, 32)) for part in parts])
            labels = [index % CIFAR_CLASSES for index in range(len(tiles))]
            (folder / batch).write_bytes(pickled_batch(images, labels))
        return
    annotations = []
    for name, number, tile in tiles:
        place = {
            "folders": f"{name}/{number}.png",
            "names": f"{name}.{number}.png",
            "splits": f"{'train' if number % 3 else 'val'}/{name}/{name}_{number}.png",
            "tiny_imagenet": f"train/{name}/images/{name}_{number}.png",
        }[layout]
        if layout == "tiny_imagenet" and number % 3 == 0:
            place = f"val/images/{name}_{number}.png"
            annotations.append(f"{name}_{number}.png\t{name}\t0\t0\t{SIDE - 1}\t{SIDE - 1}\n")
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        write_png(folder / place, tile)
    if layout == "tiny_imagenet":
        (folder / "val" / "val_annotations.txt").write_text("".join(annotations))
        (folder / "words.txt").write_text("china\ttemple, pavilion\nflower\tflower, dahlia\n")


def pickled_batch(images: np.ndarray, labels: list[int]) -> bytes:
    """A batch with the content of CIFAR-10's own: uint8 (N, 32, 32, 3) and N labels, pickled."""
    content = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return pickle.dumps({b"data": content, b"labels": labels})


def _tiles() -> Iterator[tuple[str, int, np.ndarray]]:
    """Name of the photograph, number, and uint8 (128, 128, 3)."""
    from sklearn.datasets import load_sample_images

    bunch = load_sample_images()
    for path, photo in zip(bunch.filenames, bunch.images, strict=True):
        for number in range(PER_CLASS):
            row, column = (SIDE * place for place in divmod(number, COLUMNS))
            yield Path(path).stem, number, photo[row : row + SIDE, column : column + SIDE]
