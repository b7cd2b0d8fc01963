"""Image files to classify: read a few at a time, the bad ones reported and counted."""

from __future__ import annotations

import os
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import io
from sightkit._errors import SightkitError, few, visible
from sightkit._scripts import warn
from sightkit._tables import text_table
from sightkit.evaluation.outputs import write_answers
from sightkit.io.sources.folder_scan import scan_folder

PART = 32
"""Images in memory at once; they come in the size of the camera."""
NAMED = 3
LISTED = 10
"""Photos whose answers are printed one by one; of more there is a summary."""
SHOWN_CLASSES = 50
NONE = "none of these"


class PhotoFolder:
    """Image files, and all images in folders; a bad file does not stop the others.

    The first part is read at once, so that bad names are reported before Keras takes its seconds.
    Each file that cannot be read is reported on stderr in one line, and so are other files in a
    folder.

    Args:
        paths: files, and folders that are searched with all folders below them.
        follow_links: take what links in folders lead to, as ``io.FolderDataset``.

    Attributes:
        files: all of them.
        failed: path of each file or folder that could not be read to the reason.

    Raises:
        SightkitError: none of the files can be read.

    Example:
        for part in PhotoFolder(["photos", "beagle.jpg"]):
            print(list(part), bundle.predict(list(part.values())))
    """

    def __init__(
        self, paths: Iterable[str | os.PathLike[str]], *, follow_links: bool = False
    ) -> None:
        given = [Path(path) for path in paths]
        self._follow_links = follow_links
        self.failed: dict[str, str] = {}
        self._alone = len(given) == 1
        self.files = [file for path in given for file in self._files(path)]
        self._alone = len(self.files) == 1 and not self.failed
        self._waiting = iter(self.files)
        self._first = self._read_part()
        if not self._first:
            self.require_all()

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        """Parts of at most 32 images: path to uint8 (H, W, 3), RGB; iterate once."""
        part = self._first
        while part:
            yield part
            part = self._read_part()

    def require_all(self, step: str = "Remove or replace them; the others are done.") -> None:
        """Raise if a file or folder could not be read; call it when the others are classified.

        Args:
            step: what to do; by default the others have been answered.
        """
        if self.failed:
            raise SightkitError(
                "Each file must be an image that can be read; those that are not are named above.",
                step,
                bad=len(self.failed),
                files=len({*map(str, self.files), *self.failed}),
            )

    def _files(self, path: Path) -> list[Path]:
        if not path.is_dir():
            return [path]
        try:
            scan = scan_folder(path, follow_links=self._follow_links)
            if not scan.images:
                raise SightkitError(
                    "The folder must hold images.",
                    "Check the path.",
                    folder=str(path),
                    left_out=dict(Counter(reason for _, reason in (*scan.lost, *scan.left_out))),
                )
        except SightkitError as error:
            self._report(path, error)
            return []
        report_left_out(path, (*scan.lost, *scan.left_out))
        self.failed |= {str(path / name): reason for name, reason in scan.lost}
        return [path / name for name, _ in scan.images]

    def _read_part(self) -> dict[str, np.ndarray]:
        part: dict[str, np.ndarray] = {}
        for path in self._waiting:
            try:
                part[str(path)] = io.read_image(path)
            except SightkitError as error:
                self._report(path, error)
            if len(part) == PART:
                break
        return part

    def _report(self, path: Path, error: SightkitError) -> None:
        """Print a line on stderr; for a file that was named alone raise the error itself."""
        if self._alone:
            raise error
        self.failed[str(path)] = str(error)
        warn(error)


