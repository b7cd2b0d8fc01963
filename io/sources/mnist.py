"""Grey pictures of one size: scikit-learn's digits, MNIST and Fashion-MNIST."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.io.published import is_there, report_unless_published
from sightkit.io.sources.image_source import ImageSource, in_memory

MNIST_FILE = "mnist.npz"
MNIST_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
FASHION_MNIST_FOLDER = "fashion-mnist"
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
    return _from_keras(
        "mnist",
        _load_mnist,
        [str(digit) for digit in range(10)],
        MNIST_FILE,
        f"Put {MNIST_FILE} (11,490,434 bytes, the file that keras.datasets.mnist fetches)",
    )


def fashion_mnist() -> ImageSource:
    """Fashion-MNIST, 60,000 + 10,000 pictures of clothes: 28x28x1, 0–255, light on dark.

    The four files are found in KERAS_HOME (``~/.keras`` by default), else Keras downloads them.
    The split into train and test is the data set's own, in ``fixed``.

    Source: Xiao, Rasul and Vollgraf, arXiv:1708.07747; class names as in the set's own README.

    Raises:
        SightkitError: no files and no network, or damaged ones; the message names files
            and place.
    """
    import keras

    return _from_keras(
        "fashion_mnist",
        keras.datasets.fashion_mnist.load_data,
        FASHION_MNIST_CLASSES,
        FASHION_MNIST_FOLDER,
        "Put the four .gz files that keras.datasets.fashion_mnist fetches",
    )


def _load_mnist() -> Any:
    path = keras_home() / "datasets" / MNIST_FILE
    if not is_there(path):
        import keras

        return keras.datasets.mnist.load_data()
    # Keras would delete a file with another checksum, to download its own.
    with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
        parts = [(file[f"x_{part}"], file[f"y_{part}"]) for part in ("train", "test")]
    report_unless_published(path, MNIST_SHA256)
    return parts


def keras_home() -> Path:
    """Return the folder of Keras' data sets, ``KERAS_HOME`` or ``~/.keras``, without Keras."""
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))


def _from_keras(
    name: str,
    load_data: Callable[[], Any],
    class_names: Sequence[str],
    file_name: str,
    next_step: str,
) -> ImageSource:
    """A data set of 28x28 pictures that Keras has in its home, or downloads."""
    try:
        (x_train, y_train), (x_test, y_test) = load_data()
        _check_pictures(x_train, y_train, 60_000, len(class_names))
        _check_pictures(x_test, y_test, 10_000, len(class_names))
    except SightkitError:
        raise
    except Exception as error:
        expected = keras_home() / "datasets" / file_name
        state = "damaged" if expected.is_file() else "neither complete nor can it be downloaded"
        raise SightkitError(
            f"{name} is {state} ({_first_line(error)}).",
            f"{next_step} there, or set KERAS_HOME to a writable folder that holds "
            f"datasets/{file_name}.",
            expected=str(expected),
        ) from error
    images = np.concatenate([x_train, x_test])[..., np.newaxis]
    labels = np.concatenate([y_train, y_test])
    return in_memory(name, images, labels, class_names, train=len(y_train))


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


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
