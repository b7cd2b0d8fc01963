"""CIFAR-10 from its authors' files, which are pickles: read without running what is in them.

A pickle is a program. The one reader here knows the three names that a stored array needs, and
even those are stand-ins that keep what they are given; the array is made from it afterwards, and
checked.
The files are known by their SHA-256, so that by default nothing else is read at all.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import pickletools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from sightkit._errors import SightkitError
from sightkit.io.sources.image_source import ImageSource
from sightkit.io.sources.mnist import keras_home

FOLDER = "cifar-10-batches-py"
KERAS_ARCHIVE = "cifar-10-batches-py-target_archive"
ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
ARCHIVE_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
SHA256 = {
    "data_batch_1": "54636561a3ce25bd3e19253c6b0d8538147b0ae398331ac4a2d86c6d987368cd",
    "data_batch_2": "766b2cef9fbc745cf056b3152224f7cf77163b330ea9a15f9392beb8b89bc5a8",
    "data_batch_3": "0f00d98ebfb30b3ec0ad19f9756dc2630b89003e10525f5e148445e82aa6a1f9",
    "data_batch_4": "3f7bb240661948b8f4d53e36ec720d8306f5668bd0071dcb4e6c947f78e9682b",
    "data_batch_5": "d91802434d8376bbaeeadf58a737e3a1b12ac839077e931237e0dcd43adcb154",
    "test_batch": "f53d8d457504f7cff4ea9e021afcf0e0ad8e24a91f3fc42091b8adef61157831",
}
CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
PIXELS = 3 * 32 * 32
OPCODES = frozenset(
    "PROTO STOP MARK NONE NEWFALSE BININT BININT1 BININT2 BINSTRING SHORT_BINSTRING BINPUT "
    "LONG_BINPUT EMPTY_DICT EMPTY_LIST TUPLE TUPLE1 TUPLE2 TUPLE3 APPENDS SETITEMS GLOBAL REDUCE "
    "BUILD".split()
)
"""All that the published files are written in. There is no way in it to use a value twice, so what
is read cannot grow beyond the file."""
MAXIMUM_BYTES = 2**26
"""Of one file; the real ones have 31 MB."""


@dataclass(frozen=True)
class Cifar10:
    """CIFAR-10, 50,000 + 10,000 photos of 32x32; call it for an ``ImageSource``.

    The split into train and test is the data set's own, in ``fixed``.

    Args:
        folder: holds ``data_batch_1`` to ``data_batch_5`` and ``test_batch``, or a folder
            ``cifar-10-batches-py`` that does.
        known_files_only: refuse files that are not the published ones, byte for byte. Without it
            any batches of the same form are read, as safely, but nothing vouches for the pixels.

    Raises:
        SightkitError: when it is called: a file that is missing, not the published one, or a
            pickle of anything but such a batch.
    """

    folder: Path
    known_files_only: bool = True

    def __call__(self) -> ImageSource:
        """The images: uint8 (32, 32, 3), RGB; labels as published, airplane to truck."""
        folder = self._batches()
        batches = [self._read(folder / name) for name in SHA256]
        images = np.concatenate([images for images, _ in batches])
        labels = np.concatenate([labels for _, labels in batches])
        rows = np.arange(len(labels))
        first_test = len(labels) - len(batches[-1][1])
        return ImageSource(
            name="cifar10",
            class_names=CLASS_NAMES,
            labels=labels,
            # (3, 32, 32) in the files: all reds, all greens, all blues.
            read=lambda row: np.ascontiguousarray(images[row].transpose(1, 2, 0)),
            identify=lambda row: f"cifar10/{row}",
            fixed=(("train", rows[:first_test]), ("test", rows[first_test:])),
        )

    def to_config(self) -> dict[str, Any]:
        """What the data set is, as JSON."""
        if self.known_files_only:
            files = SHA256
        else:
            folder = self._batches()
            files = {name: hashlib.sha256(_bytes(folder / name)).hexdigest() for name in SHA256}
        return {"name": "Cifar10", "sha256": dict(files)}

    def _batches(self) -> Path:
        for folder in (self.folder, self.folder / FOLDER):
            if (folder / "test_batch").is_file():
                return folder
        raise SightkitError(
            f"The folder must hold the python version of CIFAR-10: {', '.join(SHA256)}.",
            f"It is what cifar-10-python.tar.gz unpacks to, the folder {FOLDER}.",
            folder=str(self.folder),
        )

    def _read(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        data = _bytes(path)
        if self.known_files_only and hashlib.sha256(data).hexdigest() != SHA256[path.name]:
            raise SightkitError(
                "The file is not the one that the authors of CIFAR-10 published.",
                "It is damaged or changed: fetch it again.",
                path=str(path),
                bytes=len(data),
            )
        try:
            _check_opcodes(data)
            batch = _BatchUnpickler(io.BytesIO(data), encoding="bytes").load()
            return _images(batch), _labels(batch)
        except SightkitError:
            raise
        except Exception as error:  # a pickle can fail in any way
            raise _no_batch(path, str(error) or type(error).__name__) from error


def keras_cifar10() -> Path:
    """The archive that Keras keeps of CIFAR-10, in its home; Keras downloads it where missing.

    Its SHA-256 is checked. It is an archive still: ``extract_archive`` unpacks it.

    Raises:
        SightkitError: no file and no network; the message says what belongs where.
    """
    expected = keras_home() / "datasets" / KERAS_ARCHIVE
    import keras

    try:
        return Path(keras.utils.get_file(KERAS_ARCHIVE, ORIGIN, file_hash=ARCHIVE_SHA256))
    except Exception as error:
        raise SightkitError(
            f"CIFAR-10 is neither on this machine nor can it be downloaded "
            f"({str(error).splitlines()[0]}).",
            f"Give --data the folder {FOLDER} or the archive cifar-10-python.tar.gz, or put the "
            "archive there under that name.",
            expected=str(expected),
        ) from error


class _Array:
    """Stands for a numpy array in a pickle and keeps what one would be made of."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Type(_Array):
    """Stands for a numpy dtype."""

    def __init__(self, code: Any = None, *rest: Any) -> None:
        self.code = code


