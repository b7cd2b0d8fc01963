"""Bytes to RGB arrays, sources of images, splits, and the HDF5 dataset file.

Installed as ``sightkit.io``; nothing here shadows the standard library's ``io``. The generator is
a Keras class, so its module is imported when its name is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sightkit.io.build import build_dataset
from sightkit.io.hdf5_file import DatasetFile
from sightkit.io.hdf5_writer import HDF5DatasetWriter
from sightkit.io.images import decode_image, read_image, write_png
from sightkit.io.order import epoch_order, sample_rng
from sightkit.io.sources import ImageSource, digits, mnist
from sightkit.io.split import split
from sightkit.io.verify import Verification, verify

if TYPE_CHECKING:
    from sightkit.io.hdf5_generator import HDF5DatasetGenerator

__all__ = [
    "DatasetFile",
    "HDF5DatasetGenerator",
    "HDF5DatasetWriter",
    "ImageSource",
    "Verification",
    "build_dataset",
    "decode_image",
    "digits",
    "epoch_order",
    "mnist",
    "read_image",
    "sample_rng",
    "split",
    "verify",
    "write_png",
]


def __getattr__(name: str) -> Any:
    if name == "HDF5DatasetGenerator":
        from sightkit.io.hdf5_generator import HDF5DatasetGenerator

        return HDF5DatasetGenerator
    raise AttributeError(f"module 'sightkit.io' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
