"""Read the labels of a folder's images: from folders, names, numbers or splits."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sightkit._errors import SightkitError, few
from sightkit.io.image_kinds import ending_of
from sightkit.io.sources.folder_scan import Scan, descend, enter
from sightkit.io.sources.labelled import Labelled, LayoutError, Place, label_images

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


def by_folder(scan: Scan, fewest: int = 2, wanted: Sequence[str] = ()) -> Labelled:
    """``CLASS/image`` or ``CLASS/…/image``: the class is the first folder.

    Where the classes are known, the folder that holds one of each is looked for.
    """
    scan = _holder(scan, wanted) if wanted else descend(scan)
    classes = [name for name in scan.folders if "/" not in name]
    _refuse_splits(scan, classes)

    def place_of(name: str) -> Place:
        first, slash, _ = name.partition("/")
        return Place(first) if slash else Place(reason="in no class folder")

    return label_images(scan, place_of, classes=classes, fewest=fewest)


def by_deep(scan: Scan, fewest: int = 2) -> Labelled:
    """``…/CLASS/image`` in any nesting: the class is the folder that holds the image itself."""
    scan = descend(scan)
    _refuse_splits(scan, [name for name in scan.folders if "/" not in name])
    inner = {folder.rpartition("/")[0] for folder in scan.folders}
    empty = [name for name in scan.folders if name not in inner]  # each is a class, or should be

    def place_of(name: str) -> Place:
        *folders, _ = name.split("/")
        return Place(folders[-1]) if folders else Place(reason="in no class folder")

    return label_images(
        scan, place_of, classes=[name.rpartition("/")[2] for name in empty], fewest=fewest
    )


def by_split(scan: Scan) -> Labelled:
    """``train/CLASS/image``, ``test/CLASS/image``, and ``val``, ``valid`` or ``validation``."""
    scan = descend(scan, SPLIT_FOLDERS)
    folders = [name.split("/") for name in scan.folders]
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

    def place_of(name: str) -> Place:
        match = compiled.fullmatch(stem_of(name))
        if match and match["label"]:
            return Place(match["label"])
        return Place(reason="its name holds no label", expected=in_test(name))

    return label_images(scan, place_of, hint=NAMES_HINT)


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


def _holder(scan: Scan, classes: Sequence[str]) -> Scan:
    """Enter the one folder that holds a folder of each class; else as ``descend``."""
    folders = set(scan.folders)
    holders = {
        name.rpartition("/")[0] for name in scan.folders if name.rpartition("/")[2] == classes[0]
    }
    found = [
        holder
        for holder in sorted(holders)
        if all((f"{holder}/{name}" if holder else name) in folders for name in classes)
    ]
    if len(found) > 1:
        raise SightkitError(
            "The classes must be in one folder; several hold all of them.",
            "Give one of them as --data; unpack an archive first.",
            folders=few([name or "." for name in found]),
        )
    return enter(scan, found[0]) if found and found[0] else descend(scan)


def _refuse_splits(scan: Scan, classes: Sequence[str]) -> None:
    if classes and all(SPLIT_LIKE.fullmatch(name) for name in classes):
        raise LayoutError(
            "The folders must be classes; these are named like the parts of a data set.",
            "Give one of them as --data.",
            folder=str(scan.root),
            folders=few(classes),
        )
