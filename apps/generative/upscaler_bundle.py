"""The bundle of an upscaler; its canary is a picture with its enlargement."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit import inference, zoo
from sightkit import io as sightkit_io
from sightkit._schema import Count
from sightkit.apps.generative.upscaler import ENLARGED, UpscalerBundle, require_factor
from sightkit.apps.generative.upscaler_setup import UpscalerSetup
from sightkit.training.bundle import OfNetwork, network_builder
from sightkit.training.bundle_format import (
    CANARY,
    WEIGHTS,
    Description,
    Kind,
    check_bundle,
    damaged,
    write_bundle,
)
from sightkit.training.classifier import load_by_kind

if TYPE_CHECKING:
    import keras

KIND = "upscaler"
CHANNELS = ("red", "green", "blue")
TILE = 128
"""Side of a tile of a small picture, pixels: SubPixel computes a sixth twice, SRCNN a tenth."""
CANARY_SIDE = 48
BATCH_SIZE = 4
"""Tiles at once: SRCNN's first layer takes 70 MB for one at factor 4."""


class UpscalerDescription(OfNetwork, Description):
    """The bundle.json of an upscaler."""

    factor: Count


def save_upscaler(
    folder: str | os.PathLike[str],
    network: keras.Model,
    factor: int,
    canary: np.ndarray,
    *,
    metrics: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
) -> Path:
    """Write the bundle of an upscaler; an existing folder is replaced once the new one is complete.

    Args:
        folder: of the bundle.
        network: ``SRCNN`` or ``SubPixel`` of the zoo, trained.
        factor: that it was trained for.
        canary: a picture, uint8 (H, W, 3): the middle of it is stored with its enlargement, and
            compared whenever the bundle is loaded.
        metrics: of the evaluation, JSON.
        training: facts of the training, JSON.

    Returns:
        The folder.

    Raises:
        SightkitError: a network of another kind.
    """
    from sightkit.training.bundle_writer import write_network

    top, left = (max(0, (side - CANARY_SIDE) // 2) for side in canary.shape[:2])
    middle = canary[top : top + CANARY_SIDE, left : left + CANARY_SIDE]
    upscaler = upscaler_of(network, factor, tile=CANARY_SIDE)
    saved = upscaler.network
    (answer,) = upscaler.predict(middle)

    def write(place: Path) -> dict[str, Any]:
        sightkit_io.write_png(place / ENLARGED, answer)
        return {
            **write_network(place, saved, middle),
            "factor": factor,
            "class_names": list(CHANNELS),
            "training": dict(training or {}),
            "metrics": dict(metrics or {}),
            "canary": answer.mean(axis=(0, 1)).tolist(),
        }

    return write_bundle(folder, KIND, write)


def upscaler_of(network: keras.Model, factor: int, *, tile: int = TILE) -> UpscalerBundle:
    """Return an upscaler of a network in memory, which is copied; Keras answers.

    Args:
        network: ``SRCNN`` or ``SubPixel`` of the zoo, trained for this factor.
        factor: sides of an enlarged picture by those of the picture.
        tile: side of a tile of a small picture, pixels.

    Raises:
        SightkitError: a network of another kind, or of another factor.
    """
    origin = zoo.origin(network)
    setup = UpscalerSetup.of(origin, factor)
    copy = for_tiles(origin, setup, tile)
    copy.set_weights(network.get_weights())
    predictor = inference.compile(copy, engine="keras", batch_size=BATCH_SIZE)
    return UpscalerBundle(lambda: copy, predictor, setup, tile, {"network": origin})


def for_tiles(origin: Mapping[str, Any], setup: UpscalerSetup, tile: int) -> keras.Model:
    """Build a network anew for tiles of a size; its weights are random."""
    shape = [setup.side(tile)] * 2 + [setup.channels]
    arguments = {**origin["arguments"], "input_shape": shape}
    return zoo.rebuild({**origin, "arguments": arguments})


def check_upscaler(folder: str | os.PathLike[str], factor: int | None = None) -> dict[str, Any]:
    """Check, without Keras, that a bundle is complete and an upscaler's; return its description.

    Raises:
        SightkitError: no bundle, one of another kind, damaged, or trained for another factor.
    """
    description = check_bundle(folder, (KIND,))
    require_factor(description["factor"], factor)
    return description


def load_upscaler(
    folder: str | os.PathLike[str],
    *,
    tile: int = TILE,
    images: int | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> UpscalerBundle:
    """Load the upscaler that a bundle describes, and check that it enlarges as it did then.

    Args:
        folder: of the bundle.
        tile: side of a tile of a small picture, pixels.
        images: number of tiles to predict, see ``inference.compile``.
        cache: folder of compiled networks: with it OpenVINO answers wherever it is installed.

    Raises:
        SightkitError: no bundle or one of another kind, a damaged file, or a canary picture that
            is enlarged otherwise.
    """
    return load_by_kind(folder, (KIND,), tile=tile, images=images, cache=cache)


def _open(
    folder: Path,
    description: dict[str, Any],
    *,
    tile: int = TILE,
    images: int | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> UpscalerBundle:
    origin = description["network"]
    setup = UpscalerSetup.of(origin, description["factor"])

    build = network_builder(folder, description, lambda: for_tiles(origin, setup, tile))
    predictor, _ = inference.load_or_compile(
        {
            "network": origin,
            "code": zoo.code_sha256(),
            "tile": tile,
            "weights": description["files"][WEIGHTS],
        },
        build,
        cache,
        images=images,
        batch_size=BATCH_SIZE,
    )
    wanted = (setup.factor * tile, setup.factor * tile, setup.channels)
    if tuple(predictor.output_shape[1:]) != wanted:
        raise damaged(folder, "its network enlarges otherwise than its description says")
    return UpscalerBundle(build, predictor, setup, tile, description, folder)


def _check(folder: Path, description: Mapping[str, Any]) -> None:
    zoo.check_origin(description["network"])
    UpscalerSetup.of(description["network"], description["factor"])


KINDS = {
    KIND: Kind(
        "an upscaler",
        "sightkit.apps.generative.load_upscaler, or enlarge pictures with "
        "scripts/generative/upscale.py",
        UpscalerDescription,
        lambda found: [WEIGHTS, CANARY, ENLARGED],
        _check,
        _open,
    )
}
