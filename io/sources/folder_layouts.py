"""Read the labels of a folder's images: from folders, names, numbers or splits."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sightkit._errors import SightkitError
from sightkit.io.image_kinds import ending_of
from sightkit.io.sources.class_names import composed, refuse_lookalikes
from sightkit.io.sources.folder_scan import Named, Scan, descend, printable

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
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
SPLIT_LIKE = re.compile(
    rf"({'|'.join(SPLIT_FOLDERS)}|eval)[-_ ]?(\d*|annot|labels|masks|images|data|set)", re.I
)
"""``train``, ``test1``, ``valannot``, ``Test_set``: a data set's parts, which are no classes."""


@dataclass(frozen=True)
class Labelled:
    """Images with their classes, as a layout reads them.

    Attributes:
        root: the folder that the names are relative to.
        images: name, size in bytes and class of each image, sorted by name.
        classes: sorted by bytes; labels are positions in it.
        lost: name and reason of each image that has no class and that nobody excluded.
        left_out: name and reason of everything else.
        titles: names for people to read, one a class; the classes themselves when empty.
        splits: the data set's own split that each image belongs to; empty if it has none.
    """

    root: Path
    images: tuple[tuple[str, int, str], ...]
    classes: tuple[str, ...]
    lost: Named
    left_out: Named
    titles: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """The class of an image, and its split where the layout has some; or why it has no class.

    Attributes:
        label: the class.
        split: ``"train"``, ``"validation"`` or ``"test"``.
        reason: why there is no class.
        expected: it is usual that such an image has none.
    """

    label: str = ""
    split: str = ""
    reason: str = ""
    expected: bool = False


def label_images(
    scan: Scan,
    place_of: Callable[[str], Place],
    *,
    classes: Sequence[str] = (),
    splits: Sequence[str] = (),
    exclude: Sequence[str] = (),
    fewest: int = 2,
    hint: str = "Check --data and the layout.",
    missing: Named = (),
) -> Labelled:
    """Give each image its class, and refuse what nothing can be learned from.

    Args:
        scan: the folder.
        place_of: the layout: class of an image by its name.
        classes: that must have images, beside those that are found.
        splits: that must have images, beside those that are found.
        exclude: classes and folders to leave out.
        fewest: images of each class to train on.
        hint: next step where no image has a class.
        missing: name and reason of images that the layout names and that are not there.

    Raises:
        SightkitError: no images, one class, a class of too few, a split without one of the classes,
            names of classes that look the same.
    """
    excluded = {composed(name).strip("/") for name in exclude}
    images: list[tuple[str, int, str, str]] = []
    lost, left_out = list(missing), list(scan.left_out)
    known = {composed(name) for name in (*classes, *scan.folders)}
    for name, reason in scan.lost:
        if out := _excluding(name.removeprefix(scan.prefix), excluded):
            left_out.append((name, f"{printable(out)} is excluded"))
        else:
            lost.append((name, reason))
    for name, size in scan.images:
        place = place_of(name)
        label = composed(place.label)
        known.add(label)
        if out := _excluding(name, excluded) or (label if label in excluded else ""):
            left_out.append((name, f"{printable(out)} is excluded"))
        elif place.reason:
            (left_out if place.expected else lost).append((name, place.reason))
        else:
            images.append((name, size, label, place.split))
    if unknown := sorted(excluded - known):
        raise SightkitError(
            "Only classes and folders that are there can be excluded.",
            f"There are {_listed(sorted(known - {''}))}.",
            exclude=unknown,
        )
    images.sort(key=lambda image: os.fsencode(image[0]))
    names = {composed(name) for name in classes} - excluded | {image[2] for image in images}
    ordered = sorted(names, key=os.fsencode)
    if not images:
        raise SightkitError(
            f"There must be images with a class; none were found{_seen(lost + left_out)}.",
            _archives(left_out) or hint,
            folder=str(scan.root),
        )
    refuse_lookalikes(ordered)
    if len(ordered) < 2:
        raise SightkitError(
            "Images of at least two classes are needed.",
            "Give the folder above, if this one is a class.",
            folder=str(scan.root),
            classes=[printable(name) for name in ordered],
        )
    _refuse_poor(scan, images, ordered, splits, fewest, lost)
    return Labelled(
        scan.root,
        tuple(image[:3] for image in images),
        tuple(ordered),
        tuple(lost),
        tuple(left_out),
        splits=tuple(image[3] for image in images) if images[0][3] else (),
    )


def by_folder(scan: Scan, exclude: Sequence[str], fewest: int = 2) -> Labelled:
    """``CLASS/image`` or ``CLASS/…/image``: the class is the first folder."""
    scan = descend(scan)
    classes = [name for name in scan.folders if "/" not in name]
    _refuse_splits(scan, [name for name in classes if name not in exclude])

    def place_of(name: str) -> Place:
        first, slash, _ = name.partition("/")
        return Place(first) if slash else Place(reason="in no class folder")

    return label_images(scan, place_of, classes=classes, exclude=exclude, fewest=fewest)


