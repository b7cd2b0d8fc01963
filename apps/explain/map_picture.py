"""Draw a map of photos: thumbnails where there is room, and beside them its clusters."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sightkit import _files
from sightkit.apps.explain.clusters import Clusters
from sightkit.evaluation.pictures import labels as short_names
from sightkit.preprocessing import AspectAwarePreprocessor

CANVAS, LARGEST, SMALLEST, FRAME = 1500, 96, 40, 4
"""Pixels: of the map, of a thumbnail where there are few or many photos, of its frame."""
NAMED = 12
"""Classes up to which a legend names them."""
LARGE = 0.03
"""Share of the photos from which on a cluster has room for what it holds beside its number."""
INK, NONE = "#24292f", "#b4bac1"


def draw_map(
    plane: np.ndarray,
    images: Sequence[np.ndarray | None],
    clusters: Clusters,
    path: str | os.PathLike[str] | BinaryIO,
    *,
    labels: np.ndarray | None = None,
    class_names: Sequence[str] = (),
    title: str = "",
) -> int:
    """Draw a map to a PNG: on the left photos, framed by class, on the right its clusters.

    Photos that would cover another one are dots.

    Args:
        plane: float (n, 2), of ``project``.
        images: uint8 (H, W, 3) RGB or (H, W, 1) of any sizes; None for one that cannot be read.
        clusters: of the plane.
        path: of the picture, or an open binary file.
        labels: int64 (n,), where photos have classes.
        class_names: in label order.
        title: above the photos.

    Returns:
        Number of photos that had room.
    """
    # The map's two directions have no meaning of their own: both are stretched to the canvas.
    stretched = (plane - plane.min(axis=0)) / np.maximum(np.ptp(plane, axis=0), 1e-12)
    places = LARGEST + np.abs(stretched - [0, 1]) * (CANVAS - 2 * LARGEST)
    side = int(np.clip(0.75 * CANVAS / np.sqrt(len(plane)), SMALLEST, LARGEST))
    colours = _colours(labels, len(class_names), len(plane))
    canvas = np.zeros((CANVAS, CANVAS, 4), np.uint8)  # of what is empty the dots are seen
    shown = _paste(canvas, places, images, colours, side)

    figure = Figure(figsize=(15, 7.9), dpi=130, layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        axes.set(xlim=(0, CANVAS), ylim=(CANVAS, 0), xticks=(), yticks=(), aspect="equal")
        axes.spines[:].set_color("#d0d7de")
    left.scatter(*places[~shown].T, s=9, c=colours[~shown] / 255, zorder=1)
    extent = (0, CANVAS, CANVAS, 0)
    left.imshow(canvas, extent=extent, interpolation="antialiased", zorder=2)
    title = title or f"{len(plane):,} photos"
    words = f"{title}: {shown.sum():,} are shown, the others are dots"
    left.set_title(words, fontsize=11, parse_math=False)
    if labels is not None and len(class_names) <= NAMED:
        handles = [
            Line2D([], [], marker="s", linestyle="", color=colour / 255)
            for colour in _colours(np.arange(len(class_names)), len(class_names), len(class_names))
        ]
        left.legend(
            handles,
            short_names(class_names),
            fontsize=9,
            frameon=False,
            ncols=NAMED // 2,
            loc="upper center",
            bbox_to_anchor=(0.5, 0),
        )
    _draw_clusters(right, places, clusters, labels, class_names)
    _files.save_figure(path, figure)
    return int(shown.sum())


def _paste(
    canvas: np.ndarray,
    places: np.ndarray,
    images: Sequence[np.ndarray | None],
    colours: np.ndarray,
    side: int,
) -> np.ndarray:
    """Put thumbnails on a canvas, each where none is yet; return which have room, bool (n,)."""
    shrink = AspectAwarePreprocessor(side, side)
    outer = side + 2 * FRAME
    shown = np.zeros(len(places), bool)
    taken = np.empty((0, 2))
    # From the middle outwards, groups would lose their borders; in any order each keeps some.
    for row in np.random.default_rng(0).permutation(len(places)).tolist():
        image = images[row]
        if image is None or (np.abs(taken - places[row]).max(axis=1) < outer).any():
            continue
        y, x = (int(value - outer / 2) for value in places[row][::-1])
        canvas[y : y + outer, x : x + outer] = [*colours[row], 255]
        inner = slice(y + FRAME, y + FRAME + side), slice(x + FRAME, x + FRAME + side)
        canvas[(*inner, slice(3))] = shrink(image)
        taken = np.append(taken, places[row][None], axis=0)
        shown[row] = True
    return shown


def _draw_clusters(
    axes: Any,
    places: np.ndarray,
    clusters: Clusters,
    labels: np.ndarray | None,
    class_names: Sequence[str],
) -> None:
    """Draw each photo as a dot in its cluster's colour, and what the cluster holds beside it."""
    names = short_names(class_names)
    apart = clusters.labels < 0
    axes.scatter(*places[apart].T, s=10, c=NONE)
    colours = colormaps["Set2"](np.arange(len(clusters)) % 7)  # none of a class, nor grey
    for number, row in enumerate(clusters.table(labels, class_names)[: len(clusters)]):
        own = places[clusters.labels == number]
        axes.scatter(*own.T, s=14, color=colours[number])
        counts = [row[name] for name in class_names] if labels is not None else []
        held = [f"{names[k]}: {counts[k]}" for k in np.argsort(counts)[::-1][:3] if counts[k]]
        held = held or [f"{row['photos']} photos"]
        large = len(own) >= LARGE * len(places)
        text = "\n".join([f"{number + 1}", *held]) if large else f"{number + 1}"
        axes.text(
            *np.median(own, axis=0), text, ha="center", va="center" if large else "bottom",
            fontsize=9, color=INK, parse_math=False,
            bbox={"facecolor": "white", "alpha": 0.7 if large else 0, "edgecolor": "none"},
        )  # fmt: skip
    axes.set_title(
        f"{len(clusters)} clusters by DBSCAN (eps {clusters.eps:.3f} of the width, "
        f"{clusters.fewest} photos); {apart.sum():,} in none",
        fontsize=11,
    )


def _colours(labels: np.ndarray | None, classes: int, count: int) -> np.ndarray:
    """Return a colour a photo, uint8 (n, 3); classes that are many share some."""
    if labels is None:
        return np.full((count, 3), (36, 41, 47), np.uint8)
    table = colormaps["tab10" if classes <= 10 else "tab20"]
    found = [table(int(label) % table.N)[:3] for label in labels]
    return (255 * np.array(found).reshape(-1, 3)).astype(np.uint8)
