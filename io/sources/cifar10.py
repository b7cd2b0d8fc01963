"""CIFAR-10 from its authors' files, which are pickles: loaded only where their SHA-256 is known.

A pickle is a program: a file is unpickled only if its hash is the published one, or one that the
caller named for that very file. Without a named hash nothing that is not published is unpickled.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit._regular_file import read_regular_file
from sightkit.io.data_sets import DATA_SETS
from sightkit.io.published import available, is_there
from sightkit.io.sources.archives import unpacked
from sightkit.io.sources.image_source import ImageSource, in_memory
from sightkit.io.sources.mnist import keras_home

FOLDER = "cifar-10-batches-py"
KERAS_ARCHIVE = "cifar-10-batches-py-target_archive"
CIFAR10 = DATA_SETS["cifar10"]
SHA256 = {
    "data_batch_1": "54636561a3ce25bd3e19253c6b0d8538147b0ae398331ac4a2d86c6d987368cd",
    "data_batch_2": "766b2cef9fbc745cf056b3152224f7cf77163b330ea9a15f9392beb8b89bc5a8",
    "data_batch_3": "0f00d98ebfb30b3ec0ad19f9756dc2630b89003e10525f5e148445e82aa6a1f9",
    "data_batch_4": "3f7bb240661948b8f4d53e36ec720d8306f5668bd0071dcb4e6c947f78e9682b",
    "data_batch_5": "d91802434d8376bbaeeadf58a737e3a1b12ac839077e931237e0dcd43adcb154",
    "test_batch": "f53d8d457504f7cff4ea9e021afcf0e0ad8e24a91f3fc42091b8adef61157831",
}
CLASS_NAMES = tuple("airplane automobile bird cat deer dog frog horse ship truck".split())

MAXIMUM_BYTES = 2**26
"""Of one file; the real ones have 31 MB."""


@dataclass(frozen=True)
class Cifar10:
    """CIFAR-10, 50,000 + 10,000 photos of 32x32; call it for an ``ImageSource``.

    The split into train and test is the data set's own, in ``fixed``.

    Args:
        folder: holds ``data_batch_1`` to ``data_batch_5`` and ``test_batch``, or a folder
            ``cifar-10-batches-py`` that does.
        sha256: hash of each of the six files, hexadecimal; those of the published ones when left
            out, and then no other file is ever unpickled. Loading a pickle runs it: name hashes of
            other files only where you know who wrote them. A file without a name is refused.

    Raises:
        SightkitError: when it is called: a file that is missing or not the one that is named.
    """

    folder: str | os.PathLike[str]
    sha256: Mapping[str, str] | None = None

    def __call__(self) -> ImageSource:
        """The images: uint8 (32, 32, 3), RGB; labels as published, airplane to truck."""
        folder = self._batches()
        batches = [self._read_batch(folder / name) for name in SHA256]
        images, labels = (np.concatenate(parts) for parts in zip(*batches, strict=True))
        train = len(labels) - len(batches[-1][1])
        return in_memory("cifar10", images, labels, CLASS_NAMES, train)

    def to_config(self) -> dict[str, Any]:
        """The data set's identity, as JSON."""
        return {"name": "Cifar10", "sha256": dict(self.sha256 or SHA256)}

    def _batches(self) -> Path:
        for folder in (Path(self.folder), Path(self.folder, FOLDER)):
            if (folder / "test_batch").is_file():
                return folder
        raise SightkitError(
            f"The folder must hold the python version of CIFAR-10: {', '.join(SHA256)}.",
            f"It is what cifar-10-python.tar.gz unpacks to, the folder {FOLDER}.",
            folder=str(self.folder),
        )

    def _read_batch(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        try:
            data = read_regular_file(path, MAXIMUM_BYTES)
        except OSError as error:
            raise SightkitError(
                f"The file must be a batch of CIFAR-10 ({error.strerror}).",
                "Fetch it again, from its authors.",
                path=str(path),
            ) from error
        # The one gate before the unpickling: these very bytes are published, or named by hash.
        if hashlib.sha256(data).hexdigest() != (self.sha256 or SHA256).get(path.name):
            raise SightkitError(
                "The file is not the one that the authors of CIFAR-10 published, nor named by its "
                "SHA-256.",
                "It is damaged or changed: fetch it again. Nothing in it was run.",
                path=str(path),
                bytes=len(data),
            )
        batch = pickle.loads(data, encoding="bytes")
        # All reds, all greens, all blues.
        images = batch[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(images), np.array(batch[b"labels"], np.int64)


@dataclass(frozen=True)
class FetchedCifar10:
    """CIFAR-10 as an experiment takes it: a folder, else the archive that Keras has or downloads.

    Published files alone: a dataset file that ``scripts/build_cifar10.py`` built is the same one.

    Args:
        folder: holds the python version of the data set. Where it does not exist, Keras' archive is
            unpacked beside it, read, and what was unpacked is removed.

    Raises:
        SightkitError: when it is called: files that are not the published ones, or neither files
            nor a network; the message names file and place.
    """

    folder: str | os.PathLike[str] = Path("datasets") / FOLDER

    def __call__(self) -> ImageSource:
        """The images: uint8 (32, 32, 3), RGB; labels as published, airplane to truck."""
        found = self.folder if os.path.exists(self.folder) else keras_cifar10()
        with unpacked(found, beside=self.folder) as folder:
            return Cifar10(folder)()

    def to_config(self) -> dict[str, Any]:
        """The data set's identity, as JSON."""
        return Cifar10(self.folder).to_config()


def keras_cifar10() -> Path:
    """Return Keras' archive of CIFAR-10 in its home; Keras downloads it where it is missing.

    The SHA-256 of what is downloaded is checked. It is an archive still: ``extract_archive``
    unpacks it, and ``Cifar10`` checks what is in it.

    Raises:
        SightkitError: no file and no network; the message names file and place.
    """
    expected = keras_home() / "datasets" / KERAS_ARCHIVE
    if is_there(expected):  # Keras would delete one with another checksum, to download its own
        return expected
    import keras

    step = (
        f"Give --data the folder {FOLDER} or the archive cifar-10-python.tar.gz, or put the "
        "archive there under that name."
    )
    with available("CIFAR-10", expected, step):
        (archive,) = CIFAR10.files
        return Path(keras.utils.get_file(KERAS_ARCHIVE, CIFAR10.origin, file_hash=archive.sha256))
