"""Boxes drawn into a photo, with captions that can be read on any background."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from sightkit._errors import SightkitError
from sightkit.apps.detection.boxes import as_boxes
from sightkit.apps.detection.detections import Detections

Colour = tuple[int, int, int]
"""RGB, 0–255."""
PALETTE: tuple[Colour, ...] = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0),
    (204, 121, 167),
)  # fmt: skip
"""Colours that colour-blind people can tell apart (Okabe and Ito, https://jfly.uni-koeln.de/color)."""
EDGE, LETTER, SMALLEST = 240, 30, 9
"""The picture's shorter side by the width of a line, and by the height of letters; its least."""


def draw_boxes(
    image: np.ndarray,
    boxes: np.ndarray,
    captions: Sequence[str] = (),
    colours: Sequence[Colour] = (),
) -> np.ndarray:
    """Return a copy of a picture with boxes and their captions.

    Lines have a dark border, captions a background of their own: both are seen on any photo. A
    caption is above its box, or inside where there is no room.

    Args:
        image: uint8 (H, W, 3) RGB or (H, W, 1).
        boxes: (N, 4), ``[x0, y0, x1, y1]`` in pixels; the last is drawn on top.
        captions: one a box, or none at all.
        colours: one a box; all have the first of ``PALETTE`` when left out.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    boxes = as_boxes(boxes)
    captions = captions or [""] * len(boxes)
    colours = colours or [PALETTE[0]] * len(boxes)
    if not len(boxes) == len(captions) == len(colours):
        raise SightkitError(
            "Each box must have a caption and a colour, or none of them.",
            boxes=len(boxes), captions=len(captions), colours=len(colours),
        )  # fmt: skip
    height, width = image.shape[:2]
    # What is far outside is not seen, and Pillow draws it pixel by pixel.
    boxes = np.clip(boxes, -max(height, width), 2 * max(height, width))
    picture = Image.fromarray(np.broadcast_to(image, (height, width, 3)).copy())
    draw = ImageDraw.Draw(picture)
    shorter = min(height, width)
    line, font = max(1, round(shorter / EDGE)), _font(max(SMALLEST, round(shorter / LETTER)))
    for box, colour in zip(boxes, colours, strict=True):
        x0, y0, x1, y1 = np.rint(box).astype(int).tolist()
        edges = (x0, y0, max(x1 - 1, x0), max(y1 - 1, y0))
        outside = (edges[0] - 1, edges[1] - 1, edges[2] + 1, edges[3] + 1)
        draw.rectangle(outside, outline=(0, 0, 0), width=1)
        draw.rectangle(edges, outline=colour, width=line)
    for box, caption, colour in zip(boxes, captions, colours, strict=True):
        if caption:
            _write(draw, box, caption, colour, font, (height, width))
    return np.asarray(picture)


def draw_detections(image: np.ndarray, detections: Detections) -> np.ndarray:
    """Return a copy of a picture with what was found in it: label and score, a colour a class."""
    names = zip(detections.names(), detections.scores, strict=True)
    return draw_boxes(
        image,
        detections.boxes[::-1],
        [f"{name} {score:.2f}" for name, score in names][::-1],
        [colour_of(label) for label in detections.labels][::-1],
    )


def colour_of(label: int) -> Colour:
    """Return the colour of a class; the palette begins again after its seven."""
    return PALETTE[label % len(PALETTE)]


def _write(
    draw: ImageDraw.ImageDraw,
    box: np.ndarray,
    caption: str,
    colour: Colour,
    font: ImageFont.FreeTypeFont,
    size: tuple[int, int],
) -> None:
    """Write a caption on a field of its own, above its box or in it, within the picture."""
    left, top, right, bottom = draw.textbbox((0, 0), caption, font=font)
    wide, high = right - left + 4, bottom - top + 4
    x = min(max(0, round(float(box[0]))), max(0, size[1] - wide))
    y = round(float(box[1])) - high
    y = min(round(float(box[1])) if y < 0 else y, size[0] - high)
    y = max(0, y)
    draw.rectangle((x, y, x + wide - 1, y + high - 1), fill=colour)
    light = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] > 128
    ink = (0, 0, 0) if light else (255, 255, 255)
    draw.text((x + 2 - left, y + 2 - top), caption, fill=ink, font=font)


@functools.cache
def _font(height: int) -> ImageFont.FreeTypeFont:
    """Return Matplotlib's font, which has the letters of European languages."""
    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), height)
