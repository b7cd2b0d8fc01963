"""Labels as pictures: a colour a class, over the photo; a sheet of photo, mask and answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sightkit._errors import visible
from sightkit.apps.generative.mask_classes import IGNORED
from sightkit.evaluation import PhotoFolder, output_names
from sightkit.io import write_png
from sightkit.preprocessing import ColourPreprocessor

SHARE = 0.6
"""Of the colour in an overlay."""
LINE = 22
"""Pixels: height of a line of the legend."""


def class_colours(count: int) -> np.ndarray:
    """Return uint8 (count, 3): colours of a colour map that is told apart, repeated after 20."""
    from matplotlib import colormaps

    table = np.array(colormaps["tab20"].colors)  # type: ignore[attr-defined]
    return np.round(255 * table[np.arange(count) % len(table)]).astype(np.uint8)


def overlay(image: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Return a photo, uint8 (H, W, 3), with the colours of its labels, uint8 (H, W), over it."""
    colours = np.zeros((256, 3), np.uint8)
    colours[:classes] = class_colours(classes)
    drawn = cv2.addWeighted(colours[labels], SHARE, image, 1 - SHARE, 0)
    return np.where((labels == IGNORED)[..., None], image // 2, drawn)


def sheet(
    rows: Sequence[Sequence[np.ndarray]], names: Sequence[str], width: int = 320
) -> np.ndarray:
    """Return rows of pictures, uint8 (H, W, 3), each resized to a width, above a legend."""
    lines = []
    for row in rows:
        height = round(width * row[0].shape[0] / row[0].shape[1])
        small = [cv2.resize(p, (width, height), interpolation=cv2.INTER_AREA) for p in row]
        lines.append(np.concatenate(small, axis=1))
    whole = np.concatenate(lines)
    return np.concatenate([whole, _legend(names, whole.shape[1])])


def _legend(names: Sequence[str], width: int) -> np.ndarray:
    columns = max(1, width // 160)
    drawn = np.full((-(-len(names) // columns) * LINE + 6, width, 3), 255, np.uint8)
    for k, (name, colour) in enumerate(zip(names, class_colours(len(names)), strict=True)):
        x, y = (k % columns) * (width // columns) + 6, (k // columns) * LINE + 4
        cv2.rectangle(drawn, (x, y), (x + 14, y + 14), colour.tolist(), cv2.FILLED)
        cv2.putText(drawn, name[:16], (x + 20, y + 12), cv2.FONT_HERSHEY_SIMPLEX, 0.42,
                    (0, 0, 0), 1, cv2.LINE_AA)  # fmt: skip
    return drawn


def segment_photos(
    segmenter: Any, photos: PhotoFolder, folder: Path
) -> dict[str, dict[str, float]]:
    """Write NAME.mask.png and NAME.png of each photo and print a line for it.

    Args:
        segmenter: of ``load_segmenter``.
        photos: to segment.
        folder: that exists.

    Returns:
        By path of the photo, the share of each class that it shows.
    """
    names, found = output_names(photos.files), {}
    for part in photos:
        for path, image in part.items():
            (labels,) = segmenter.predict(image)
            place = folder / names[Path(path)]
            place.parent.mkdir(parents=True, exist_ok=True)
            classes = len(segmenter.class_names)
            write_png(place.with_name(f"{place.name}.mask.png"), labels[..., None])
            drawn = overlay(ColourPreprocessor()(image), labels, classes)
            write_png(place.with_name(f"{place.name}.png"), drawn)
            shares = np.bincount(labels.ravel(), minlength=classes) / labels.size
            order = np.argsort(-shares)
            found[path] = {segmenter.class_names[k]: float(shares[k]) for k in order if shares[k]}
            shown = ", ".join(
                f"{visible(n)} {100 * s:.0f} %" for n, s in list(found[path].items())[:5]
            )
            print(f"{visible(path)}: {shown}")
    return found
