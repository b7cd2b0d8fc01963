"""One sheet of what is inside of a network: filters, activations, patches, maximized pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightkit.apps.explain.explainer import Explainer
from sightkit.apps.explain.layer_tiles import MOST, activation_tiles, filter_tiles
from sightkit.apps.explain.maximization import maximize
from sightkit.apps.explain.network_flags import Show
from sightkit.apps.explain.patches import exciting_patches, patch_tiles
from sightkit.apps.explain.pixel_chain import PixelChain
from sightkit.apps.explain.tiles import Tile
from sightkit.training.classifier import Classifier

COLUMNS, SIDE = 8, 112
"""Tiles beside each other, and their side in pixels: maps of 7, 14, 28 and 56 grow to it. Of
maximized pictures fewer, and larger."""
WIDE, LARGE = 4, 224


def look_inside(
    classifier: Classifier,
    show: Show,
    photos: Iterable[Mapping[str, np.ndarray]] = (),
    *,
    layer: str | None = None,
    channels: Sequence[int] = (),
    targets: Sequence[str] = (),
    steps: int = 300,
    seed: int = 0,
) -> tuple[list[Tile], dict[str, Any]]:
    """Return the tiles of a sheet, and the options that ``draw_tiles`` gets for them.

    Args:
        classifier: a bundle.
        show: what.
        photos: parts, path to uint8 (H, W, 3): for patches all of them, for activations the first.
        layer: name or path; by default the first with filters, or the last that computes a map.
        channels: of the layer; by default the strongest, or those that differ most.
        targets: classes to maximize, by name or number; or else the layer's channels.
        steps: of each maximization.
        seed: of its shifts and turns.
    """
    explainer = Explainer(classifier)
    title = show.capitalize() + (f" of {layer}" if layer else "")
    small = {"columns": COLUMNS, "side": SIDE, "title": title}
    if show == "filters":
        return filter_tiles(explainer, layer, channels=channels), small
    chain = PixelChain.of(classifier)
    if show == "activations":
        name, photo = next(iter(next(iter(photos)).items()))
        (picture,) = chain.pictures([photo])
        inputs = chain.inputs(picture[np.newaxis])
        tiles = activation_tiles(explainer, inputs, layer, channels=channels, most=MOST - 1)
        return [Tile(picture, (Path(name).name, "as it is seen")), *tiles], small
    if show == "patches":
        found = exciting_patches(explainer, chain, photos, layer, channels=channels)
        return patch_tiles(found), {**small, "columns": max(map(len, found.values()))}
    shape = explainer.pixels(explainer.blank()).shape[1:]
    asked: list[dict[str, Any]] = [{"target": each} for each in targets] or [
        {"layer": layer, "channel": channel} for channel in channels or range(WIDE)
    ]
    tiles = []
    for each in asked:
        limits = chain.limits(shape)
        best = maximize(explainer, **each, steps=steps, limits=limits, seed=seed)
        name = each.get("target", f"channel {each.get('channel')}")
        score = f"score {best.scores[0]:.2g} to {best.scores[-1]:.2g}"
        tiles.append(Tile(chain.picture_of(best.pixels), (str(name), score)))
    return tiles, {"columns": min(WIDE, len(tiles)), "side": LARGE}