class _ArrayClass:
    """Stands for numpy.ndarray, which is named but not called."""


def _reconstruct(*arguments: Any) -> _Array:
    return _Array()


class _BatchUnpickler(pickle.Unpickler):
    """Knows the three names that a batch of CIFAR-10 has, and no other."""

    names: ClassVar[dict[tuple[str, str], Any]] = {
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy", "ndarray"): _ArrayClass,
        ("numpy", "dtype"): _Type,
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.names:
            raise pickle.UnpicklingError(f"it wants to use {module}.{name}, which no batch needs")
        return self.names[module, name]


def _check_opcodes(data: bytes) -> None:
    """Look at a pickle without running it."""
    kept = 0
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name not in OPCODES:
            raise pickle.UnpicklingError(f"it is written with {opcode.name}, which no batch needs")
        if opcode.name.endswith("PUT"):
            kept += 1
            if (
                int(argument or 0) > kept
            ):  # C's table of kept values is as long as the largest number
                raise pickle.UnpicklingError("it numbers its values in leaps")


def _images(batch: Any) -> np.ndarray:
    """uint8 (N, 3, 32, 32) from the parts of the array ``data``."""
    array = batch[b"data"]
    if type(array) is not _Array:
        raise ValueError("its data is no array")
    _, shape, kind, fortran, content = array.state
    if type(kind) is not _Type or kind.code not in (b"u1", "u1", b"uint8", "uint8") or fortran:
        raise ValueError("its array is not of bytes, row by row")
    if type(content) is not bytes or len(shape) != 2 or shape[1] != PIXELS:
        raise ValueError(f"its array must have the shape (N, {PIXELS}), not {shape}")
    if len(content) != shape[0] * PIXELS:
        raise ValueError(f"its array has {len(content):,} bytes for the shape {shape}")
    return np.frombuffer(content, np.uint8).reshape(shape[0], 3, 32, 32)


def _labels(batch: Any) -> np.ndarray:
    values = batch[b"labels"]
    if type(values) is not list or any(type(value) is not int for value in values):
        raise ValueError("its labels are no list of whole numbers")
    labels = np.array(values, np.int64)
    if len(labels) != batch[b"data"].state[1][0]:
        raise ValueError(f"it has {len(labels):,} labels for {batch[b'data'].state[1][0]:,} images")
    if len(labels) and not 0 <= labels.min() <= labels.max() < len(CLASS_NAMES):
        raise ValueError("its labels must lie between 0 and 9")
    return labels


def _bytes(path: Path) -> bytes:
    try:
        if not path.is_file():  # open() would wait for a FIFO's writer
            raise FileNotFoundError(2, os.strerror(2))
        with open(path, "rb") as file:
            data = file.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        raise _no_batch(path, error.strerror or "it cannot be read") from error
    if len(data) > MAXIMUM_BYTES:
        raise _no_batch(path, f"it has more than {MAXIMUM_BYTES:,} bytes")
    return data


def _no_batch(path: Path, reason: str) -> SightkitError:
    return SightkitError(
        f"The file must be a batch of CIFAR-10 ({' '.join(reason.split())}).",
        "Fetch it again, from its authors; nothing in it was run.",
        path=str(path),
    )
