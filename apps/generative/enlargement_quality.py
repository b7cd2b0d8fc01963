"""How near enlarged pictures are to the originals, by each of the protocols in use."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.generative.imresize import imresize
from sightkit.apps.generative.luma import matlab_luma, opencv_luma
from sightkit.apps.generative.upscaler_setup import cut_to_multiple

Enlarge = Callable[[np.ndarray], np.ndarray]
"""Small planes, float (h, w, C), 0-1, to large ones."""
PEAK = 255.0


@dataclass(frozen=True)
class Protocol:
    """A way of comparing: which luma, and which way down and, bicubically, up again.

    Attributes:
        luma: ``"matlab"``, 16-235, or ``"opencv"``, 0-255.
        resize: ``"matlab"``, bicubic and antialiased, or ``"opencv"``, INTER_CUBIC, which is not.
    """

    luma: str
    resize: str

    def __str__(self) -> str:
        return f"luma {self.luma}, resize {self.resize}"

    def plane(self, photo: np.ndarray) -> np.ndarray:
        """Return the luma of a uint8 RGB picture, float64 (H, W, 1), whole numbers of 0-255."""
        return matlab_luma(photo) if self.luma == "matlab" else opencv_luma(photo)

    def resized(self, image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Resize float (H, W, C) to (height, width); neither clipped nor rounded."""
        if self.resize == "matlab":
            return imresize(image, size)
        result = cv2.resize(image, size[::-1], interpolation=cv2.INTER_CUBIC)
        return result.reshape(*size, -1)


PROTOCOLS = tuple(itertools.starmap(Protocol, itertools.product(("matlab", "opencv"), repeat=2)))
PUBLISHED = PROTOCOLS[0]
"""That of SRCNN's paper and of those after it."""


NO_ERROR = 100.0
"""dB at most of a picture: a mean with an infinite figure says nothing, and is no JSON."""


def compare_enlargements(
    photos: Iterable[np.ndarray] | Mapping[str, np.ndarray], factor: int,
    protocol: Protocol = PUBLISHED,
    enlarge: Enlarge | None = None, channels: int = 1,
) -> dict[str, float]:  # fmt: skip
    """Make pictures small, enlarge them, and compare their luma with the original.

    A picture is cut to a multiple of the factor, answers are rounded to bytes, and as many pixels
    as the factor are left out at each edge.

    Args:
        photos: uint8 (H, W, 3), RGB; or these by path.
        factor: of the sides.
        protocol: how they are made small, and which luma is compared.
        enlarge: of the small planes; None for bicubic by the protocol.
        channels: of the planes that ``enlarge`` takes: 1, the luma, or 3, RGB.

    Returns:
        ``psnr``, dB, and ``ssim``: means over the pictures. One that is enlarged without any error,
        as a blank page is, counts 100 dB.

    Raises:
        SightkitError: no pictures, or one that is too small to be compared.
    """
    found = []
    for name, photo in photos.items() if isinstance(photos, Mapping) else enumerate(photos):
        large = cut_to_multiple(photo, factor)
        height, width = large.shape[:2]
        if min(height, width) < 2 * factor + WINDOW:
            raise SightkitError(
                f"A picture that is compared has at least {2 * factor + WINDOW} pixels a side.",
                "Remove those that are smaller.", picture=name, height=height, width=width,
            )  # fmt: skip
        original = protocol.plane(large)
        given = original if channels == 1 else large.astype(np.float64)
        small = protocol.resized(given, (height // factor, width // factor))
        made = enlarge(small / PEAK) * PEAK if enlarge else protocol.resized(small, (height, width))
        made = np.clip(np.round(made), 0, PEAK)
        if channels == 3:
            made = protocol.plane(made.astype(np.uint8))
        pair = [plane[factor:-factor, factor:-factor, 0] for plane in (original, made)]
        found.append((min(psnr(*pair), NO_ERROR), ssim(*pair)))
    if not found:
        raise SightkitError("There must be pictures to compare.", "Look at the folder.", pictures=0)
    return dict(zip(("psnr", "ssim"), map(float, np.mean(found, axis=0)), strict=True))


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two planes of 0-255, dB; infinite where they are equal."""
    error = float(np.mean((one - other) ** 2))
    return float(10 * np.log10(PEAK**2 / error)) if error else float("inf")


WINDOW = 11


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Structural similarity of two planes of 0-255: Gaussian windows of 11x11, deviation 1.5.

    Reference:
        Wang et al., "Image quality assessment: from error visibility to structural similarity",
        2004.
    """
    half = WINDOW // 2

    def mean(plane: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(plane, (WINDOW, WINDOW), 1.5)[half:-half, half:-half]

    a, b = mean(one), mean(other)
    spread, common = mean(one**2) + mean(other**2) - a**2 - b**2, mean(one * other) - a * b
    c1, c2 = (0.01 * PEAK) ** 2, (0.03 * PEAK) ** 2
    values = (2 * a * b + c1) * (2 * common + c2) / ((a**2 + b**2 + c1) * (spread + c2))
    return float(values.mean())
