"""Training pictures put together anew from the characters of others: any text, at any place.

A head of ``CaptchaHeads`` learns its own place alone: of 638 pictures it sees each of 32 characters
twenty times there. Four heads read 128 of 159 validation texts without recombined pictures, and
156 with them (the 4-character set, 40 epochs, seed 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sightkit.apps.captcha.characters import character_boxes

EVENNESS = 2.0
"""Of the gaps between characters: the parameter of their Dirichlet distribution."""
LIFT = 2
"""Pixels by which a character is moved up or down, at most."""


@dataclass(frozen=True)
class CharacterPool:
    """Characters cut from pictures whose texts are known.

    Attributes:
        cuts: uint8 (h, w, channels) each, dark on light.
        tops: the row of its picture in which each begins.
        classes: what each is.
        pictures: number of pictures that they come from.
    """

    cuts: tuple[np.ndarray, ...]
    tops: tuple[int, ...]
    classes: tuple[int, ...]
    pictures: int

    @classmethod
    def of(cls, images: np.ndarray, classes: Sequence[Sequence[int]]) -> CharacterPool:
        """Cut the characters of those pictures that show as many shapes as their texts are long.

        Args:
            images: uint8 (N, height, width, channels).
            classes: those of each picture's text.
        """
        cuts, tops, found, pictures = [], [], [], 0
        for image, text in zip(images, classes, strict=True):
            boxes = character_boxes(image, len(text)).tolist()
            if len(boxes) != len(text):
                continue
            pictures += 1
            for (x0, y0, x1, y1), each in zip(boxes, text, strict=True):
                # Soft edges are lighter than the threshold of the contours.
                left, top = max(0, x0 - 1), max(0, y0 - 1)
                cuts.append(image[top : y1 + 1, left : x1 + 1])
                tops.append(top)
                found.append(int(each))
        return cls(tuple(cuts), tuple(tops), tuple(found), pictures)

    def draw(
        self, length: int, shape: tuple[int, ...], rng: np.random.Generator
    ) -> tuple[np.ndarray, list[int]]:
        """Return a new picture on white, uint8 of ``shape``, and the classes of its text."""
        canvas = np.full(shape, 255, np.uint8)
        chosen = rng.integers(len(self.cuts), size=length)
        widths = [self.cuts[k].shape[1] for k in chosen]
        free = max(0, shape[1] - sum(widths))
        gaps = free * rng.dirichlet([EVENNESS] * (length + 1))
        lifts = rng.integers(-LIFT, LIFT + 1, size=length)
        x = 0.0
        for k, width, gap, lift in zip(chosen, widths, gaps, lifts, strict=False):
            x += gap
            cut = self.cuts[k][: shape[0], : shape[1]]
            left = min(round(x), shape[1] - cut.shape[1])
            top = int(np.clip(self.tops[k] + lift, 0, shape[0] - cut.shape[0]))
            place = canvas[top : top + cut.shape[0], left : left + cut.shape[1]]
            np.minimum(place, cut, out=place)
            x += width
        return canvas, [self.classes[k] for k in chosen]
