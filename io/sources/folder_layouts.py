"""Read the labels of a folder's images: from folders, names, numbers or splits."""

from __future__ import annotations

import dataclasses
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sightkit._errors import SightkitError
from sightkit.io.sources.folder_scan import Scan, descend, printable

ARCHIVE_ENDINGS = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".tbz2", ".txz", ".rar", ".7z")
NAMES_HINT = (
    "A name is the label, then a number: cat.0.jpg, cat_0.jpg, cat0.jpg or cat (0).jpg; "
    "a pattern of your own (FolderDataset) reads others."
)
SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
SPLIT_LIKE = re.compile(
    rf"({'|'.join(SPLIT_FOLDERS)}|dev|eval)[-_ ]?(\d*|annot|labels|masks|images|data|set)", re.I
)
"""``train``, ``test1``, ``valannot``, ``Test_set``: a data set's parts, which are no classes."""


@dataclass(frozen=True)
class Labelled:
    """Images with their classes, as a layout reads them.

    Attributes:
        root: the folder that the names are relative to.
        images: name, size in bytes and class of each image, sorted by name.
        classes: sorted by bytes; labels are positions in it.
        left_out: name and reason of what is no image with a class.
        titles: names for people to read, one a class; the classes themselves when empty.
        splits: the data set's own split that each image belongs to; empty if it has none.
    """

    root: Path
    images: tuple[tuple[str, int, str], ...]
    classes: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    titles: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()


def by_folder(scan: Scan, exclude: Sequence[str], fewest: int = 2) -> Labelled:
    """``CLASS/image`` or ``CLASS/…/image``: the class is the first folder."""
    scan = descend(scan)
    classes = [name for name in scan.folders if "/" not in name]
    unknown = sorted(set(exclude) - set(classes))
    if unknown:
        raise SightkitError(
            "Only folders that are there can be excluded.",
            f"There are {_listed(classes)}.",
            exclude=unknown,
        )
    _refuse_splits(scan, [name for name in classes if name not in exclude])
    images, left_out = [], list(scan.left_out)
    for name, size in scan.images:
        first, slash, _ = name.partition("/")
        if not slash:
            left_out.append((name, "in no class folder"))
        elif first in exclude:
            left_out.append((name, f"the class {printable(first)} is excluded"))
        else:
            images.append((name, size, first))
    included = [name for name in classes if name not in exclude]
    return checked(scan, images, included, left_out, fewest=fewest)


def by_split(scan: Scan) -> Labelled:
    """``train/CLASS/image``, ``test/CLASS/image``, and ``val``, ``valid`` or ``validation``.

    The classes are those of ``train``.
    """
    if not any(name.lower() in SPLIT_FOLDERS for name in scan.folders):
        scan = descend(scan)
    images, left_out, splits = [], list(scan.left_out), {}
    for name, size in scan.images:
        folder, *classes, _ = name.split("/") if "/" in name else ("", "")
        split = SPLIT_FOLDERS.get(folder.lower())
        if split and classes:
            images.append((name, size, classes[0]))
            splits[name] = split
        else:
            reason = "in no class folder" if split else "in no folder of train, validation or test"
            left_out.append((name, reason))
    to_train = [image for image in images if splits[image[0]] == "train"]
    known = {label for _, _, label in to_train}
    strange = [image for image in images if image[2] not in known]
    for name, _, label in strange:
        left_out.append((name, f"its class {printable(label)} is not among those of train"))
    labelled = checked(
        scan, [image for image in images if image[2] in known], sorted(known), left_out, to_train
    )
    return dataclasses.replace(
        labelled, splits=tuple(splits[name] for name, _, _ in labelled.images)
    )


