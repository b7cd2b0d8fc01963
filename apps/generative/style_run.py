"""Paint as a script does: layers are chosen, pictures read, results and losses written."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files, training
from sightkit.apps.generative.backbone import Backbone, Pooling, stage_layers
from sightkit.apps.generative.colour import greyed, recoloured
from sightkit.apps.generative.painting import NotANumberError, PaintSettings, PaintStep, paint
from sightkit.apps.generative.pictures import progress_path, write_picture
from sightkit.apps.generative.style import StyleLoss, StyleWeights

STYLE_STAGES, CONTENT_STAGE = 5, 3
"""Of VGG16 these are block1_conv1 to block5_conv1, and block4_conv2, as in the paper."""


def open_style(
    network: training.Bundle,
    content_layers: Sequence[str] = (),
    style_layers: Sequence[str] = (),
    *,
    weights: StyleWeights | None = None,
    pooling: Pooling = "max",
    stages: int = STYLE_STAGES,
) -> StyleLoss:
    """Return the loss of a network.

    Args:
        network: with its preprocessing.
        content_layers: names; by default the second activation of the fourth size of maps.
        style_layers: names; by default the first activation of each of the first sizes.
        weights: of content, style and variation; the default ones by default.
        pooling: see ``Backbone``.
        stages: number of sizes of maps that have a style layer.
    """
    found = stage_layers(network.network)
    fourth = found[min(CONTENT_STAGE, len(found) - 1)]
    content = tuple(content_layers) or (fourth[min(1, len(fourth) - 1)],)
    style = tuple(style_layers) or tuple(stage[0] for stage in found[:stages])
    layers = [*dict.fromkeys((*content, *style))]
    backbone = Backbone(network, layers, pooling=pooling)
    return StyleLoss(backbone, content, style, weights or StyleWeights())


class Canvas:
    """The record of a painting: losses, printed now and then, and progress pictures.

    Args:
        output: picture to write; progress is NAME-scale-evaluation with its ending.
        every: evaluations from one progress picture to the next; 0: none.
        content: uint8, whose colours are kept; None: those of the style are taken.
    """

    def __init__(self, output: Path, every: int, content: np.ndarray | None) -> None:
        self.output, self.every, self.content = output, every, content
        self.losses: list[dict[str, Any]] = []

    def __call__(self, step: PaintStep, picture: np.ndarray) -> None:
        """Note a step."""
        self.losses.append(dataclasses.asdict(step))
        count = step.evaluation
        if count in (1, 10, 30, 60) or count % 100 == 0:
            terms = ", ".join(f"{name} {value:.3g}" for name, value in step.terms.items())
            shape = f"{picture.shape[1]}x{picture.shape[0]}"
            print(f"{shape}, evaluation {count}: loss {step.loss:.4g} ({terms})", flush=True)
        if self.every and count % self.every == 0:
            path = progress_path(self.output, step.scale, count)
            write_picture(path, np.rint(picture).astype(np.uint8))

    def write(self, picture: np.ndarray, **about: Any) -> dict[str, Any]:
        """Write the picture, in the content's colours where they are kept, and the losses."""
        if self.content is not None:
            picture = recoloured(picture, self.content)
        write_picture(self.output, picture)
        found = {**about, "picture": self.output.name, "losses": self.losses}
        _files.write_json(self.output.with_suffix(".json"), found)
        return found


def paint_picture(
    loss: StyleLoss,
    content: np.ndarray,
    styles: Sequence[tuple[np.ndarray, float]],
    settings: PaintSettings,
    output: Path,
    *,
    preserve_colour: bool = False,
    progress: int = 0,
) -> dict[str, Any]:
    """Paint a picture and write it, with its losses beside it.

    Args:
        loss: see ``open_style``.
        content: uint8 (H, W, 3).
        styles: of ``read_styles``.
        settings: of ``paint``.
        output: picture to write.
        preserve_colour: keep the content's colours.
        progress: evaluations from one progress picture to the next; 0: none.

    Returns:
        JSON: layers, and the losses of each evaluation.

    Raises:
        NotANumberError: the loss is no number; the last good picture is written.
    """
    canvas = Canvas(output, progress, content if preserve_colour else None)
    if preserve_colour:
        styles = [(greyed(picture, like=content), weight) for picture, weight in styles]
        content = greyed(content)
    about = {"layers": list(loss.backbone.layers), "settings": dataclasses.asdict(settings)}
    try:
        picture = paint(loss, content, styles, settings, canvas)
    except NotANumberError as stopped:
        canvas.write(stopped.picture, **about)
        raise
    return canvas.write(picture, **about)
