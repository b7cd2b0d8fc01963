"""Drawn scenes with the sentence that is true of each: two coloured shapes, how they stand."""

from __future__ import annotations

import itertools

import cv2
import numpy as np

from sightkit import io

COLOURS = {
    "red": (214, 40, 40), "green": (46, 160, 67), "blue": (38, 84, 214),
    "yellow": (240, 206, 40), "white": (245, 245, 245), "purple": (150, 60, 190),
}  # fmt: skip
SHAPES = ("circle", "square", "triangle", "star", "ring")
RELATIONS = ("left of", "above")
"""Of the one that is named first; the other way round would be the same scene twice."""
SIDE = 96
"""Pixels of a scene."""
SMALLEST, LARGEST = 9, 15
"""Pixels: radius of a shape."""
APART = 34
"""Pixels between the centres of the two."""
BESIDE = 8
"""Pixels that they may differ in the other direction."""
NOISE = 12.0

Thing = tuple[str, str]


def all_sentences() -> list[str]:
    """Return all sentences, 1,740 of them: two different things, and which is left or above."""
    things = list(itertools.product(COLOURS, SHAPES))
    pairs = [(one, other) for one, other in itertools.product(things, things) if one != other]
    return [sentence_of(*pair, relation) for pair in pairs for relation in RELATIONS]


def sentence_of(one: Thing, other: Thing, relation: str) -> str:
    """Return the sentence about two things."""
    return f"a {' '.join(one)} is {relation} a {' '.join(other)}"


def draw_scene(sentence: str, rng: np.random.Generator) -> np.ndarray:
    """Return a picture, uint8 (96, 96, 3) RGB, of which a sentence of ``all_sentences`` is true."""
    words = sentence.split()
    one, other = (words[1], words[2]), (words[-2], words[-1])
    grey = rng.uniform(50, 130)
    canvas = np.full((SIDE, SIDE, 3), grey, np.float32)
    first = rng.integers(LARGEST + 1, SIDE - LARGEST - 1 - APART)
    second = rng.integers(first + APART, SIDE - LARGEST)
    beside = rng.integers(LARGEST + BESIDE, SIDE - LARGEST - BESIDE)
    jitter = rng.integers(-BESIDE, BESIDE + 1)
    centres = [(first, beside), (second, beside + jitter)]
    if words[4] == "above":
        centres = [centre[::-1] for centre in centres]
    for (colour, shape), centre in zip((one, other), centres, strict=True):
        radius = int(rng.integers(SMALLEST, LARGEST + 1))
        _draw(canvas, shape, COLOURS[colour], (int(centre[0]), int(centre[1])), radius, rng)
    noisy = canvas + rng.normal(0, NOISE, canvas.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def scene(sentence: str, seed: int, number: int) -> np.ndarray:
    """Return picture ``number`` of a sentence, the same for the same seed."""
    return draw_scene(sentence, io.sample_rng(seed, 0, number))


def _draw(
    canvas: np.ndarray,
    shape: str,
    colour: tuple[int, int, int],
    centre: tuple[int, int],
    radius: int,
    rng: np.random.Generator,
) -> None:
    shade = np.clip(np.array(colour) + rng.normal(0, 8, 3), 0, 255).tolist()
    if shape == "circle":
        cv2.circle(canvas, centre, radius, shade, cv2.FILLED, cv2.LINE_AA)
    elif shape == "ring":
        cv2.circle(canvas, centre, radius - 2, shade, max(3, radius // 3), cv2.LINE_AA)
    else:
        corners = {"square": 4, "triangle": 3, "star": 10}[shape]
        angles = np.arange(corners) * 2 * np.pi / corners
        turn = np.pi / 4 if shape == "square" else -np.pi / 2
        reach = np.full(corners, radius * (1.2 if shape == "square" else 1.25))
        if shape == "star":
            reach[1::2] *= 0.45
        points = np.stack([np.cos(angles + turn), np.sin(angles + turn)], 1) * reach[:, None]
        cv2.fillPoly(canvas, [np.round(points + centre).astype(np.int32)], shade, cv2.LINE_AA)