def by_name(scan: Scan, pattern: str) -> Labelled:
    """``cat.0.jpg``: the class is the group ``label`` of a pattern for names without ending."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise SightkitError(
            f"The pattern must be a regular expression ({error}).", pattern=pattern
        ) from error
    if "label" not in compiled.groupindex:
        raise SightkitError(
            "The pattern must have a group called label.",
            r"For example (?P<label>.+)\.\d+ for cat.0.jpg.",
            pattern=pattern,
        )
    images, left_out = [], list(scan.left_out)
    for name, size in scan.images:
        match = compiled.fullmatch(_stem(name))
        if match and match["label"]:
            images.append((name, size, match["label"]))
        else:
            left_out.append((name, "its name holds no label"))
    return checked(scan, images, [], left_out, hint=NAMES_HINT)


def by_number(scan: Scan, classes: Sequence[str], per_class: int) -> Labelled:
    """``image_0001.jpg`` to ``image_1360.jpg``: the first ``per_class`` are of the first class."""
    if len(set(classes)) < len(classes) or not classes or per_class < 1:
        raise SightkitError(
            "Numbered images need the names of the classes, each once, and how many images a "
            "class has.",
            classes=list(classes),
            per_class=per_class,
        )
    images, left_out = [], list(scan.left_out)
    for name, size in scan.images:
        match = re.fullmatch(r".*?(\d+)", _stem(name))
        label = (int(match[1]) - 1) // per_class if match else -1
        if 0 <= label < len(classes):
            images.append((name, size, classes[label]))
        else:
            left_out.append(
                (name, f"its name holds no number from 1 to {len(classes) * per_class}")
            )
    return checked(scan, images, list(classes), left_out)


def _refuse_splits(scan: Scan, classes: Sequence[str]) -> None:
    if classes and all(SPLIT_LIKE.fullmatch(name) for name in classes):
        raise SightkitError(
            "The folders must be classes; these are named like the parts of a data set.",
            "Give one of them as --data, or choose a layout: splits (train/CLASS/…, test/CLASS/…), "
            "names (train/cat.0.jpg), tiny_imagenet.",
            folder=str(scan.root),
            folders=_listed(classes),
        )


def checked(
    scan: Scan,
    images: list[tuple[str, int, str]],
    classes: Sequence[str],
    left_out: list[tuple[str, str]],
    to_train: list[tuple[str, int, str]] | None = None,
    hint: str = "Check --data and the layout.",
    fewest: int = 2,
) -> Labelled:
    """Refuse what nothing can be learned from: no images, one class, a class of too few."""
    counts = Counter(label for _, _, label in (images if to_train is None else to_train))
    names = sorted(set(classes) | set(counts), key=os.fsencode)
    if not images:
        raise SightkitError(
            f"There must be images with a class; none were found{_seen(left_out)}.",
            _archives(left_out) or hint,
            folder=str(scan.root),
        )
    if len(names) < 2:
        raise SightkitError(
            "Images of at least two classes are needed.",
            "Give the folder above, if this one is a class.",
            folder=str(scan.root),
            classes=[printable(name) for name in names],
        )
    poor = [f"{printable(name)} ({counts[name]})" for name in names if counts[name] < fewest]
    if poor:
        raise SightkitError(
            "Each class must have two images at least, one to train on and one to evaluate on."
            if fewest > 1
            else "Each class must have an image.",
            "Add images, or move the folder away (build_folder.py can leave it out: --exclude).",
            classes=_listed(poor),
            folder=str(scan.root),
        )
    ordered = tuple(sorted(images, key=lambda image: os.fsencode(image[0])))
    return Labelled(scan.root, ordered, tuple(names), tuple(left_out))


def _seen(left_out: list[tuple[str, str]]) -> str:
    reasons = Counter(reason for _, reason in left_out)
    return "".join(f"; {count:,} left out: {reason}" for reason, count in reasons.most_common(3))


def _archives(left_out: list[tuple[str, str]]) -> str:
    found = [printable(name) for name, _ in left_out if name.lower().endswith(ARCHIVE_ENDINGS)]
    return f"Give one of its archives: {_listed(found)}." if found else ""


def _stem(name: str) -> str:
    return os.path.splitext(name.rpartition("/")[2])[0]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name) for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown or "none"
