"""Dream as a script does: the network is opened, the picture, its frames and its losses written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files, training
from sightkit.apps.generative.backbone import Backbone, default_layer
from sightkit.apps.generative.dream import Dreamer, DreamSettings, DreamStep
from sightkit.apps.generative.pictures import frame_paths, resized, write_gif, write_picture

ZOOM_STEPS = 6
"""Steps of each frame after the first: the dream goes on from the frame before."""


def open_dreamer(
    network: training.Bundle, layers: Mapping[str, float], guide: np.ndarray | None = None
) -> Dreamer:
    """Return a dreamer of a network.

    Args:
        network: with its preprocessing.
        layers: weights by name; by default the activation two thirds deep.
        guide: uint8 (H, W, 3), a picture that leads the dream.
    """
    chosen = dict(layers) or {default_layer(network.network, 2 / 3): 1.0}
    return Dreamer(Backbone(network, [*chosen]), [*chosen.values()], guide)


class LossRecord(list[dict[str, Any]]):
    """The losses of a dream, one entry a step; printed at the end of each octave."""

    def __init__(self, settings: DreamSettings) -> None:
        super().__init__()
        self._last = settings.steps - 1

    def __call__(self, step: DreamStep) -> None:
        """Add a step."""
        self.append(dataclasses.asdict(step))
        if step.step == self._last:
            first = self[-1 - self._last]["loss"]
            print(f"octave {step.octave + 1}: loss {first:.3g} to {step.loss:.3g}", flush=True)


def zoom(
    dreamer: Dreamer,
    picture: np.ndarray,
    settings: DreamSettings,
    frames: int,
    *,
    factor: float = 1.04,
    report: Callable[[DreamStep], None] = lambda step: None,
) -> Iterator[np.ndarray]:
    """Yield the frames of a flight into a dream, each the middle of the last, dreamt further.

    Args:
        dreamer: of the dreams.
        picture: uint8 (H, W, 3).
        settings: of the first frame; the others take its coarsest and finest octave alone.
        frames: number, at least 1.
        factor: by which a frame is larger than the one before.
        report: called after each step of the first frame.
    """
    frame = dreamer.dream(picture, settings, report)
    height, width = frame.shape[:2]
    yield frame
    for number in range(1, frames):
        top, left = (round(side * (1 - 1 / factor) / 2) for side in (height, width))
        middle = frame[top : height - top, left : width - left].astype(np.float32)
        larger = np.rint(resized(middle, (height, width))).astype(np.uint8)
        further = dataclasses.replace(
            settings, octaves=2, steps=ZOOM_STEPS, seed=settings.seed + number
        )
        frame = dreamer.dream(larger, further)
        yield frame


def write_frames(path: Path, frames: Iterator[np.ndarray], count: int) -> None:
    """Write frames, see ``frame_paths``, and print the number of each after the first."""
    frames = _counted(frames, count)
    if path.suffix.lower() == ".gif":
        write_gif(path, [*frames])
        return
    for name, frame in zip(frame_paths(path, count), frames, strict=True):
        write_picture(name, frame)


def _counted(frames: Iterator[np.ndarray], count: int) -> Iterator[np.ndarray]:
    for number, frame in enumerate(frames, 1):
        if number > 1:
            print(f"frame {number} of {count}", flush=True)
        yield frame


def write_losses(path: Path, losses: LossRecord, **about: Any) -> dict[str, Any]:
    """Write the losses, and what else is known of a dream, beside its picture; return them."""
    found = {**about, "picture": path.name, "losses": list(losses)}
    _files.write_json(path.with_suffix(".json"), found)
    return found
