"""The patches of photos that excite a channel of a layer most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.explain.explainer import Explainer
from sightkit.apps.explain.layer_calls import LayerCall
from sightkit.apps.explain.maximization import channel_of
from sightkit.apps.explain.pixel_chain import PixelChain
from sightkit.apps.explain.receptive_fields import Box, patch_of, view_of
from sightkit.apps.explain.tiles import Tile
from sightkit.zoo.receptive_field import View

CHANNELS, PATCHES = 8, 8
AT_ONCE = 8
"""Photos whose maps are in memory at once: early layers of large networks give 13 MB each."""


@dataclass(frozen=True)
class Patch:
    """A patch of a photo.

    Attributes:
        value: of the channel, there its highest in this photo.
        photo: its path.
        image: uint8 (h, w, C): the patch, or the whole picture where none can be told.
        box: of the patch in the picture that the network sees.
    """

    value: float
    photo: str
    image: np.ndarray
    box: Box


def exciting_patches(
    explainer: Explainer,
    chain: PixelChain,
    photos: Iterable[Mapping[str, np.ndarray]],
    layer: str | None = None,
    *,
    channels: Sequence[int] = (),
    most: int = PATCHES,
) -> dict[int, list[Patch]]:
    """Return the patches that excite channels of a layer most, one of a photo at most.

    Only the best patches so far stay in memory. A patch is what the channel's place can see (its
    receptive field); where that cannot be told, and in dense layers, it is the whole picture.

    Args:
        explainer: of a classifier.
        chain: its preprocessing.
        photos: parts, path to uint8 (H, W, 3): an ``evaluation.PhotoFolder``.
        layer: its name, or its path; by default the last that computes a map.
        channels: by default the eight that differ most between the first photos.
        most: patches a channel.

    Returns:
        By channel the patches, the most exciting first.

    Raises:
        SightkitError: no such layer or channel, or no photo.
    """
    found: dict[int, list[Patch]] = {}
    view, call = None, None
    for part in photos:
        names = list(part)
        for at in range(0, len(names), AT_ONCE):
            some = names[at : at + AT_ONCE]
            pictures = chain.pictures([part[name] for name in some])
            inputs = chain.inputs(pictures)
            if call is None:
                call = explainer.layer(inputs, layer)
                view = view_of(explainer.model, call.layer)
            maps = explainer.activations(inputs, [call.path])[call.path]
            maps = maps.reshape(len(some), *(maps.shape[1:] if maps.ndim == 4 else (1, 1, -1)))
            if not found:
                chosen = [channel_of(call, channel) for channel in channels] or _lively(maps)
                found = {channel: [] for channel in chosen}
            for channel, patches in found.items():
                patches += _best(maps[..., channel], some, pictures, patches, most, view, call)
                patches.sort(key=lambda patch: -patch.value)
                del patches[most:]
    if not found:
        raise SightkitError("Patches are found in photos.", "Name some.", photos=0)
    return found


def patch_tiles(found: Mapping[int, Sequence[Patch]]) -> list[Tile]:
    """Return a row a channel: its patches, the most exciting first, with photo and value."""
    return [
        Tile(each.image, (f"channel {channel}: {each.value:.2g}", Path(each.photo).stem))
        for channel, patches in found.items()
        for each in patches
    ]


def _best(
    maps: np.ndarray,
    names: Sequence[str],
    pictures: np.ndarray,
    known: Sequence[Patch],
    most: int,
    view: View | None,
    call: LayerCall,
) -> list[Patch]:
    """Return those of some photos' patches that may be among the best."""
    least = known[-1].value if len(known) == most else -np.inf
    found = []
    for row, name, picture in zip(maps, names, pictures, strict=True):
        place = np.unravel_index(int(row.argmax()), row.shape)
        value = float(row[place])
        if value > least:
            size = picture.shape[:2]
            flat = len(call.shape) != 4
            where = (int(place[0]), int(place[1]))
            box = patch_of(None if flat else view, call, where, size)
            top, bottom, left, right = box
            found.append(Patch(value, name, picture[top:bottom, left:right].copy(), box))
    return found


def _lively(maps: np.ndarray) -> list[int]:
    """Return the channels whose highest values differ most between photos, by their own size."""
    highest = maps.max(axis=(1, 2))
    spread = highest.std(axis=0) / (np.abs(highest).mean(axis=0) + 1e-6)
    spread[np.median(highest, axis=0) <= 0] = -1  # silent ones are decided by one photo
    return np.argsort(-spread)[:CHANNELS].tolist()
