"""The data sets that scripts build, as others publish them: origin, files, licence."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sightkit.io.published import report_unless_published


@dataclass(frozen=True)
class PublishedFile:
    """A file as it is published; 0 bytes and no SHA-256 where nobody states them."""

    name: str
    bytes: int = 0
    sha256: str = ""

    @classmethod
    def of(cls, line: str) -> PublishedFile:
        """Read a line: name, bytes, SHA-256."""
        name, size, sha256 = [*line.split(), "", ""][:3]
        return cls(name, int(size or 0), sha256)


@dataclass(frozen=True)
class PublishedData:
    """A data set as it is published.

    Attributes:
        title: what people call it.
        origin: where it comes from, an address or words.
        listing: of the files that are fetched there, see ``PublishedFile.of``.
        licence: as its authors state it; empty where they state none.
    """

    title: str
    origin: str
    listing: str
    licence: str = ""

    @property
    def files(self) -> tuple[PublishedFile, ...]:
        """The files of the listing."""
        return tuple(map(PublishedFile.of, self.listing.strip().split("\n")))

    @property
    def way(self) -> str:
        """The next step of who has not got it."""
        sizes = (f" ({file.bytes:,} bytes)" if file.bytes else "" for file in self.files)
        names = (f"{file.name}{size}" for file, size in zip(self.files, sizes, strict=True))
        return f"Get {', '.join(names)} from {self.origin}"

    def report(self, *paths: str | os.PathLike[str]) -> None:
        """Report on stderr each file that has a published one's name and is not that."""
        known = {file.name: file.sha256 for file in self.files if file.sha256}
        for path in map(Path, paths):
            if path.name in known:
                report_unless_published(path, known[path.name])


DATA_SETS = {
    "animals": PublishedData(
        "Animals (cats, dogs, pandas)",
        "the course: cats and dogs of Kaggle's Dogs vs. Cats, pandas of ImageNet",
        "animals.zip",
    ),
    "caltech101": PublishedData(
        "Caltech-101",
        "https://data.caltech.edu/records/mzrjq-6wc02",
        "caltech-101.zip 137414764",
        "CC BY 4.0",
    ),
    "cifar10": PublishedData(
        "CIFAR-10",
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        """
cifar-10-python.tar.gz 170498071 6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce
""",
    ),
    "dogs_vs_cats": PublishedData(
        "Dogs vs. Cats",
        "https://www.kaggle.com/c/dogs-vs-cats",
        "train.zip",
        "rules of the competition",
    ),
    "fashion_mnist": PublishedData(
        "Fashion-MNIST",
        "https://github.com/zalandoresearch/fashion-mnist",
        """
train-images-idx3-ubyte.gz 26421880 3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84
train-labels-idx1-ubyte.gz 29515 a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845
t10k-images-idx3-ubyte.gz 4422102 346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073
t10k-labels-idx1-ubyte.gz 5148 67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5
""",
        "MIT",
    ),
    "flowers17": PublishedData(
        "Flowers-17", "https://www.robots.ox.ac.uk/~vgg/data/flowers/17", "17flowers.tgz"
    ),
    "imagenet": PublishedData(
        "ImageNet (ILSVRC2012)",
        "https://image-net.org/challenges/LSVRC/2012",
        """
ILSVRC2012_img_train.tar 147897477120
ILSVRC2012_img_val.tar 6744924160
""",
        "for research and education, without commerce",
    ),
    "mnist": PublishedData(
        "MNIST",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
        """
mnist.npz 11490434 731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1
""",
        "CC BY-SA 3.0",
    ),
    "smiles": PublishedData(
        "SMILEs", "https://github.com/hromi/SMILEsmileD", "SMILEsmileD-master.zip"
    ),
    "tiny_imagenet": PublishedData(
        "Tiny ImageNet",
        "https://cs231n.stanford.edu/tiny-imagenet-200.zip",
        """
tiny-imagenet-200.zip 248100043 6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821
""",
    ),
}
"""By the end of the name of the script that builds or trains on it."""
