"""From a source of images to a dataset file: the one implementation behind every builder script."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _faults, _files, _locks
from sightkit._errors import SightkitError, printable
from sightkit._scripts import warn
from sightkit.io.arguments import share, whole_number
from sightkit.io.build.findings import conflicting, found, near_copies
from sightkit.io.build.partition import check_fixed, partition
from sightkit.io.build.prepare import Prepared
from sightkit.io.build.recipe import as_json, open_same, source_name
from sightkit.io.chain import Chain, require_chain
from sightkit.io.depth import report_depth
from sightkit.io.groups import Grouping, joined
from sightkit.io.hdf5.file import DatasetFile
from sightkit.io.hdf5.rows import dataset_lock
from sightkit.io.hdf5.values import file_size, mean_bytes
from sightkit.io.hdf5.writer import HDF5DatasetWriter
from sightkit.io.image_kinds import NEEDS_HEIF
from sightkit.io.left_out import Finding, check_list, counted, write_list
from sightkit.io.sources.folder_dataset import FolderDataset
from sightkit.io.sources.image_source import ImageSource
from sightkit.io.splits import SPLITS

PORTION_BYTES = 2**25
LEFT_OUT = ".left_out.csv"
ENDINGS = (".h5", ".hdf5")


def build_dataset(
    source: Callable[[], ImageSource] | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    preprocessors: Chain,
    fractions: Mapping[str, float],
    split_seed: int = 0,
    limit: int | None = None,
    max_bad: float | None = None,
    groups: str | None = None,
    overwrite: bool = False,
) -> DatasetFile:
    """Write a source of images into a dataset file, or open the file if it exists already.

    A file that exists is used only if it was built by the same recipe: same source, chain,
    fractions, seed, limit and max_bad. Duplicates, by the pixels of the original image, stay in
    one split. Splits that the source defines are kept as they are, and the other fractions, scaled
    to 1, divide the rest, without what is equal to an image of a fixed split.

    Equal images with conflicting labels are included, counted, listed and reported as a warning.

    What is left out is counted in the file (``DatasetFile.left_out``), listed with reasons beside
    it in ``NAME.left_out.csv``, and reported on stderr whenever the file is opened here.

    Args:
        source: gives the images; called only if the file has to be built. A module-level function,
            known by its name, or a callable object whose ``to_config()`` describes as JSON what it
            reads: by that the recipe distinguishes sources. A path is a folder that holds a folder
            for each class, as ``FolderDataset(path)``.
        path: the file.
        preprocessors: chain that makes all images one size, uint8.
        fractions: shares of the splits, ``"train"`` first; they add up to 1.
        split_seed: of the split; a seed of its own, so that every run meets the same test set.
        limit: take that many images of each split at most (for a quick try).
        max_bad: share of images, 0 to 1, that may be left out because they cannot be read, have no
            class or are lost in another way (``ImageSource.lost``); without it the first that
            cannot be read is an error, and so are all that are lost.
        groups: rule of images that stay in one split, see ``io.Grouping``; it is stored, so that
            folds made of the file keep them together too.
        overwrite: build the file again if it exists.

    Returns:
        The file's description.

    Raises:
        SightkitError: a name that does not end in .h5 or .hdf5, a folder, a file of another
            recipe or of another kind, a source without a name, an
            image that cannot be read (or too many), nothing that can be split, no room.
    """
    path = Path(path)
    require_chain(preprocessors=preprocessors)
    if isinstance(source, str | os.PathLike):
        source = FolderDataset(Path(source))
    if overwrite or not path.exists():
        check_place(path)
    recipe = recipe_of(source, preprocessors, fractions, split_seed, limit, max_bad, groups)
    grouping = None if groups is None else Grouping(groups)
    if not path.exists() or overwrite:
        _files.require_writable(path.parent, of=path)
        path.parent.mkdir(parents=True, exist_ok=True)
        check_list(list_of(path))
        with dataset_lock(path) as lock:
            if not path.exists() or overwrite:  # nobody was quicker
                _build(source(), path, preprocessors, recipe, grouping, lock)
    file = open_same(path, recipe)
    report(file)
    return file


def recipe_of(
    source: Callable[[], ImageSource],
    preprocessors: Chain,
    fractions: Mapping[str, float],
    split_seed: int,
    limit: int | None,
    max_bad: float | None,
    groups: str | None,
) -> dict[str, Any]:
    """Return what a dataset is built from and how, as JSON; the arguments are checked."""
    recipe = {
        "source": source_name(source),
        "preprocessing": preprocessors.to_config(),
        "fractions": {name: float(share) for name, share in fractions.items()},
        "split_seed": whole_number("split_seed", split_seed, at_least=0),
        "limit": None if limit is None else whole_number("limit", limit, at_least=1),
        "max_bad": None if max_bad is None else share("max_bad", max_bad),
    }
    grouping = None if groups is None else Grouping(groups)
    return as_json({**recipe, "groups": grouping and grouping.to_config()})


def check_place(path: str | os.PathLike[str], endings: Sequence[str] = ENDINGS) -> None:
    """Raise, before any work, if ``path`` is no place for a dataset file."""
    path = Path(path)
    if path.is_dir():
        raise SightkitError(
            "A dataset is one file, and this is a folder.",
            f"Name the file, for example {path / ('photos' + endings[0])}.",
            path=str(path),
        )
    if path.suffix.lower() not in endings:
        kind = "A dataset file is HDF5" if endings == ENDINGS else "Shards have a list"
        raise SightkitError(
            f"{kind}, and its name must end in {' or '.join(endings)}.",
            f"For example {path.with_suffix(endings[0])}." if path.name else "",
            path=str(path),
        )


def _build(
    images: ImageSource,
    path: Path,
    preprocessors: Chain,
    recipe: dict[str, Any],
    grouping: Grouping | None,
    lock: _locks.FileLock,
) -> None:
    check_fixed(images, recipe["fractions"])
    refuse_left_out(path, images, {}, recipe["max_bad"])  # before hours of reading
    names = [printable(images.identify(row)) for row in range(len(images))]
    groups = None if grouping is None else grouping(names)
    tolerant, count, limit = recipe["max_bad"] is not None, len(names), recipe["limit"]
    if limit is not None:
        count = min(count, limit * max(len(SPLITS), len(recipe["fractions"])))
    with report_depth():
        prepared = Prepared(images, preprocessors, tolerant=tolerant)
        dims, dtype = (count, *prepared.shape), np.dtype(np.uint8)
        needed = file_size(dims, dtype, images.class_names, mean_bytes(names))
        _files.require_free_space(path.parent, needed, path.name)
        prepared.read_all(
            spare=needed if limit is None else None,  # of a quick try few rows are read again
            folder=path.parent,
            name=f"Reading {images.name}",
        )
    _faults.crash_point("build.read")
    bad = found(images, prepared.unreadable, "bad")
    refuse_left_out(path, images, prepared.unreadable, recipe["max_bad"])
    readable = np.ones(len(images), bool)
    readable[list(prepared.unreadable)] = False
    keys = prepared.keys()
    parts, dropped = partition(
        images,
        recipe["fractions"],
        seed=recipe["split_seed"],
        readable=readable,
        keys=keys,
        groups=groups,
    )
    conflicts = conflicting(images, keys, readable)
    not_taken = [Finding(name, reason, kind="left out") for name, reason in images.left_out]
    parts = {name: rows[: recipe["limit"]] for name, rows in parts.items()}
    near, near_text = near_copies(images, prepared, parts, keys)
    counts = Counter(dropped.values()) + _kinds_of(prepared.unreadable)
    counts += Counter(reason for _, reason in images.left_out)
    dropped_rows = found(images, dropped, "left out")
    write_list(list_of(path), bad + conflicts + near + dropped_rows + not_taken)
    _faults.crash_point("build.listed")
    recipe = {**recipe, "name": images.name, "images": len(images) + len(not_taken)}
    recipe["left_out"] = dict(counts)
    recipe["conflicting_labels"] = len(conflicts)
    recipe["near_copies"] = near_text
    _write(path, images, names, prepared, parts, recipe, groups, lock)


def _write(
    path: Path,
    images: ImageSource,
    names: list[str],
    prepared: Prepared,
    parts: dict[str, np.ndarray],
    recipe: dict[str, Any],
    groups: list[str] | None,
    lock: _locks.FileLock,
) -> None:
    rows = np.concatenate(list(parts.values()))
    with HDF5DatasetWriter(
        (len(rows), *prepared.shape),
        path,
        class_names=images.class_names,
        splits={name: len(rows) for name, rows in parts.items()},
        preprocessing=recipe["preprocessing"],
        recipe=recipe,
        overwrite=True,  # the lock is held, and build_dataset has checked
        source_bytes=mean_bytes(names),
        groups=None if groups is None else joined(groups)[rows],
        lock=lock,
    ) as writer:
        portion = max(1, PORTION_BYTES // int(np.prod(prepared.shape)))
        for start in range(0, len(rows), portion):
            chunk = rows[start : start + portion]
            writer.add(
                prepared.take(chunk),
                images.labels[chunk],
                [names[row] for row in chunk],
                hashes=prepared.hashes[chunk],
            )


def refuse_left_out(
    path: Path, images: ImageSource, unreadable: Mapping[int, str], max_bad: float | None
) -> None:
    """Raise, with a list, if more images are left out than may be; excluded ones do not count."""
    lost = images.left_out[: images.lost]
    count, total = len(unreadable) + len(lost), len(images) + len(lost)
    if count <= (max_bad or 0) * total and len(unreadable) < len(images):
        return
    findings = found(images, unreadable, "bad")
    write_list(
        list_of(path), findings + [Finding(name, why, kind="left out") for name, why in lost]
    )
    reasons = _kinds_of(unreadable) + Counter(why for _, why in lost)
    raise SightkitError(
        f"{count:,} of {total:,} images are left out: {counted(reasons)}.",
        (f"fix, move or remove them, listed in {list_of(path)}", "raise --max-bad"),
        path=str(path),
        max_bad=max_bad or 0.0,
    )


def _kinds_of(unreadable: Mapping[int, str]) -> Counter[str]:
    """Why images cannot be read, in short: how many for want of a decoder, how many otherwise."""
    return Counter(NEEDS_HEIF if NEEDS_HEIF in why else "unreadable" for why in unreadable.values())


def list_of(path: Path) -> Path:
    """The list of what a dataset file leaves out."""
    return path.with_name(path.name + LEFT_OUT)


def report(file: DatasetFile) -> None:
    """Warn on stderr of what was left out, near copies and conflicting labels."""
    listed, recipe = f"listed in {list_of(file.path).name}.", file.recipe
    if (near := recipe.get("near_copies", {})).get("in_two_splits"):
        warn(f"{near['text']}; {listed}")
    if file.left_out:
        warn(
            f"{sum(file.left_out.values()):,} of {recipe['images']:,} were left out of "
            f"{file.path.name} ({counted(file.left_out)}); {listed}"
        )
    if count := recipe.get("conflicting_labels", 0):
        warn(
            f"{count:,} of {recipe['images']:,} images have conflicting labels, with an equal "
            f"image in another class; {listed}"
        )