def predict_photos(
    bundle: Any,
    photos: PhotoFolder,
    *,
    top: int = 5,
    threshold: float = 0.0,
    reject: float | None = None,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> dict[str, dict[str, float | None]]:
    """Classify photos, print the most probable classes of each and write them to a file.

    Of more than ten photos the number of each class is printed, not each photo.

    Args:
        bundle: as ``training.load_bundle``, ``transfer.load`` or ``transfer.pretrained`` return it.
        photos: to classify.
        top: classes a photo.
        threshold: probability of the best class below which "none of these" comes first; it has
            no probability, because the network knows none for it.
        reject: share of photos of the bundle's own classes that may be lost to "none of these"
            because they are unlike those it was trained on; None: unlike photos are answered too.
        output: file to write, ``.json`` or ``.csv``; see ``write_answers``.
        overwrite: replace the file if it exists.

    Returns:
        By path the classes with their probability, the most probable first.

    Raises:
        SightkitError: files could not be read; the others are printed and written all the same.
    """
    result: dict[str, dict[str, float | None]] = {}
    one_by_one = len(photos.files) <= LISTED
    for part in photos:
        answers = answers_of(bundle, part, top=top, threshold=threshold, reject=reject)
        result |= answers
        if one_by_one:
            for photo, answer in answers.items():
                print("\n".join(lines_of(photo, answer)))
    if output is not None:
        write_answers(output, result, photos.failed, overwrite=overwrite)
    if not one_by_one:
        print(_summary(result, len(photos.failed), output))
    photos.require_all()
    return result


def answers_of(
    bundle: Any,
    part: Mapping[str, np.ndarray],
    *,
    top: int,
    threshold: float,
    reject: float | None,
) -> dict[str, dict[str, float | None]]:
    """Return the most probable classes of some decoded photos, see ``predict_photos``."""
    images = list(part.values())
    if not images:
        return {}
    if reject is None:
        probabilities, known = bundle.predict(images), np.ones(len(images), bool)
    else:
        probabilities, known = bundle.predict_known(images, reject)
    known &= probabilities.max(axis=1) >= threshold
    answers = bundle.top(probabilities, top)
    return {
        photo: answer if alike else {NONE: None, **answer}
        for photo, answer, alike in zip(part, answers, known, strict=True)
    }


def lines_of(photo: str, answer: Mapping[str, float | None]) -> list[str]:
    """Return the photo, and a line for each of its classes."""
    lines = [visible(photo)]
    for name, share in answer.items():
        number = 8 * " " if share is None else f"{100 * share:6.2f} %"
        lines.append(f"  {number}  {visible(name)}")
    return lines


def _summary(
    result: Mapping[str, Mapping[str, float | None]],
    failed: int,
    output: str | os.PathLike[str] | None,
) -> str:
    """A row a class, the most frequent first, and where the row of each photo is."""
    shares: dict[str, list[float]] = {}
    for answer in result.values():
        best = next(iter(answer))
        shares.setdefault(best, []).append(max(v for v in answer.values() if v is not None))
    rows = [
        {"class": name, "photos": len(values), "probability, mean": statistics.fmean(values)}
        for name, values in sorted(shares.items(), key=lambda pair: -len(pair[1]))
    ]
    where = f"in {output}" if output is not None else "written by --output FILE.csv"
    not_read = f", {failed:,} could not be read" if failed else ""
    return (
        f"{text_table(rows, longest=SHOWN_CLASSES, more=str(output or '--output FILE.csv'))}\n\n"
        f"{len(result):,} photos classified{not_read}; a row for each is {where}."
    )


def output_names(files: Sequence[Path]) -> dict[Path, str]:
    """Return the name of each file's results, without ending: no two have the same.

    It is the file's own without its ending; where two files would share one, all have their folders
    before it, from the one that holds all of them on; then their endings too.
    """
    files = list(dict.fromkeys(files))
    whole = [Path(os.path.abspath(file)) for file in files]
    above = os.path.commonpath([path.parent for path in whole]) if files else ""
    places = [path.relative_to(above) for path in whole]
    forms = (
        [path.stem for path in whole],
        [str(place.with_suffix("")) for place in places],
        [str(place) for place in places],
    )
    different = (form for form in forms if len({name.casefold() for name in form}) == len(files))
    return dict(zip(files, next(different, forms[-1]), strict=True))


def report_left_out(folder: str | os.PathLike[str], left_out: Sequence[tuple[str, str]]) -> None:
    """Warn of files in a folder that are not images: their number, and the first few by name."""
    if left_out:
        names = few([f"{name!r} ({reason})" for name, reason in left_out], NAMED)
        warn(f"Left out in {str(folder)!r}: {len(left_out):,}, {names}.")
