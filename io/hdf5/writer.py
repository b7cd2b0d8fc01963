"""Write a dataset file: complete or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _faults, _files, _locks
from sightkit._errors import SightkitError
from sightkit.io.arguments import whole_number
from sightkit.io.hdf5 import values
from sightkit.io.hdf5.journal import ENDING, Journal, LeftOut, Portion, those_that_came
from sightkit.io.hdf5.layout import FORMAT, SCHEMA
from sightkit.io.hdf5.rows import RowFile, as_user_error, dataset_lock, write_columns

COLOURS = {1: "gray", 3: "RGB"}
"""By the number of channels; features have none."""


class HDF5DatasetWriter:
    """Write images and labels to one HDF5 file; use it as a context manager.

    Rows go to ``NAME.partial`` beside ``path``. When the block ends well, the marker ``complete``
    is written, the file is synced and renamed; when it does not, the partial file is removed and
    whatever was at ``path`` is untouched.

    Args:
        dims: shape of all rows, (N, H, W, C).
        path: the file to write.
        class_names: in label order.
        splits: name to number of rows, in the order in which rows will be added; all of them
            ``"train"`` when left out.
        data_key: name of the dataset.
        dtype: of the rows; ``"uint8"`` for images.
        preprocessing: config of the chain that the rows have been through.
        recipe: JSON that describes what the file is built from, and how.
        overwrite: replace a file that exists.
        source_bytes: length of the rows' sources, on average, in UTF-8; for the space on the disk.
        place: where the data are now, stored in the recipe; no part of what they are.
        groups: int64 (N,), equal for rows that stay in one split, those that do not come included.
        lock: the file's ``dataset_lock``, if the caller holds it already.
        resumable: save what is written when the block ends badly or the process dies; a writer
            with the same arguments then begins with all rows of the calls of ``add`` that came
            back: ``position`` is where to resume. Rows may be left out, see ``add``.

    Attributes:
        count: rows written.
        left_out: rows that were announced and do not come.

    Raises:
        SightkitError: the file exists, another process writes it, the disk is too small, names or
            configs cannot be stored, or what is added does not fit.

    Example:
        with HDF5DatasetWriter((2, 8, 8, 1), "two.h5", class_names=("a", "b")) as writer:
            writer.add(images, labels=[0, 1])
    """

    def __init__(
        self,
        dims: Sequence[int],
        path: str | os.PathLike[str],
        *,
        class_names: Sequence[str],
        splits: Mapping[str, int] | None = None,
        data_key: str = "images",
        dtype: str = "uint8",
        preprocessing: Mapping[str, Any] | None = None,
        recipe: Mapping[str, Any] | None = None,
        overwrite: bool = False,
        source_bytes: int = values.SOURCE_BYTES,
        place: str = "",
        groups: np.ndarray | None = None,
        lock: _locks.FileLock | None = None,
        resumable: bool = False,
    ) -> None:
        self.path = Path(path)
        self.dims = tuple(whole_number("dims", size, at_least=1) for size in dims)
        if len(self.dims) == 4 and self.dims[1] in COLOURS and min(self.dims[2:]) > 4:
            raise SightkitError(
                "Images are channels-last, (N, H, W, C).",
                "Give rows of np.moveaxis(images, 1, -1).",
                dims=self.dims,
            )
        self.class_names = values.checked_names(class_names)
        self.splits = values.split_ranges(splits or {"train": self.dims[0]}, self.dims[0])
        self.data_key = values.checked_key(data_key)
        self.dtype = values.checked_dtype(dtype)
        self.count = 0
        self.left_out: list[LeftOut] = []
        self._preprocessing = values.checked_json(
            "preprocessing", preprocessing or {"name": "Pipeline", "steps": []}
        )
        self._recipe = values.checked_json("recipe", recipe or {})
        self._place = {"place": place} if place else {}
        self._source_bytes = whole_number("source_bytes", source_bytes, at_least=0)
        self._partial = self.path.with_name(self.path.name + _files.PARTIAL)
        self._groups = values.checked_groups(groups, self.dims[0])
        self._labels = np.zeros(self.dims[0], np.int64)
        self._hashes = np.zeros((self.dims[0], 32), np.uint8)
        self._originals: list[np.ndarray | None] = []
        self._sources: list[str] = []
        self._sum = np.zeros(self.dims[-1] if len(self.dims) == 4 else 0, np.float64)
        self._lock = lock or dataset_lock(self.path)
        self._closed = False
        self._rows = RowFile(self._partial, self.data_key, self.dims[1:], self.dtype)
        journal = self._partial.with_name(self._partial.name + ENDING)
        self._journal = Journal(journal, self._identity()) if resumable else None
        self._prepare(overwrite)

    @property
    def position(self) -> int:
        """Number of the ``dims[0]`` rows that are written or left out."""
        return self.count + len(self.left_out)

    def __enter__(self) -> HDF5DatasetWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        self.close() if kind is None else self._stop()

    def add(
        self,
        rows: np.ndarray,
        labels: Sequence[int] | np.ndarray,
        sources: Sequence[str] = (),
        *,
        hashes: np.ndarray | None = None,
        originals: np.ndarray | None = None,
        left_out: Sequence[LeftOut] = (),
    ) -> None:
        """Append rows.

        Args:
            rows: (n, H, W, C) of the writer's dtype; for images RGB or grey, 0–255.
            labels: (n,), indices into ``class_names``.
            sources: (n,), where each row comes from; numbered when left out.
            hashes: uint8 (n, 32), SHA-256 of each row, if they are known already.
            originals: uint8 (n, 8), the first bytes of the SHA-256 of the images they are made of.
            left_out: rows that belong between these and do not come; of a resumable writer.
        """
        rows, labels = np.asarray(rows), np.asarray(labels)
        values.check_rows(rows, labels, self.dims[1:], self.dtype, len(self.class_names))
        wanted = self.position + len(rows) + len(left_out)
        if wanted > self.dims[0]:
            rule = "More rows are added than the file was opened for."
            raise SightkitError(rule, rows=wanted, expected=self.dims[0])
        named = values.checked_sources(sources, range(self.count, self.count + len(rows)))
        hashes = values.row_hashes(rows) if hashes is None else np.asarray(hashes)
        try:
            self._rows.write(self.count, rows)
            portion = Portion(labels, hashes, named, tuple(left_out), originals)
            if self._journal is not None:
                self._journal.append(portion)
        except OSError as error:
            self._stop()
            raise as_user_error(self.path, error) from error
        self._take(portion, rows)
        _faults.crash_point("dataset.rows")

    def close(self) -> None:
        """Complete the file and give it its name; fails when rows are missing."""
        if self._closed:
            return
        if self.position != self.dims[0]:
            self._stop()
            raise SightkitError(
                "A dataset must have as many rows as it was opened for.",
                "Resume with the missing rows." if self._journal else "Nothing was written.",
                rows=self.position,
                expected=self.dims[0],
                path=str(self.path),
            )
        try:
            self._complete()
            _files.sync(self._partial)
            _faults.crash_point("dataset.synced")
            os.replace(self._partial, self.path)
            _faults.crash_point("dataset.renamed")
            if self._journal is not None:
                self._journal.remove()
            _files.sync(self.path.parent)
            self._release()
        except BaseException as error:
            self._stop()
            raise as_user_error(self.path, error) from error

    def abort(self) -> None:
        """Give up: close and remove the partial file, that of a resumable writer too."""
        self._partial.unlink(missing_ok=True)
        if self._journal is not None:
            self._journal.remove()
        self._release()

    def _stop(self) -> None:
        """After a failure: leave what a resumable writer can resume, remove all else."""
        self.abort() if self._journal is None else self._release()

    def _release(self) -> None:
        self._closed = True
        self._rows.close()
        self._lock.release()

    def _prepare(self, overwrite: bool) -> None:
        values.check_path(self.path, overwrite)
        _files.require_writable(self.path.parent, of=self.path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        size = values.file_size(self.dims, self.dtype, self.class_names, self._source_bytes)
        held = self._partial.stat().st_size if self._partial.is_file() else 0
        _files.require_free_space(self.path.parent, max(0, size - held), self.path.name)
        self._lock.acquire()
        try:
            if self._journal is None:
                self._rows.open(size, anew=True)
            else:
                self._resume(size, self._journal, overwrite)
        except BaseException as error:
            refused = isinstance(error, SightkitError)  # another one's unfinished file stays
            self._stop() if refused else self.abort()
            raise as_user_error(self.path, error) from error
        _faults.crash_point("dataset.created")

    def _resume(self, size: int, journal: Journal, overwrite: bool) -> None:
        """Take over what the process before wrote, as far as the file has it as it should."""
        same = journal.has_same_identity()
        if same is False and not overwrite:
            raise SightkitError(
                "An unfinished file of that name is of other data, or has other settings.",
                ("give those settings to resume it", "--overwrite to begin anew", "another name"),
                path=str(self.path),
                unfinished=str(journal.path),
            )
        if not same or not self._partial.is_file():
            self._rows.open(size, anew=True)
            journal.truncate(0)
            return
        self._rows.open(size, anew=False)
        for portion, rows in journal.written(self._rows):
            self._take(portion, rows)

    def _take(self, portion: Portion, rows: np.ndarray) -> None:
        end = self.count + len(rows)
        self._labels[self.count : end] = portion.labels
        self._hashes[self.count : end] = portion.hashes
        self._originals.append(portion.originals)
        self._sources.extend(portion.sources)
        if len(self._sum):  # of images; the mean of features would not fit into an attribute
            first, last = (max(row - self.count, 0) for row in next(iter(self.splits.values())))
            self._sum += values.channel_sums(rows[first:last])
        self.left_out.extend(portion.left_out)
        self.count = end

    def _identity(self) -> dict[str, Any]:
        """Return what a writer must have in common with the one whose work it resumes."""
        return {
            "schema": SCHEMA,
            "data_key": self.data_key,
            "dims": self.dims,
            "dtype": str(self.dtype),
            "class_names": self.class_names,
            "splits": self.splits,
            "preprocessing": self._preprocessing,
            "recipe": self._recipe,
            "groups": self._groups if self._groups is None else self._groups.tolist(),
        }

    def _complete(self) -> None:
        splits, groups = those_that_came(self.splits, self._groups, self.left_out)
        labels, hashes = self._labels[: self.count], self._hashes[: self.count]
        source_bytes = values.mean_bytes(self._sources)  # they may be longer than was announced
        size = values.file_size(self.dims, self.dtype, self.class_names, source_bytes)
        self._rows.finish(self.count, size)
        recipe = {**json.loads(self._recipe), **self._place}
        if self.left_out:
            recipe["left_out"] = {"unreadable": len(self.left_out)}
        pixels = splits[next(iter(splits))][1] * int(np.prod(self.dims[1:-1]))  # it begins at 0
        known = [part for part in self._originals if part is not None]
        originals = np.concatenate(known) if len(known) == len(self._originals) else None
        attributes = {
            "format": FORMAT,
            "schema": SCHEMA,
            "data_key": self.data_key,
            "colour": COLOURS.get(self.dims[-1], "none") if len(self.dims) == 4 else "none",
            "splits": json.dumps(splits),
            "preprocessing": self._preprocessing,
            "recipe": values.checked_json("recipe", recipe),
            "mean": (self._sum / pixels).tolist(),
            "labels_sha256": values.identity(labels, hashes, self.class_names, splits, groups),
            "origins_sha256": values.origins_sha256(self._sources, originals),
        }
        attributes["attributes_sha256"] = values.attributes_sha256(attributes)
        columns = {"labels": labels, "hashes": hashes, "groups": groups, "sources": self._sources}
        columns["originals"] = originals
        write_columns(self._partial, {**columns, "class_names": list(self.class_names)}, attributes)
