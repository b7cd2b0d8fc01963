"""Enlarged photos as files, NAME_x2.png, in a folder that is written at once. No Keras here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sightkit import _output_folder
from sightkit._errors import SightkitError, visible
from sightkit._scripts import warn
from sightkit.evaluation import PhotoFolder, output_names
from sightkit.io import write_png

REPORT, FORMAT = "upscaled.json", "sightkit-upscaled"


def require_new_pictures(output: Path, *, overwrite: bool) -> None:
    """Check, before any work, that enlargements can be written.

    Raises:
        SightkitError: the folder holds other files, or enlargements, without ``overwrite``.
    """
    _output_folder.require_new(output, REPORT, FORMAT, overwrite=overwrite)


def upscale_photos(upscaler: Any, photos: PhotoFolder, output: Path) -> dict[str, str]:
    """Enlarge photos, write each and print a line for it; one that is refused stops no other.

    Args:
        upscaler: an ``UpscalerBundle``.
        photos: to enlarge.
        output: folder, which is replaced once all are enlarged; upscaled.json lists them.

    Returns:
        By path of the photo, the name of its enlargement in the folder.

    Raises:
        SightkitError: photos that could not be read or were refused; the others are written.
    """
    results: dict[str, str] = {}
    names = output_names(photos.files)
    with _output_folder.writing(output, REPORT, FORMAT) as (folder, report):
        for part in photos:
            for path, image in part.items():
                try:
                    (large,) = upscaler.predict([image])
                except SightkitError as error:
                    if len(photos.files) == 1:
                        raise
                    photos.failed[path] = str(error)
                    warn(f"{path}: {error}")
                    continue
                results[path] = f"{names[Path(path)]}_x{upscaler.factor}.png"
                place = folder / results[path]
                place.parent.mkdir(parents=True, exist_ok=True)
                write_png(place, large)
                sizes = [f"{i.shape[1]}x{i.shape[0]}" for i in (image, large)]
                print(visible(f"{path}: {sizes[0]} to {sizes[1]}, {output / results[path]}"))
        report |= {"factor": upscaler.factor, "photos": results}
    print(output)
    photos.require_all()
    return results
