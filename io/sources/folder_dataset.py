"""A folder of images as a data set."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from sightkit import _scripts
from sightkit._errors import SightkitError, few, printable
from sightkit.io.images import read_image
from sightkit.io.sources.folder_layouts import by_deep, by_folder, by_name, by_number, by_split
from sightkit.io.sources.folder_scan import Scan, scan_folder
from sightkit.io.sources.image_source import ImageSource
from sightkit.io.sources.label_files import by_table
from sightkit.io.sources.labelled import Labelled, LayoutError, Place, label_images
from sightkit.io.sources.tiny_imagenet import tiny_imagenet
from sightkit.io.splits import SPLITS

UNLABELLED = "unlabelled"
"""The one class of images without classes."""
Layout = Literal["folders", "deep", "names", "numbers", "splits", "tiny_imagenet", "none"]
LABEL_AND_NUMBER = r"(?P<label>.*(?:[^._ (-](?=[._ (-])|[^\d._ (-]))[._ (-]*\d+\)?"
"""``cat.0``, ``cat_0``, ``cat0``, ``cat (0)``, ``n01440764_0``; a number alone is no label."""


PROPOSED: tuple[Layout, ...] = ("folders", "splits", "tiny_imagenet", "names", "deep")
GUESSED = ("--layout=folders", "--layout=names", "--layout=deep")
"""Whatever the folder holds, these nearly fit."""
TABLES, MOST_TABLES = (".csv", ".tsv", ".txt", ".json", ".jsonl"), 5
MOST_LOST = 0.1
"""Share of images without a class up to which a layout is proposed."""


@dataclass(frozen=True)
class LinkFlags:
    """The flag ``--follow-links`` of a script that takes a folder of photos."""

    follow_links: bool = field(default=False, kw_only=True)
    """Take what links lead to, outside of the folder; else it is left out and counted."""


@dataclass(frozen=True)
class FolderFlags(LinkFlags):
    """Flags of a script that takes a folder of photos; give ``options`` to ``FolderDataset``."""

    layout: Literal["folders", "deep", "names", "splits", "tiny_imagenet"] = "folders"
    """Place of an image's class: first folder, innermost folder, name, folder in a part."""
    labels: Path | None = None
    """Table of the labels, CSV or JSON lines, in place of a layout: an id or path and a label."""
    columns: tuple[str, ...] | None = None
    """Names of the table's columns of ids and of labels, where there is a choice; and, third, of
    splits, where the table has them."""
    exclude: tuple[str, ...] = ()
    """Classes, or folders below the data, to leave out; or patterns, also of files: "*_old*"."""

    @property
    def options(self) -> dict[str, Any]:
        """Arguments of ``FolderDataset`` by name."""
        return {each.name: getattr(self, each.name) for each in fields(FolderFlags)}


