"""Give the images of a folder their classes, and refuse what nothing can be learned from."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sightkit._errors import SightkitError, few, printable
from sightkit.io.sources.class_names import refuse_lookalikes, refuse_spellings
from sightkit.io.sources.folder_scan import Named, Scan, composed, excluding

ARCHIVE_ENDINGS = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".tbz2", ".txz", ".rar", ".7z")


class LayoutError(SightkitError):
    """The folder is not of this layout; it may be of another."""


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
        split: ``"train"``, ``"validation"``, ``"test"`` or, in a table, another name.
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
    fewest: int = 2,
    hint: str = "Make a folder for each class, or check --data and the layout.",
    missing: Named = (),
) -> Labelled:
    """Give each image its class, and refuse what nothing can be learned from.

    Args:
        scan: the folder.
        place_of: the layout: class of an image by its name.
        classes: that must have images, beside those that are found.
        splits: that must have images, beside those that are found.
        fewest: images of each class to train on.
        hint: next step where no image has a class.
        missing: name and reason of images that the layout names and that are not there.

    Raises:
        SightkitError: no images, one class, a class of too few, a split without one of the classes
            or with another spelling of it, names of classes that look the same.
    """
    images: list[tuple[str, int, str, str]] = []
    lost, left_out = [*missing, *scan.lost], list(scan.left_out)
    known = {composed(name) for name in (*classes, *scan.folders)}
    for name, size in scan.images:
        place = place_of(name)
        label = composed(place.label)
        known.add(label)
        if out := excluding("", scan.exclude, label):
            left_out.append((name, f"{printable(out[0])} is excluded"))
        elif place.reason:
            (left_out if place.expected else lost).append((name, place.reason))
        else:
            images.append((name, size, label, place.split))
    met = scan.met.union(*(excluding("", scan.exclude, name) for name in known))
    if unknown := sorted(set(scan.exclude) - met):
        raise SightkitError(
            "Only classes and folders that are there can be excluded, and files by a pattern.",
            f"There are {few(sorted(known - {''}))}.",
            exclude=unknown,
        )
    images.sort(key=lambda image: os.fsencode(image[0]))
    names = {composed(name) for name in classes} | {image[2] for image in images}
    names = {name for name in names if not excluding("", scan.exclude, name)}
    ordered = sorted(names, key=os.fsencode)
    if not images:
        raise LayoutError(
            f"There must be images with a class; none were found{_seen(lost + left_out)}.",
            _archives(left_out) or hint,
            folder=str(scan.root),
        )
    places: dict[str, dict[str, str]] = {}
    for name, _, label, split in images:
        folder = "/".join(name.split("/")[:2])
        places.setdefault(label, {}).setdefault(split, folder)
    refuse_spellings(places)
    refuse_lookalikes(ordered)
    if len(ordered) < min(2, fewest):
        raise LayoutError(
            "Images of at least two classes are needed.",
            "Give the folder above, if this one is a class.",
            folder=str(scan.root),
            classes=ordered,
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
        where = f" in {split}" if split else ""
        poor = [f"{c} ({counts[split, c]})" for c in classes if counts[split, c] < least]
        if poor:
            raise SightkitError(
                (
                    f"Each class must have two images at least{where}, one to train on and one to "
                    "evaluate on"
                    if least > 1
                    else f"Each class must have an image{where}"
                )
                + f"{_seen(lost)}.",
                ("add images", "leave the class out by --exclude NAME"),
                classes=few(poor),
                folder=str(scan.root),
            )


def _seen(left_out: list[tuple[str, str]]) -> str:
    reasons = Counter(reason for _, reason in left_out)
    return "".join(f"; {count:,} left out: {reason}" for reason, count in reasons.most_common(3))


def _archives(left_out: list[tuple[str, str]]) -> str:
    found = [name for name, _ in left_out if name.lower().endswith(ARCHIVE_ENDINGS)]
    return (
        f"It holds archives: give one of them, unpacked if it is in another: {few(found)}."
        if found
        else ""
    )
