"""Captchas drawn here, for tests, ``--smoke`` and pages: nobody's pictures, and the texts known."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np

from sightkit import _files
from sightkit.apps.captcha.characters import cut_characters
from sightkit.apps.captcha.labels import LabelledCaptcha, write_labels
from sightkit.io.images import encode_png

FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX)
CAPITAL = 15
"""Pixels of a character's height, as in both services' captchas (150 × 36 and 72 × 24)."""
FINER = 4
"""Times as large as the picture is what is drawn, then averaged: the edges become soft."""


def draw_captcha(
    text: str, rng: np.random.Generator, *, size: tuple[int, int] = (36, 150), rotation: float = 0.0
) -> np.ndarray:
    """Draw a captcha: dark characters, upright or slanted, thin or bold, on white.

    Args:
        text: characters of ASCII, each in a cell of its own.
        rng: source of place, font, slant and boldness.
        size: height and width in pixels.
        rotation: largest angle of a character, in degrees.

    Returns:
        uint8 RGB (height, width, 3).
    """
    height, width = size
    canvas = np.full((FINER * height, FINER * width), 255, np.uint8)
    cell = FINER * width / len(text)
    shift = FINER * rng.uniform(-0.1, 0.1, 2) * (width / len(text), height)
    for index, character in enumerate(text):
        centre = np.array([cell * (index + 0.5), canvas.shape[0] / 2]) + shift
        _draw_character(canvas, character, centre, rng, rotation)
    grey = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    noisy = grey + rng.normal(0, 2, grey.shape)  # about what a JPEG file leaves on white
    return np.repeat(np.clip(noisy, 0, 255).round().astype(np.uint8)[..., None], 3, axis=-1)


def write_captchas(
    folder: Path,
    texts: Sequence[str],
    *,
    seed: int = 0,
    size: tuple[int, int] = (36, 150),
    rotation: float = 0.0,
    named_by_text: bool = False,
) -> dict[Path, str]:
    """Write a captcha of each text to an existing folder, as PNG; return file to text.

    Files are ``00000.png`` and so on, or with ``named_by_text`` ``TEXT.png``.
    """
    rng = np.random.default_rng(seed)
    written = {}
    for index, text in enumerate(texts):
        path = folder / f"{text if named_by_text else f'{index:05d}'}.png"
        cv2.imwrite(str(path), draw_captcha(text, rng, size=size, rotation=rotation))
        written[path] = text
    return written


def random_texts(
    count: int, *, seed: int = 0, alphabet: str = "123456789", length: int = 4
) -> list[str]:
    """Return ``count`` different texts, or all that there are where those are fewer."""
    rng = np.random.default_rng(seed)
    texts: dict[str, None] = {}
    while len(texts) < min(count, len(alphabet) ** length):
        texts["".join(rng.choice([*alphabet], length))] = None
    return [*texts]


def write_labelled_captchas(folder: Path, table: Path, count: int, *, seed: int = 0) -> None:
    """Write ``count`` drawn captchas to a folder, and the table of their texts."""
    written = write_captchas(folder, random_texts(count, seed=seed), seed=seed)
    write_labels(
        table,
        [LabelledCaptcha(path.name, _files.sha256(path), text) for path, text in written.items()],
    )


def write_characters(folder: Path, *, count: int = 90, seed: int = 0) -> Path:
    """Write the cut characters of ``count`` drawn captchas, as CLASS/image.png; return the folder.

    Names are those that annotating gives: CAPTCHA-PLACE.png.
    """
    rng = np.random.default_rng(seed)
    for number, text in enumerate(random_texts(count, seed=seed)):
        characters = cut_characters(draw_captcha(text, rng), len(text))
        for place, (label, character) in enumerate(zip(text, characters, strict=True)):
            (folder / label).mkdir(exist_ok=True)
            cv2.imwrite(str(folder / label / f"{number:05d}-{place}.png"), character)
    return folder


def serve_drawn(seed: int = 0) -> ThreadingHTTPServer:
    """Return a server at 127.0.0.1, bound but not running yet; ``/captcha`` is always another."""
    rng, texts = np.random.default_rng(seed), itertools.cycle(random_texts(1000, seed=seed))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/captcha"
            body = encode_png(draw_captcha(next(texts), rng)) if found else b""
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def _draw_character(
    canvas: np.ndarray,
    character: str,
    centre: np.ndarray,
    rng: np.random.Generator,
    rotation: float,
) -> None:
    """Draw a character around a place (x, y) of the canvas, in black."""
    font = int(rng.choice(FONTS))
    pen = FINER * (2 if rng.random() < 0.5 else 1)
    scale = cv2.getFontScaleFromHeight(font, FINER * CAPITAL - pen, pen)
    (wide, high), _ = cv2.getTextSize(character, font, scale, pen)
    side = 3 * FINER * CAPITAL
    ink = np.zeros((side, side), np.uint8)
    start = ((side - wide) // 2, (side + high) // 2)
    cv2.putText(ink, character, start, font, scale, 255, pen, cv2.LINE_AA)
    angle, slant = np.radians(rng.uniform(-rotation, rotation)), 0.25 * (rng.random() < 0.5)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.array([[1.0, -slant], [0.0, 1.0]])
    offset = centre - linear @ (side / 2, side / 2)
    moved = cv2.warpAffine(ink, np.column_stack([linear, offset]), canvas.shape[::-1])
    np.minimum(canvas, 255 - moved, out=canvas)