@dataclass(frozen=True)
class FolderDataset:
    """A folder of images; call it for an ``ImageSource``, give it to ``build_dataset``.

    ================= ==========================================================================
    ``folders``       ``CLASS/image.jpg``, or deeper: the first folder is the class
    ``deep``          ``…/CLASS/image.jpg``: the folder that holds the image is the class, in any
                      nesting; folders of one name are one class
    ``names``         ``cat.0.jpg``: the class is in the name, see ``pattern``
    ``numbers``       ``image_0001.jpg`` …: ``per_class`` images of each of ``classes`` in turn
    ``splits``        ``train/CLASS/image.jpg``, ``test/CLASS/image.jpg``, ``val/CLASS/image.jpg``:
                      parts that stay as they are; of ``val`` and ``test`` one may be missing
    ``tiny_imagenet`` ``train/CLASS/images``, ``val/images``, ``val/val_annotations.txt``,
                      ``words.txt``; the images of ``val`` become the fixed test split
    ``none``          images without classes, all of them ``unlabelled``
    ================= ==========================================================================

    Classes are sorted by the bytes of their names, with composed accents (NFC), on every machine
    alike. A file is an image by its first bytes; one whose name ends as an image's must be one.
    Files that are none, hidden ones, links, FIFOs, folders that sightkit wrote and the like are not
    taken: ``left_out`` names each with its reason. A folder that holds nothing but one folder of
    folders is read as that one. Nothing is decoded before an image is read.

    Args:
        folder: that holds the images.
        layout: how it holds labels.
        exclude: classes, or folders below the data, to leave out; or patterns (``fnmatch``: ``*``,
            ``?``) of these and of files' paths.
        pattern: regular expression with a group ``label``, matched against a complete name
            without its ending; for ``names``. The default takes what is before the number.
        classes: in the order of the numbers, for ``numbers``; for ``folders`` those that are looked
            for, in whichever folder holds one of each.
        per_class: images of each class; for ``numbers``.
        fewest: images that each class must have: 1 where all are evaluated; for ``folders`` and
            ``deep``.
        labels: table of the labels, in place of a layout: CSV (any delimiter, UTF-8 or UTF-16) or
            JSON lines, one row an image with its id or path and its label. Ids without a file are
            lost; images that it does not name are none of the data, and are counted.
        columns: names of the table's columns of ids and of labels, which are found where there is
            no choice, and perhaps of splits: those stay as they are.
        at_least: (height, width) that suffice because the images will be shrunk to them or less;
            JPEGs are then decoded faster, and a little differently: see ``read_image``.
        follow_links: take what links lead to, save into the folder itself or where another led.

    Raises:
        SightkitError: when it is listed: no such folder, no images, fewer than two classes, a
            class with fewer than ``fewest`` images or with none in one of the parts, names of
            classes that differ by case or blanks alone.
    """

    folder: str | os.PathLike[str]
    layout: Layout = "folders"
    exclude: tuple[str, ...] = ()
    pattern: str = LABEL_AND_NUMBER
    classes: tuple[str, ...] = ()
    per_class: int = 0
    at_least: tuple[int, int] | None = None
    fewest: int = 2
    labels: str | os.PathLike[str] | None = None
    columns: tuple[str, ...] | None = None
    follow_links: bool = False

    def __call__(self) -> ImageSource:
        """The images and their labels: uint8 (H, W, 3), RGB, sizes as they are."""
        labelled = self._labelled
        index = {name: label for label, name in enumerate(labelled.classes)}
        splits = np.array(labelled.splits)
        names = [name for name in SPLITS if name in labelled.splits]
        names += sorted({*labelled.splits} - {*names})
        fixed = tuple((name, np.flatnonzero(splits == name)) for name in names)
        return ImageSource(
            name=printable(labelled.root.name),
            class_names=self.class_names,
            labels=np.array([index[label] for _, _, label in labelled.images], np.int64),
            read=self._read_image,
            identify=lambda row: printable(labelled.images[row][0]),
            fixed=fixed if len(fixed) > 1 else (),
            left_out=self.left_out,
            lost=len(labelled.lost),
        )

    def shrinkable(self, at_least: tuple[int, int]) -> FolderDataset:
        """Return the same images, listed once, of which ``at_least`` suffices: see above."""
        other = dataclasses.replace(self, at_least=at_least)
        other.__dict__["_labelled"] = self._labelled
        return other

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in label order; for Tiny ImageNet words, such as ``pretzel``."""
        return self._labelled.titles or tuple(map(printable, self._labelled.classes))

    @property
    def left_out(self) -> tuple[tuple[str, str], ...]:
        """Name and reason of everything in the folder that was not taken, images first."""
        left_out = (*self._labelled.lost, *self._labelled.left_out)
        return tuple((printable(name), reason) for name, reason in left_out)

    @property
    def root(self) -> Path:
        """Absolute path of the folder that the images' names are relative to."""
        return self._labelled.root.resolve()

    def to_config(self) -> dict[str, Any]:
        """Describe the data set as JSON, without its path.

        ``sha256`` is over the sorted names, sizes and classes of the files, and the names of those
        that are lost, not over their bytes: it distinguishes data sets in a moment, and is no proof
        against tampering.
        """
        digest = hashlib.sha256()
        for name, size, label in self._labelled.images:
            digest.update(b"\0".join((os.fsencode(name), b"%d" % size, os.fsencode(label), b"")))
        if self.labels:  # of other layouts the names say it
            digest.update("\0".join(self._labelled.splits).encode())
        for name, _ in self._labelled.lost:
            digest.update(name.encode("utf-8", "surrogatepass") + b"\0")
        return {
            "name": "FolderDataset",
            "layout": "table" if self.labels else self.layout,
            "classes": list(self.class_names),
            "files": len(self._labelled.images),
            "sha256": digest.hexdigest(),
            "at_least": self.at_least,
        }

    def _read_image(self, row: int) -> np.ndarray:
        name = self._labelled.images[row][0]
        return read_image(self._labelled.root / name, name=name, at_least=self.at_least)

    @functools.cached_property
    def _labelled(self) -> Labelled:
        """List the folder once, so that config and images are of the same files."""
        scan = scan_folder(self.folder, self.exclude, follow_links=self.follow_links)
        if self.labels is not None:
            return by_table(scan, Path(self.labels), self.columns)
        if self.layout not in get_args(Layout):
            raise SightkitError(
                f"The layout must be one of {', '.join(get_args(Layout))}.", layout=self.layout
            )
        try:
            return self._by_layout(scan, self.layout)
        except LayoutError as error:
            choice = self.fewest > 1 and "layout" in (_scripts.flags or ("layout",))
            if choice and (proposal := self._proposal(scan)):
                raise SightkitError(f"{error} {proposal}") from error
            raise

    def _by_layout(self, scan: Scan, layout: Layout) -> Labelled:
        if layout == "folders":
            return by_folder(scan, self.fewest, self.classes)
        if layout == "deep":
            return by_deep(scan, self.fewest)
        if layout == "names":
            return by_name(scan, self.pattern)
        if layout == "numbers":
            return by_number(scan, self.classes, self.per_class)
        if layout == "splits":
            return by_split(scan)
        if layout == "none":
            return label_images(scan, lambda name: Place(UNLABELLED), fewest=1)
        return tiny_imagenet(scan)

    def _proposal(self, scan: Scan) -> str:
        """Return the flag by which the folder can be read, and what it then holds."""
        tables = [name for name, _ in scan.left_out if name.lower().endswith(TABLES)][:MOST_TABLES]
        ways: list[tuple[str, Callable[[], Labelled]]] = [
            (f"--layout={layout}", functools.partial(self._by_layout, scan, layout))
            for layout in PROPOSED
            if layout != self.layout
        ]
        ways += [
            (f'--labels="{name}"', functools.partial(by_table, scan, Path(name), None, whole=True))
            for name in tables
        ]
        nearly = ""
        for flag, read in ways:
            try:
                found = read()
            except LayoutError:
                continue
            except SightkitError as error:
                if not nearly and flag not in GUESSED:
                    nearly = f"Give {flag}, which nearly fits: {error}"
                continue
            if len(found.lost) <= MOST_LOST * len(found.images):
                classes = few(found.classes)
                return f"Give {flag}, which fits: {len(found.images):,} images of {classes}."
        return nearly
