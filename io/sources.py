"""Sources of labelled images: what a data set is before it becomes an HDF5 file."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightkit._errors import SightkitError

MNIST_FILE = "mnist.npz"


@dataclass(frozen=True)
class ImageSource:
    """Labelled images by index; they may lie in memory or be read when asked for.

    Attributes:
        name: of the data set.
        class_names: sorted as the labels count them.
        labels: int64 (N,), indices into ``class_names``.
        read: index to image, uint8 (H, W, 1 or 3).
        identify: index to a name that says where the image comes from.
        fixed: splits that the data set itself defines, name to indices; may be empty.
    """

    name: str
    class_names: tuple[str, ...]
    labels: np.ndarray
    read: Callable[[int], np.ndarray]
    identify: Callable[[int], str]
    fixed: tuple[tuple[str, np.ndarray], ...] = ()

    def __len__(self) -> int:
        return len(self.labels)


def digits() -> ImageSource:
    """The 1,797 handwritten digits embedded in scikit-learn: 8x8x1, 0–255, light on dark."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[..., np.newaxis]
    return _in_memory("digits", images, bunch.target, [str(digit) for digit in range(10)])


def mnist() -> ImageSource:
    """MNIST, 60,000 + 10,000 handwritten digits: 28x28x1, 0–255, light on dark.

    The file is found in KERAS_HOME (``~/.keras`` by default), else Keras downloads it. The split
    into train and test is the data set's own, in ``fixed``.

    Raises:
        SightkitError: no file and no network; the message says what belongs where.
    """
    import keras

    expected = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets" / MNIST_FILE
    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    except Exception as error:
        raise SightkitError(
            f"MNIST is neither on this machine nor can it be downloaded ({_first_line(error)}).",
            f"Put {MNIST_FILE} (11,490,434 bytes, the file that keras.datasets.mnist fetches) "
            f"there, or set KERAS_HOME to a writable folder that holds datasets/{MNIST_FILE}.",
            expected=str(expected),
        ) from error
    images = np.concatenate([x_train, x_test])[..., np.newaxis]
    labels = np.concatenate([y_train, y_test])
    rows = np.arange(len(labels))
    source = _in_memory("mnist", images, labels, [str(digit) for digit in range(10)])
    fixed = (("train", rows[: len(y_train)]), ("test", rows[len(y_train) :]))
    return ImageSource(**{**vars(source), "fixed": fixed})


def _in_memory(
    name: str, images: np.ndarray, labels: np.ndarray, class_names: Sequence[str]
) -> ImageSource:
    return ImageSource(
        name=name,
        class_names=tuple(class_names),
        labels=np.asarray(labels, np.int64),
        read=lambda index: images[index],
        identify=lambda index: f"{name}/{index}",
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
