"""Bytes to RGB arrays, sources of images, splits, and the HDF5 dataset file.

Installed as ``sightkit.io``; nothing here shadows the standard library's ``io``. The generator is
a Keras class, so its module is imported when its name is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sightkit.io.build.config import BuildConfig
from sightkit.io.build.dataset import build_dataset, check_place
from sightkit.io.hdf5.file import DatasetFile
from sightkit.io.hdf5.journal import LeftOut
from sightkit.io.hdf5.subset import write_rows
from sightkit.io.hdf5.writer import HDF5DatasetWriter
from sightkit.io.image_batches import image_batches
from sightkit.io.images import decode_image, read_image, write_png
from sightkit.io.labels import class_weights, decode_labels, encode_labels, one_hot
from sightkit.io.manifest import Manifest
from sightkit.io.order import batch_rng, epoch_order, sample_rng
from sightkit.io.sources.archives import ArchiveLimits, extract_archive
from sightkit.io.sources.cifar10 import Cifar10, keras_cifar10
from sightkit.io.sources.cifar10_fetched import FetchedCifar10
from sightkit.io.sources.folder_dataset import FolderDataset
from sightkit.io.sources.image_source import ImageSource
from sightkit.io.sources.mnist import digits, fashion_mnist, mnist
from sightkit.io.sources.sample_photos import SampleLayout, write_sample_photos
from sightkit.io.split import split
from sightkit.io.verify import Verification, verify

if TYPE_CHECKING:
    from sightkit.io.hdf5.generator import HDF5DatasetGenerator

__all__ = [
    "ArchiveLimits",
    "BuildConfig",
    "Cifar10",
    "DatasetFile",
    "FetchedCifar10",
    "FolderDataset",
    "HDF5DatasetGenerator",
    "HDF5DatasetWriter",
    "ImageSource",
    "LeftOut",
    "Manifest",
    "SampleLayout",
    "Verification",
    "batch_rng",
    "build_dataset",
    "check_place",
    "class_weights",
    "decode_image",
    "decode_labels",
    "digits",
    "encode_labels",
    "epoch_order",
    "extract_archive",
    "fashion_mnist",
    "image_batches",
    "keras_cifar10",
    "mnist",
    "one_hot",
    "read_image",
    "sample_rng",
    "split",
    "verify",
    "write_png",
    "write_rows",
    "write_sample_photos",
]


def __getattr__(name: str) -> Any:
    if name == "HDF5DatasetGenerator":
        from sightkit.io.hdf5.generator import HDF5DatasetGenerator

        return HDF5DatasetGenerator
    raise AttributeError(f"module 'sightkit.io' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