def by_split(scan: Scan, exclude: Sequence[str]) -> Labelled:
    """``train/CLASS/image``, ``test/CLASS/image``, and ``val``, ``valid`` or ``validation``."""
    scan = descend(scan, SPLIT_FOLDERS)
    folders = [name.split("/") for name in scan.folders if name.split("/")[0] not in exclude]
    parts = [names for names in folders if names[0].lower() in SPLIT_FOLDERS]

    def place_of(name: str) -> Place:
        folder, *classes = name.split("/")[:-1] or [""]
        split = SPLIT_FOLDERS.get(folder.lower())
        if split and classes:
            return Place(classes[0], split)
        where = "in no class folder" if split else "in no folder of train, validation or test"
        return Place(reason=where)

    return label_images(
        scan,
        place_of,
        classes=[names[1] for names in parts if len(names) == 2],
        splits=["train", *(SPLIT_FOLDERS[names[0].lower()] for names in parts)],
        exclude=exclude,
    )


def by_name(scan: Scan, pattern: str, exclude: Sequence[str]) -> Labelled:
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

    def place_of(name: str) -> Place:
        match = compiled.fullmatch(stem_of(name))
        if match and match["label"]:
            return Place(match["label"])
        return Place(reason="its name holds no label", expected=in_test(name))

    return label_images(scan, place_of, exclude=exclude, hint=NAMES_HINT)


def by_number(scan: Scan, classes: Sequence[str], per_class: int) -> Labelled:
    """``image_0001.jpg`` to ``image_1360.jpg``: the first ``per_class`` are of the first class."""
    if len(set(classes)) < len(classes) or not classes or per_class < 1:
        raise SightkitError(
            "Numbered images need the names of the classes, each once, and how many images a "
            "class has.",
            classes=list(classes),
            per_class=per_class,
        )

    def place_of(name: str) -> Place:
        match = re.fullmatch(r".*?(\d+)", stem_of(name))
        label = (int(match[1]) - 1) // per_class if match else -1
        if 0 <= label < len(classes):
            return Place(classes[label])
        return Place(reason=f"its name holds no number from 1 to {len(classes) * per_class}")

    return label_images(scan, place_of, classes=classes)


def stem_of(name: str) -> str:
    """The name of a file without folders and ending."""
    file = name.rpartition("/")[2]
    return file[: len(file) - len(ending_of(file))]


def in_test(name: str) -> bool:
    """Return True if an image is in a part called test, as such published without labels."""
    folder = name.partition("/")[0]
    return folder.lower().startswith("test") and bool(SPLIT_LIKE.fullmatch(folder))


def _excluding(name: str, excluded: set[str]) -> str:
    """The excluded folder that holds a file; empty if none does."""
    parts = composed(name).split("/")[:-1]
    folders = ("/".join(parts[: end + 1]) for end in range(len(parts)))
    return next((folder for folder in folders if folder in excluded), "")


def _refuse_splits(scan: Scan, classes: Sequence[str]) -> None:
    if classes and all(SPLIT_LIKE.fullmatch(name) for name in classes):
        raise SightkitError(
            "The folders must be classes; these are named like the parts of a data set.",
            "Give one of them as --data, or choose a layout: splits (train/CLASS/…, test/CLASS/…), "
            "names (train/cat.0.jpg), tiny_imagenet.",
            folder=str(scan.root),
            folders=_listed(classes),
        )


def _refuse_poor(
    scan: Scan,
    images: list[tuple[str, int, str, str]],
    classes: list[str],
    splits: Sequence[str],
    fewest: int,
    lost: list[tuple[str, str]],
) -> None:
    """Refuse a class of too few images to train on, and one that is in no image of a split."""
    counts = Counter((split, label) for _, _, label, split in images)
    wanted = {split for split, _ in counts} | set(splits)
    for split in sorted(wanted, key=lambda split: (split not in ("", "train"), split)):
        least = fewest if split in ("", "train") else 1
        poor = [f"{printable(c)} ({counts[split, c]})" for c in classes if counts[split, c] < least]
        if poor:
            raise SightkitError(
                (
                    "Each class must have two images at least, one to train on and one to evaluate "
                    "on"
                    if least > 1
                    else f"Each class must have an image{f' in {split}' if split else ''}"
                )
                + f"{_seen(lost)}.",
                "Add images, or leave the class out (build_folder.py: --exclude).",
                classes=_listed(poor),
                folder=str(scan.root),
            )


def _seen(left_out: list[tuple[str, str]]) -> str:
    reasons = Counter(reason for _, reason in left_out)
    return "".join(f"; {count:,} left out: {reason}" for reason, count in reasons.most_common(3))


def _archives(left_out: list[tuple[str, str]]) -> str:
    found = [printable(name) for name, _ in left_out if name.lower().endswith(ARCHIVE_ENDINGS)]
    return f"Give one of its archives: {_listed(found)}." if found else ""


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name) for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown or "none"
