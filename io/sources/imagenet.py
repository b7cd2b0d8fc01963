"""ImageNet (ILSVRC2012) as it is published: folders or tars of images, and lists of their classes.

================================================ ==================================================
``train/n01440764/n01440764_10026.JPEG``         training images, or ``ILSVRC2012_img_train.tar``
``val/ILSVRC2012_val_00000001.JPEG``             validation images, or ``ILSVRC2012_img_val.tar``;
                                                 or ``val/n01440764/…``, sorted by their classes
``LOC_synset_mapping.txt``, ``synset_words.txt`` or ``map_clsloc.txt``: what the classes are called
``LOC_val_solution.csv``                         classes of the validation images; or
``ILSVRC2012_validation_ground_truth.txt``       their numbers, which ``map_clsloc.txt`` explains
================================================ ==================================================
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sightkit._errors import SightkitError, printable
from sightkit._regular_file import read_regular_file
from sightkit.io.images import decode_image, read_image
from sightkit.io.sources.class_names import titled
from sightkit.io.sources.folder_scan import NOT_AN_IMAGE, Scan, descend, scan_folder
from sightkit.io.sources.image_source import ImageSource
from sightkit.io.sources.labelled import Labelled, Place, label_images
from sightkit.io.sources.tar_index import members

TARS = {"train": "ILSVRC2012_img_train.tar", "val": "ILSVRC2012_img_val.tar"}
WORDS = ("LOC_synset_mapping.txt", "synset_words.txt")
NUMBERS = "map_clsloc.txt"
SOLUTION = "LOC_val_solution.csv"
TRUTH = (
    "ILSVRC2012_validation_ground_truth.txt",
    "ILSVRC2015_clsloc_validation_ground_truth.txt",
)
LISTS = (*WORDS, NUMBERS, SOLUTION, *TRUTH)
MOST_BYTES, MOST_IMAGE_BYTES = 2**26, 2**28
WNID = r"n\d{8}"


@dataclass(frozen=True)
class ImageNet:
    """The images of ImageNet; call it for an ``ImageSource``, give it to ``build_shards``.

    Those of ``val`` become the fixed test split, for the labels of ``test`` were never published.
    Classes are in the order of their ids, ``n01440764`` first, as in every list of 1,000 classes;
    they are called by their first word. Images in tars are read where they are.

    Args:
        folder: that holds ``train`` and ``val``, or the two tars.
        lists: folder of the lists; they are looked for in ``folder`` too.
        at_least: see ``read_image``.
        follow_links: take what links lead to, as ``FolderDataset`` does.

    Raises:
        SightkitError: when it is listed: a folder, a tar or a list that is missing (it is named),
            a list that does not fit the images, a tar that is cut off.
    """

    folder: str | os.PathLike[str]
    lists: str | os.PathLike[str] | None = None
    at_least: tuple[int, int] | None = None
    follow_links: bool = False

    def __call__(self) -> ImageSource:
        """The images and their labels: uint8 (H, W, 3), RGB, sizes as they are."""
        labelled = self._labelled
        index = {name: label for label, name in enumerate(labelled.classes)}
        splits = np.array(labelled.splits)
        return ImageSource(
            name="ImageNet",
            class_names=labelled.titles,
            labels=np.array([index[label] for _, _, label in labelled.images], np.int64),
            read=self._read_image,
            identify=lambda row: printable(labelled.images[row][0]),
            fixed=tuple((name, np.flatnonzero(splits == name)) for name in ("train", "test")),
            left_out=tuple((printable(n), why) for n, why in (*labelled.lost, *labelled.left_out)),
            lost=len(labelled.lost),
        )

    def to_config(self) -> dict[str, Any]:
        """Describe the data as JSON, without paths; folders and tars of the same files are one.

        ``sha256`` is over names, sizes and classes of the images, not over their bytes.
        """
        digest = hashlib.sha256("\0".join(self._labelled.titles).encode())
        for name, size, label in self._labelled.images:
            digest.update(b"\0".join((os.fsencode(name), b"%d" % size, os.fsencode(label), b"")))
        return {
            "name": "ImageNet",
            "files": len(self._labelled.images),
            "sha256": digest.hexdigest(),
            "at_least": self.at_least,
        }

    def _read_image(self, row: int) -> np.ndarray:
        name, size, _ = self._labelled.images[row]
        if not self._in_tars:
            path = self._labelled.root / name
            return read_image(path, name=name, at_least=self.at_least)
        archive, offset = self._in_tars[name]
        with open(archive, "rb") as file:
            file.seek(offset)
            return decode_image(file.read(size), name=name, at_least=self.at_least)

    @functools.cached_property
    def _in_tars(self) -> dict[str, tuple[Path, int]]:
        return {}

    @functools.cached_property
    def _labelled(self) -> Labelled:
        """List the images once, so that config and images are of the same files."""
        folder = Path(self.folder)
        tars = {name: folder / tar for name, tar in TARS.items()}
        if (folder / "train").is_dir() or not any(tar.is_file() for tar in tars.values()):
            scan = _of_folders(folder, self.follow_links)
        else:
            scan = self._of_tars(folder, tars)
        flat = any(re.fullmatch("val/[^/]+", name) for name, _ in scan.images)
        places = [scan.root, folder, *([Path(self.lists)] if self.lists else [])]
        titles, class_of = _read_lists(places, flat, bool(self._in_tars))
        there = {Path(name).stem for name, _ in scan.images if name.startswith("val/")}
        missing = tuple(
            (f"val/{stem}.JPEG", "in the list of classes, not there")
            for stem in class_of
            if stem not in there
        )
        labelled = label_images(
            scan, _place_of(class_of), splits=("train", "test"), missing=missing
        )
        unknown = sorted(set(labelled.classes) - set(titles)) if titles else []
        if unknown:
            raise SightkitError(
                "Every class must be in the list of classes.",
                "Fetch the list that belongs to the images.",
                unknown=unknown[:5],
                folder=str(folder),
            )
        words = [titles.get(name, name) for name in labelled.classes]
        return replace(labelled, titles=titled(words, labelled.classes))

    def _of_tars(self, folder: Path, tars: dict[str, Path]) -> Scan:
        images = []
        for part, tar in tars.items():
            if not tar.is_file():
                raise SightkitError(
                    "Training and validation images must both be there.",
                    f"Put {tar.name} beside the other tar.",
                    folder=str(folder),
                    missing=tar.name,
                )
            for member in members(tar):
                if member.size > MOST_IMAGE_BYTES:
                    raise SightkitError(
                        f"An image may have {MOST_IMAGE_BYTES:,} bytes at most.",
                        "Fetch the tar again.",
                        member=member.name,
                        path=str(tar),
                    )
                name = f"{part}/{member.name}"
                self._in_tars[name] = tar, member.offset
                images.append((name, member.size))
        return Scan(folder, tuple(images), (), (), ())


def _of_folders(folder: Path, follow_links: bool) -> Scan:
    if not folder.is_dir():
        raise SightkitError(
            "The data must be a folder that holds train and val, or the two tars.",
            "Check --data.",
            folder=str(folder),
        )
    scan = descend(scan_folder(folder, follow_links=follow_links), tuple(TARS))
    missing = [part for part in TARS if not (scan.root / part).is_dir()]
    if missing:
        raise SightkitError(
            "The folder must hold the folders train and val, or "
            f"{TARS['train']} and {TARS['val']}.",
            "Check --data.",
            folder=str(folder),
            missing=missing,
        )
    own = tuple(
        (name, reason)
        for name, reason in scan.left_out
        if reason != NOT_AN_IMAGE or name.split("/")[-1] not in LISTS
    )
    return replace(scan, left_out=own)


def _place_of(class_of: dict[str, str]) -> Callable[[str], Place]:
    """Return the layout: class and split of an image by its name."""

    def place_of(name: str) -> Place:
        part, *folders, file = name.split("/")
        if part == "test":
            return Place(reason="test images were published without labels", expected=True)
        if part not in TARS or (part == "train" and not folders):
            return Place(reason="not where ImageNet has images")
        label = folders[0] if folders else class_of.get(Path(file).stem, "")
        if not label:
            return Place(reason="not in the list of the validation images' classes")
        return Place(label, "train" if part == "train" else "test")

    return place_of


def _read_lists(
    places: list[Path], flat: bool, in_tars: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the name of each class, and the class of each validation image by its stem."""
    there = {
        name: place / name for name in LISTS for place in places[::-1] if (place / name).is_file()
    }
    words = next((name for name in (*WORDS, NUMBERS) if name in there), None)
    if words is None and (flat or in_tars):
        raise _no_list(f"{', '.join(WORDS)} or {NUMBERS}", "what the classes are called", places)
    titles = {}
    if words is not None:
        for wnid, text in _lines(there[words], rf"({WNID}) (?:\d+ )?(.+)"):
            titles[wnid] = text.split(",")[0].replace("_", " ").strip()
    if not flat:
        return titles, {}
    if SOLUTION in there:
        pattern = rf"(?:ImageId,.*|(\w+),({WNID})\b.*)"
        return titles, {stem: wnid for stem, wnid in _lines(there[SOLUTION], pattern) if stem}
    truth = next((name for name in TRUTH if name in there), None)
    if truth is None:
        raise _no_list(
            f"{SOLUTION} or {TRUTH[0]} with {NUMBERS}",
            "of which class the images of val are",
            places,
        )
    if NUMBERS not in there:
        raise _no_list(NUMBERS, f"which class a number of {truth} is", places)
    numbers = {number: wnid for wnid, number in _lines(there[NUMBERS], rf"({WNID}) (\d+) .+")}
    classes = [line[0] for line in _lines(there[truth], r"(\d+)")]
    if strange := sorted(set(classes) - set(numbers)):
        raise SightkitError(
            f"Every number must be in {NUMBERS}.",
            "Fetch both lists from one devkit.",
            numbers=strange[:5],
            path=str(there[truth]),
        )
    stem = "ILSVRC2012_val_{:08d}"
    return titles, {stem.format(k): numbers[number] for k, number in enumerate(classes, 1)}


def _no_list(names: str, what: str, places: list[Path]) -> SightkitError:
    return SightkitError(
        f"A list must say {what}: {names}.",
        "Put it beside the images, or give --lists its folder.",
        missing=names,
        folders=sorted({str(place) for place in places}),
    )


def _lines(path: Path, pattern: str) -> list[tuple[str, ...]]:
    """Return the groups of a pattern in each line of a text file that is not blank."""
    try:
        lines = read_regular_file(path, MOST_BYTES).decode("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise SightkitError(
            "A list of ImageNet must be a text file that can be read.",
            "Fetch it again.",
            path=str(path),
        ) from error
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            match = re.fullmatch(pattern, line.strip())
            if match is None:
                raise SightkitError(
                    "A line of the list is not as in ImageNet's.",
                    "Fetch it again.",
                    line=number,
                    text=line[:80],
                    path=str(path),
                )
            found.append(tuple(group or "" for group in match.groups()))
    if not found:
        raise SightkitError("The list is empty.", "Fetch it again.", path=str(path))
    return found
