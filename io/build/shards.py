"""From a source of images to a dataset in shards: what is too large for one file or one sitting."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _faults, _files
from sightkit._errors import SightkitError, printable
from sightkit._scripts import warn
from sightkit.io.arguments import whole_number
from sightkit.io.build.dataset import check_place, list_of, recipe_of, refuse_left_out, report
from sightkit.io.build.findings import found
from sightkit.io.build.partition import check_fixed, partition
from sightkit.io.build.prepare import unreadable
from sightkit.io.build.recipe import OtherRecipe, open_same
from sightkit.io.chain import Chain, require_chain
from sightkit.io.groups import Grouping, joined
from sightkit.io.hdf5.file import DatasetFile
from sightkit.io.hdf5.journal import ENDING as JOURNAL
from sightkit.io.hdf5.journal import LeftOut
from sightkit.io.hdf5.shards import ENDING, read_list_of, shard_path, write_list_of
from sightkit.io.hdf5.values import file_size, mean_bytes
from sightkit.io.hdf5.writer import HDF5DatasetWriter
from sightkit.io.left_out import Finding, check_list, write_list
from sightkit.io.manifest import Manifest
from sightkit.io.sources.image_source import ImageSource
from sightkit.io.threads import in_batches, progress

BATCH, ROWS_A_TASK = 128, 8


def build_shards(
    source: Callable[[], ImageSource],
    path: str | os.PathLike[str],
    *,
    preprocessors: Chain,
    fractions: Mapping[str, float],
    shards: int,
    split_seed: int = 0,
    limit: int | None = None,
    max_bad: float | None = None,
    groups: str | None = None,
    overwrite: bool = False,
) -> DatasetFile:
    """Write a source of images into shards, or open them; the rest is as in ``build_dataset``.

    Each shard is a dataset file, and a random part of every split: alone it is a smaller dataset.
    What is in which one is known before an image is read, a function of source and seed. They are
    built one after the other, each on all cores; a build that is stopped loses a second's work, and
    the same call goes on with it. A shard that is there is opened, never built again; the list
    comes last. Images are read once, and in pixels none is compared with another before: exact
    copies in two splits are counted in a warning, and listed by ``verify``.

    Args:
        source: as for ``build_dataset``; no path.
        path: the list, ``NAME.shards``; the shards are beside it, ``NAME-00000-of-00128.h5``.
        preprocessors: chain that makes all images one size, uint8.
        fractions: shares of the splits, ``"train"`` first; they add up to 1.
        shards: how many, at least 1; not more than training images.
        split_seed: of the division into splits and shards.
        limit: take that many images of each split at most.
        max_bad: share of images, 0 to 1, that may be left out.
        groups: rule of images that stay in one split, see ``io.Grouping``.
        overwrite: build all of it again.

    Returns:
        The description of the whole.

    Raises:
        SightkitError: as ``build_dataset``; a shard that is damaged, or of another recipe.
    """
    path = Path(path)
    require_chain(preprocessors=preprocessors)
    check_place(path, (ENDING,))
    shards = whole_number("shards", shards, at_least=1)
    recipe = recipe_of(source, preprocessors, fractions, split_seed, limit, max_bad, groups)
    _files.require_writable(path.parent, of=path)
    path.parent.mkdir(parents=True, exist_ok=True)
    check_list(list_of(path))
    if path.exists() and not overwrite:
        read_list_of(path)  # nothing but a list is replaced
    images = source()
    check_fixed(images, recipe["fractions"])
    refuse_left_out(path, images, {}, max_bad)
    work = _Build(images, path, preprocessors, recipe, shards, groups)
    work.build_all(overwrite)
    return work.complete()


class _Build:
    """One build: which rows are in which shard, and what could not be read."""

    def __init__(
        self,
        images: ImageSource,
        path: Path,
        chain: Chain,
        recipe: dict[str, Any],
        shards: int,
        groups: str | None,
    ) -> None:
        self.images = images
        self.path = path
        self.chain = chain
        self.names = [printable(images.identify(row)) for row in range(len(images))]
        named = None if groups is None else Grouping(groups)(self.names)
        self.groups = None if named is None else joined(named)
        self.parts = _divided(images, recipe, named)
        if shards > len(self.parts["train"]):
            raise SightkitError(
                "Every shard must have training images.",
                "Take fewer.",
                shards=shards,
                train=len(self.parts["train"]),
            )
        cut = {name: np.array_split(rows, shards) for name, rows in self.parts.items()}
        self.plan = [{name: each[k] for name, each in cut.items()} for k in range(shards)]
        self.recipe = {**recipe, "name": images.name, "images": len(images) + len(images.left_out)}
        self.recipe["near_copies"] = {"text": "near copies were not compared"}
        self.bad: dict[int, str] = {}
        self.files: list[DatasetFile] = []
        self.shape: tuple[int, ...] = ()

    def build_all(self, overwrite: bool) -> None:
        """Open the shards that are there, and build the others."""
        places = [shard_path(self.path, k, len(self.plan)) for k in range(len(self.plan))]
        missing = [k for k, place in enumerate(places) if overwrite or not place.exists()]
        if missing:
            self._require_room(missing)
        total = sum(map(len, self.parts.values()))
        with progress(total, f"Reading {self.images.name}", unit="images") as advance:
            for number, place in enumerate(places):
                rows = np.concatenate(list(self.plan[number].values()))
                if number in missing:
                    self._write(number, place, rows, overwrite, advance)
                else:
                    advance(len(rows))
                file = _finished(place, {**self.recipe, "shard": [number, len(self.plan)]})
                if file.left_out:
                    there = set(file.sources())
                    self.bad |= {
                        row: self.bad.get(row, "unreadable")
                        for row in rows.tolist()
                        if self.names[row] not in there
                    }
                refuse_left_out(self.path, self.images, self.bad, self.recipe["max_bad"])
                self.files.append(file)

    def complete(self) -> DatasetFile:
        """Write the list of the shards, and that of what was left out."""
        images = self.images
        not_taken = [Finding(name, reason, kind="left out") for name, reason in images.left_out]
        write_list(list_of(self.path), found(images, self.bad, "bad") + not_taken)
        _faults.crash_point("build.listed")
        write_list_of(self.path, self.files)
        file = DatasetFile.open(self.path)
        report(file)
        trained, hashes = Manifest.of(file), file.hashes()
        for name, (first, last) in list(file.splits.items())[1:]:
            if count := int(trained.holds(hashes[first:last]).sum()):
                warn(
                    f"{count:,} of {last - first:,} images of {name} are in train too, to the "
                    "pixel; scripts/verify_dataset.py lists them."
                )
        return file

    def _require_room(self, missing: list[int]) -> None:
        rows = [row for k in missing for part in self.plan[k].values() for row in part.tolist()]
        self.shape = next(
            (each.shape for each in map(self._read, rows) if not isinstance(each, str)), ()
        )
        if not self.shape:
            refuse_left_out(self.path, self.images, dict.fromkeys(rows, "unreadable"), 0)
        dims, dtype = (len(rows), *self.shape), np.dtype(np.uint8)
        needed = file_size(dims, dtype, self.images.class_names, mean_bytes(self.names))
        _files.require_free_space(self.path.parent, needed, self.path.name)

    def _write(
        self,
        number: int,
        place: Path,
        rows: np.ndarray,
        overwrite: bool,
        advance: Callable[[int], Any],
    ) -> None:
        with HDF5DatasetWriter(
            (len(rows), *self.shape),
            place,
            class_names=self.images.class_names,
            splits={name: len(part) for name, part in self.plan[number].items() if len(part)},
            preprocessing=self.recipe["preprocessing"],
            recipe={**self.recipe, "shard": [number, len(self.plan)]},
            overwrite=overwrite,
            source_bytes=mean_bytes(self.names),
            groups=None if self.groups is None else self.groups[rows],
            resumable=True,
        ) as writer:
            advance(writer.position)

            def read(task: range) -> list[np.ndarray | str]:
                return [self._read(int(rows[position])) for position in task]

            todo = range(writer.position, len(rows))
            batches = in_batches(read, todo, BATCH, ROWS_A_TASK)
            with contextlib.closing(batches) as results:
                for batch, tasks in results:
                    self._add(writer, batch, rows, [each for task in tasks for each in task])
                    advance(len(batch))

    def _add(
        self,
        writer: HDF5DatasetWriter,
        batch: range,
        rows: np.ndarray,
        images: list[np.ndarray | str],
    ) -> None:
        """Add a batch of images; in place of one that cannot be read there is the reason."""
        good, pixels, left_out = [], [], []
        for position, row, image in zip(batch, rows[batch].tolist(), images, strict=True):
            if isinstance(image, str):
                self.bad[row] = image
                left_out.append(LeftOut(position, self.names[row], image))
                continue
            if image.shape != self.shape or image.dtype != np.uint8:
                raise SightkitError(
                    f"Images must come out of the preprocessing uint8, of one size, {self.shape}.",
                    "Add a SimplePreprocessor or an AspectAwarePreprocessor to the chain.",
                    image=self.names[row],
                    shape=image.shape,
                    dtype=image.dtype,
                )
            good.append(row)
            pixels.append(image)
        writer.add(
            np.stack(pixels) if pixels else np.empty((0, *self.shape), np.uint8),
            self.images.labels[good],
            [self.names[row] for row in good],
            left_out=left_out,
        )

    def _read(self, row: int) -> np.ndarray | str:
        """An image, preprocessed; where it cannot be read and may be left out, the reason."""
        try:
            return np.ascontiguousarray(self.chain(self.images.read(row)))
        except (SightkitError, OSError) as error:
            if self.recipe["max_bad"] is None:
                raise unreadable(self.names[row], error) from error
            return str(error)


def _divided(
    images: ImageSource, recipe: dict[str, Any], groups: list[str] | None
) -> dict[str, np.ndarray]:
    """Rows of each split, in random order: a shard is a part of it."""
    parts, _ = partition(
        images,
        recipe["fractions"],
        seed=recipe["split_seed"],
        readable=np.ones(len(images), bool),
        keys=[b"%d" % row for row in range(len(images))],
        groups=groups,
    )
    rng = np.random.Generator(np.random.Philox(key=[recipe["split_seed"], 1]))
    return {name: rng.permutation(rows)[: recipe["limit"]] for name, rows in parts.items()}


def _finished(place: Path, recipe: dict[str, Any]) -> DatasetFile:
    """Open a shard that is there."""
    try:
        file = open_same(place, recipe)
        # Of a writer that died between the last two steps.
        place.with_name(place.name + _files.PARTIAL + JOURNAL).unlink(missing_ok=True)
        return file
    except OtherRecipe:
        raise
    except SightkitError as error:
        raise SightkitError(
            f"A shard is damaged. {error}",
            "Delete it, and give the same command again.",
            shard=str(place),
        ) from error
