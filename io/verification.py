"""Check every image of a folder or every row of a dataset file, and list what is bad."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import math
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightkit._errors import SightkitError, visible
from sightkit._regular_file import read_regular_file
from sightkit._scripts import as_given
from sightkit.io.arguments import share
from sightkit.io.depth import watch_depth
from sightkit.io.hdf5.file import DatasetFile
from sightkit.io.hdf5.values import channel_sums, row_hashes
from sightkit.io.image_header import read_header
from sightkit.io.image_kinds import KIND_BY_ENDING, ending_of
from sightkit.io.images import decode_image
from sightkit.io.labels import class_counts, few_pictures
from sightkit.io.left_out import Finding, check_list, write_list
from sightkit.io.near_copies import Thumbnails
from sightkit.io.sources.folder_layouts import by_folder, by_split
from sightkit.io.sources.folder_scan import Scan, scan_folder
from sightkit.io.threads import in_threads, progress

SHOWN, KINDS = 5, ("bad", "warning", "left out")
MAXIMUM_BYTES = 2**30
"""Larger than the file of any image of a hundred million pixels."""
PORTION_BYTES = 2**23
"""Of rows that are compared with their hashes at a time."""
_Found = tuple[int, list[Finding], list[str]]


@dataclass(frozen=True)
class Verification:
    """The result of ``verify``.

    Attributes:
        path: the folder or the file.
        checked: number of images.
        findings: what is bad, what is worth a look, and what was left out; sorted by kind.
        notes: on near copies and what was not compared, classes of few photos, and 16-bit files
            that hold values of 12 bits.
    """

    path: Path
    checked: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    def of_kind(self, kind: str) -> tuple[Finding, ...]:
        """Findings that are ``"bad"``, a ``"warning"`` or ``"left out"``."""
        return tuple(finding for finding in self.findings if finding.kind == kind)

    @property
    def bad(self) -> tuple[Finding, ...]:
        """Images that should not be trained on."""
        return self.of_kind("bad")

    def __str__(self) -> str:
        lines = [f"{self.path}: {self.checked:,} images checked", *map(as_given, self.notes)]
        for kind in KINDS:
            found = self.of_kind(kind)
            lines.append(f"{kind + ':':<10}{len(found):,}")
            for each in found[:SHOWN]:
                lines.append(f"  {visible(each.path)}: {visible(each.reason)}")
            if len(found) > SHOWN:
                lines.append(f"  … and {len(found) - SHOWN:,} more")
        return "\n".join(lines)


def verify(
    path: str | os.PathLike[str],
    *,
    tolerance: float = 0.01,
    output: str | os.PathLike[str] | None = None,
    exclude: Sequence[str] = (),
    follow_links: bool = False,
) -> Verification:
    """Check the images of a folder, or of a dataset file; nothing in it is touched.

    In a folder every file is decoded as ``read_image`` would. Bad is an image that cannot be
    decoded, is empty, may not be read, is hidden or behind a link that is not followed. Warnings:
    an image whose name has another format, and the same picture once more, in its folder or in
    another, or nearly the same (its size, its encoding or up to 5 % of its margin differ; from 64
    pixels on). What is no image by its first bytes and has no image's ending, a FIFO and the
    like is left out and listed.

    In a dataset file the structure is checked, every row is compared with its hash, float rows must
    be finite, the mean must be that of the training rows. Bad is a row that differs, and one whose
    pixels are in an earlier split too; nearly the same pixels are a warning.

    Args:
        path: folder of images, or file that HDF5DatasetWriter wrote.
        tolerance: share of bad images, 0 to 1, up to which there is no error.
        output: file for the list (CSV: path, reason, sha256, kind); none is written when left out.
        exclude: folders in a folder, by name or path, to leave out; or patterns, also of files.
        follow_links: of a folder, as in ``FolderDataset``.

    Returns:
        What was found.

    Raises:
        SightkitError: nothing to check, a file whose structure is damaged, or more bad images than
            ``tolerance``; the list is written before.
    """
    path = Path(path)
    share("tolerance", tolerance)
    if output is not None:
        check_list(Path(output))
    with watch_depth() as depth:
        if path.is_dir():
            scan = scan_folder(path, exclude, follow_links=follow_links)
            checked, findings, notes = _verify_folder(scan, follow_links)
        else:
            checked, findings, notes = _verify_file(path)
    findings.sort(key=lambda finding: KINDS.index(finding.kind))
    notes = tuple(note for note in (*notes, depth.describe()) if note)
    found = Verification(path, checked, tuple(findings), notes)
    if output is not None:
        write_list(Path(output), found.findings)
    if not found.checked:
        reasons = Counter(finding.reason for finding in found.findings).most_common(3)
        raise SightkitError(
            "There must be images to check.",
            "Check the path.",
            path=str(found.path),
            left_out=dict(reasons),
        )
    if len(found.bad) > tolerance * found.checked:
        raise SightkitError(
            f"{len(found.bad):,} of {found.checked:,} images are bad "
            f"({len(found.bad) / found.checked:.2%}, allowed are {tolerance:.2%}).",
            f"{output or 'output=FILE'} lists them. The first: {found.bad[0].reason}",
            path=str(found.path),
            first=found.bad[0].path,
        )
    return found


def _verify_folder(scan: Scan, follow: bool) -> _Found:
    """The number of images, what is wrong with some, notes."""
    findings = [Finding(name, reason, kind="left out") for name, reason in scan.left_out]
    findings += [Finding(name, reason) for name, reason in scan.lost]
    names = [name for name, _ in scan.images]
    folders = [os.path.dirname(name) for name in names]
    seen: dict[bytes, int] = {}
    thumbnails = Thumbnails(len(names))
    shapes: set[tuple[int, ...]] = set()

    def look(number: int, image: np.ndarray) -> None:
        thumbnails.add(number, image)
        shapes.add(image.shape)

    def check(number: int) -> tuple[Finding | None, str, bytes]:
        return _check(scan.root, names[number], follow, functools.partial(look, number))

    def copy_of(other: int, number: int) -> str:
        return f"{names[other]}{', in another folder' * (folders[other] != folders[number])}"

    with (
        progress(len(names), f"Checking {scan.root.name}") as advance,
        contextlib.closing(in_threads(check, range(len(names)))) as results,
    ):
        for number, (finding, sha256, pixels) in enumerate(results):
            advance(1)
            findings += [finding] if finding else []
            first = seen.setdefault(pixels, number) if pixels else number
            if first != number:
                reason = f"the same picture as {copy_of(first, number)}"
                findings.append(Finding(names[number], reason, sha256, "warning"))
    near, _, text = thumbnails.copies(list(seen.values()), folders, "folder")
    for number, other in sorted(near.items()):
        reason = f"nearly the same picture as {copy_of(other, number)}"
        findings.append(Finding(names[number], reason, kind="warning"))
    counts: Counter[str] = Counter()
    for classes_of in (by_folder, by_split):
        with contextlib.suppress(SightkitError):  # of another layout
            counts = counts or Counter(label for _, _, label in classes_of(scan).images)
    notes = [text, few_pictures(counts, shapes)]
    return len(names) + len(scan.lost), findings, notes


def _check(
    root: Path, name: str, follow: bool, decoded: Callable[[np.ndarray], None]
) -> tuple[Finding | None, str, bytes]:
    """What is wrong with a file, its SHA-256, and that of its pixels if it could be decoded."""
    try:
        data = read_regular_file(root / name, MAXIMUM_BYTES, follow_links=follow)
    except OSError as error:
        return Finding(name, f"cannot be read ({error.strerror})"), "", b""
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        image = decode_image(data, name=name)
    except SightkitError as error:
        return Finding(name, str(error), sha256), sha256, b""
    decoded(image)
    pixels = hashlib.sha256(str(image.shape).encode() + image.tobytes()).digest()
    header = read_header(data)
    ending = ending_of(name)
    finding = None
    if header and KIND_BY_ENDING.get(ending, header.kind) != header.kind:
        reason = f"can be read, but is named {ending} and holds a {header.kind}"
        finding = Finding(name, reason, sha256, "warning")
    return finding, sha256, pixels


def _verify_file(path: Path) -> _Found:
    """The number of rows, those that differ from their hash or are in two splits, and notes."""
    file = DatasetFile.open(path)
    sources, hashes = file.sources(), file.hashes()
    digests = [row.tobytes().hex() for row in hashes]
    thumbnails = Thumbnails(len(sources))
    places = file.places()
    shards = len(file.files) > 1

    def where(row: int) -> str:
        return f"row {row}{f', in {file.files[places[row]].name}' * shards}"

    findings = [
        Finding(sources[row], f"{where(row)}: {reason}", digests[row])
        for row, reason in sorted(
            {**_copies(file, digests), **_changed(file, hashes, thumbnails)}.items()
        )
    ]
    if file.dtype != np.uint8:
        return len(sources), findings, []
    splits = [name for name, (first, last) in file.splits.items() for _ in range(first, last)]
    different = np.sort(np.unique(digests, return_index=True)[1]).tolist()
    near, _, text = thumbnails.copies(different, splits, "split")
    for row, other in sorted(near.items()):
        reason = f"row {row} of {splits[row]}: nearly the same as row {other} of {splits[other]}"
        findings.append(Finding(sources[row], reason, digests[row], "warning"))
    counts = class_counts(file.labels, file.class_names)
    notes = [text, few_pictures(counts, [file.shape[1:]])]
    return len(sources), findings, notes


def _changed(file: DatasetFile, hashes: np.ndarray, thumbnails: Thumbnails) -> dict[int, str]:
    """Rows that differ from their hash or are not finite; a wrong mean is an error."""
    rows = file.memmap()
    count = len(rows)
    size = max(1, PORTION_BYTES // (file.dtype.itemsize * math.prod(file.shape[1:])))
    first, last = next(iter(file.splits.values()))
    total = np.zeros(file.shape[-1])
    reasons: dict[int, str] = {}

    def look(start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        part = rows[start : start + size]
        same = np.all(row_hashes(part) == hashes[start : start + size], axis=1)
        finite = np.ones(len(part), bool)
        if part.dtype.kind == "f":
            finite = np.all(np.isfinite(part.reshape(len(part), -1)), axis=1)
        if part.dtype == np.uint8:
            for row, image in enumerate(part, start):
                thumbnails.add(row, image)
        training = part[max(first - start, 0) : max(last - start, 0)]
        return same, finite, channel_sums(training)

    starts = range(0, count, size)
    with (
        progress(count, f"Checking {file.path.name}") as advance,
        contextlib.closing(in_threads(look, starts)) as results,
    ):
        for start, (same, finite, added) in zip(starts, results, strict=True):
            advance(len(same))
            total += added
            reasons |= {start + int(row): "not finite" for row in np.flatnonzero(~finite)}
            differ = "the pixels differ from what was written"
            reasons |= {start + int(row): differ for row in np.flatnonzero(~same)}
    mean = total / ((last - first) * math.prod(file.shape[1:-1]))
    if not reasons and file.mean.size and not np.allclose(mean, file.mean, rtol=1e-6, atol=1e-9):
        raise SightkitError(
            "The dataset file is damaged: its mean is not that of its training rows.",
            "Delete it and build it again.",
            path=str(file.path),
            mean=file.mean,
            of_the_rows=mean,
        )
    return reasons


def _copies(file: DatasetFile, digests: list[str]) -> dict[int, str]:
    """Rows whose bytes are in an earlier split too."""
    seen: dict[str, tuple[int, str]] = {}
    reasons = {}
    for split, (first, last) in file.splits.items():
        for row in range(first, last):
            other, where = seen.setdefault(digests[row], (row, split))
            if where != split:
                reasons[row] = f"the same pixels as row {other} of {where} are in {split}"
    return reasons
