"""Grey pictures of one size: scikit-learn's digits, MNIST and Fashion-MNIST."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightkit._arrays import read_npz
from sightkit._regular_file import read_regular_file
from sightkit.io.data_sets import DATA_SETS
from sightkit.io.published import available, is_there
from sightkit.io.sources.image_source import ImageSource, in_memory

MNIST, FASHION_MNIST = DATA_SETS["mnist"], DATA_SETS["fashion_mnist"]
(MNIST_FILE,) = MNIST.files
FASHION_MNIST_FOLDER = "fashion-mnist"
MAXIMUM_BYTES = 2**26
"""Of a file; the largest real one has 26 MB."""
FASHION_MNIST_CLASSES = (
    "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot"
).split(", ")


def digits() -> ImageSource:
    """The 1,797 handwritten digits embedded in scikit-learn: 8x8x1, 0–255, light on dark."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[..., np.newaxis]
    return in_memory("digits", images, bunch.target, [str(digit) for digit in range(10)])


def mnist() -> ImageSource:
    """MNIST, 60,000 + 10,000 handwritten digits: 28x28x1, 0–255, light on dark.

    The file is found in KERAS_HOME (``~/.keras`` by default), else Keras downloads it. Another
    file of that name is used if it has MNIST's shapes, which is reported. The split into train and
    test is the data set's own, in ``fixed``.

    Raises:
        SightkitError: no file and no network, or a damaged file; the message names file and place.
    """
    with _available("mnist", keras_home() / "datasets" / MNIST_FILE.name, "datasets/mnist.npz"):
        train, test = _load_mnist()
        return _pictures("mnist", train, test, [str(digit) for digit in range(10)])


def fashion_mnist() -> ImageSource:
    """Fashion-MNIST, 60,000 + 10,000 pictures of clothes: 28x28x1, 0–255, light on dark.

    The four files are found in KERAS_HOME (``~/.keras`` by default), else Keras downloads them.
    The split into train and test is the data set's own, in ``fixed``.

    Source: Xiao, Rasul and Vollgraf, arXiv:1708.07747; class names as in the set's own README.

    Raises:
        SightkitError: no files and no network, or damaged ones; the message names files
            and place.
    """
    return FashionMnist(keras_fashion_mnist())()


@dataclass(frozen=True)
class FashionMnist:
    """Fashion-MNIST from a folder of its four files; call it for an ``ImageSource``.

    Other files of these names are used if they have its shapes, which is reported.

    Args:
        folder: holds the four ``.gz`` files as they are published.

    Raises:
        SightkitError: when it is called: a file that is missing or damaged.
    """

    folder: str | os.PathLike[str]

    def __call__(self) -> ImageSource:
        """The images: uint8 (28, 28, 1); labels as published, T-shirt/top to Ankle boot."""
        with _available("fashion_mnist", Path(self.folder), f"datasets/{FASHION_MNIST_FOLDER}"):
            x_train, y_train, x_test, y_test = (
                _idx(data, 16 if "images" in name else 8) for name, data in self._files()
            )
            train, test = (
                (x_train.reshape(-1, 28, 28), y_train),
                (x_test.reshape(-1, 28, 28), y_test),
            )
            source = _pictures("fashion_mnist", train, test, FASHION_MNIST_CLASSES)
        FASHION_MNIST.report(*(Path(self.folder, file.name) for file in FASHION_MNIST.files))
        return source

    def to_config(self) -> dict[str, Any]:
        """The data set's identity, as JSON."""
        with _available("fashion_mnist", Path(self.folder), f"datasets/{FASHION_MNIST_FOLDER}"):
            hashes = {name: hashlib.sha256(data).hexdigest() for name, data in self._files()}
        return {"name": "FashionMnist", "sha256": hashes}

    def _files(self) -> Iterator[tuple[str, bytes]]:
        for file in FASHION_MNIST.files:
            yield file.name, read_regular_file(Path(self.folder, file.name), MAXIMUM_BYTES)


def keras_fashion_mnist() -> Path:
    """Return Keras' folder of Fashion-MNIST in its home; Keras downloads what is missing.

    Raises:
        SightkitError: no files and no network; the message names files and place.
    """
    folder = keras_home() / "datasets" / FASHION_MNIST_FOLDER
    if not all(is_there(folder / file.name) for file in FASHION_MNIST.files):
        import keras

        with _available("fashion_mnist", folder, f"datasets/{FASHION_MNIST_FOLDER}"):
            keras.datasets.fashion_mnist.load_data()
    return folder


def _idx(data: bytes, header: int) -> np.ndarray:
    """The bytes after the header of a compressed IDX file, uint8; more than MNIST's are cut off."""
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        return np.frombuffer(file.read(MAXIMUM_BYTES), np.uint8, offset=header)


def _load_mnist() -> Any:
    path = keras_home() / "datasets" / MNIST_FILE.name
    if not is_there(path):
        import keras

        return keras.datasets.mnist.load_data()
    # Keras would delete a file with another checksum, to download its own.
    file = read_npz(path, MAXIMUM_BYTES)
    parts = [(file[f"x_{part}"], file[f"y_{part}"]) for part in ("train", "test")]
    MNIST.report(path)
    return parts


def keras_home() -> Path:
    """Return the folder of Keras' data sets, ``KERAS_HOME`` or ``~/.keras``, without Keras."""
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))


def _available(name: str, expected: Path, place: str) -> contextlib.AbstractContextManager[None]:
    files = DATA_SETS[name].files
    what = files[0].name if len(files) == 1 else "the four .gz files"
    return available(
        name,
        expected,
        f"Put {what} that keras.datasets.{name} fetches there ({sum(f.bytes for f in files):,} "
        f"bytes), or set KERAS_HOME to a writable folder that holds {place}.",
    )


def _pictures(
    name: str,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    class_names: Sequence[str],
) -> ImageSource:
    """A data set of 60,000 + 10,000 pictures of 28x28; ``ValueError`` where it is none."""
    for part, count in ((train, 60_000), (test, 10_000)):
        _check_pictures(*part, count, len(class_names))
    images, labels = (np.concatenate(both) for both in zip(train, test, strict=True))
    return in_memory(name, images[..., np.newaxis], labels, class_names, train=len(train[1]))


def _check_pictures(images: np.ndarray, labels: np.ndarray, count: int, classes: int) -> None:
    """Raise where a damaged file loaded: Keras checks no sum of a file that exists."""
    shapes = (images.shape, images.dtype) == ((count, 28, 28), np.uint8) and (
        labels.shape == (count,) and labels.dtype.kind in "iu"
    )
    if not shapes or labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"{count:,} uint8 pictures of 28x28 in {classes} classes are expected, not "
            f"{images.dtype} {images.shape} with labels {labels.dtype} {labels.shape}"
        )
