"""What detectors found, a JSON and a drawn picture for each photo. No Keras here."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files, _schema
from sightkit._errors import SightkitError, visible
from sightkit._scripts import warn
from sightkit.apps.detection.detections import Detections, DetectionsJson
from sightkit.apps.detection.drawing import draw_detections
from sightkit.evaluation import PhotoFolder
from sightkit.io import write_png


def require_new_results(
    output: Path, names: Mapping[Path, str], *, overwrite: bool = False
) -> None:
    """Check, before any work, that results can be written beside what a folder holds.

    Args:
        output: the folder; it may exist and hold other files, which stay.
        names: of ``evaluation.output_names``.
        overwrite: earlier results may be replaced; no other file ever is.

    Raises:
        SightkitError: results of the same name exist, or files that are none.
    """
    _files.require_writable(output)
    photos = {path.resolve() for path in names}
    for name in names.values():
        result, drawn = _paths(output, name)
        _files.require_writable(result.parent)
        found = [str(path) for path in (result, drawn) if os.path.lexists(path)]
        if found and (not _is_result(result) or drawn.resolve() in photos):
            raise SightkitError(
                "Files that are no results of a detector are never replaced.",
                "Choose another --output.",
                found=found,
            )
        if found and not overwrite:
            raise SightkitError(
                "The folder of --output holds results of these pictures already.",
                "Give --overwrite to replace them, or another folder.",
                found=found,
            )


def write_detections(
    output: Path, name: str, file: Path, image: np.ndarray, found: Detections
) -> Path:
    """Write NAME.json, ``Detections.to_json`` with the file's name, and NAME.png, drawn.

    Args:
        output: the folder.
        name: of ``evaluation.output_names``.
        file: of the picture.
        image: uint8 (H, W, 3) RGB, or (H, W, 1).
        found: in it.

    Returns:
        The path of the JSON.
    """
    result, drawn = _paths(output, name)
    result.parent.mkdir(parents=True, exist_ok=True)
    # The JSON first: it makes the picture beside it one that may be replaced.
    _files.write_json(result, found.to_json(file.name))
    with _files.replacing(drawn) as temporary:
        write_png(temporary, draw_detections(image, found))
    return result


def detect_photos(
    find: Callable[[np.ndarray], Detections],
    photos: PhotoFolder,
    names: Mapping[Path, str],
    output: Path,
) -> dict[str, Any]:
    """Find things in photos, write the results of each and print a line for it.

    A photo that a detector refuses, one smaller than its window for example, does not stop the
    others.

    Returns:
        By path of the photo, what its JSON holds.

    Raises:
        SightkitError: photos that could not be read or were refused; the others are written.
    """
    results: dict[str, Any] = {}
    for part in photos:
        for path, image in part.items():
            try:
                found = find(image)
            except SightkitError as error:
                if len(photos.files) == 1:
                    raise
                photos.failed[path] = str(error)
                warn(f"{path}: {error}")
                continue
            file = Path(path)
            results[path] = found.to_json(file.name)
            counts = Counter(found.names())
            what = ", ".join(f"{name} ({count})" for name, count in counts.most_common())
            print(f"{visible(path)}: {visible(what) or 'nothing'}")
            write_detections(output, names[file], file, image, found)
    print(output)
    if photos.failed:
        raise SightkitError(
            "Each picture must be one that can be read and searched; those that are not are named "
            "above.",
            "Remove or replace them; the others are done.",
            bad=len(photos.failed),
            files=len({*map(str, photos.files), *photos.failed}),
        )
    return results


def _paths(output: Path, name: str) -> tuple[Path, Path]:
    return output / f"{name}.json", output / f"{name}.png"


def _is_result(path: Path) -> bool:
    try:
        return path.is_file() and bool(_schema.read(path, DetectionsJson))
    except SightkitError:
        return False
