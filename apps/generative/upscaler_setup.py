"""What a network of super-resolution is given and gives: planes, edges, sizes. No Keras here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.generative.imresize import SUPPORT, imresize
from sightkit.apps.generative.luma import matlab_luma

LARGEST = 4
"""Factor that networks are trained for at most."""


@dataclass(frozen=True)
class UpscalerSetup:
    """The form of a network that enlarges pictures.

    Attributes:
        factor: sides of its answer by those of the picture.
        channels: 1, luma, or 3, RGB.
        enlarged: whether it is given pictures that are enlarged bicubically already (SRCNN).
        halo: pixels at each edge of its input that its convolutions lose.
    """

    factor: int
    channels: int
    enlarged: bool
    halo: int

    @classmethod
    def of(cls, origin: Mapping[str, Any], factor: int) -> UpscalerSetup:
        """Return the setup of a network of the zoo by ``zoo.origin``.

        Raises:
            SightkitError: no network of super-resolution with "valid" convolutions, or one for
                another factor.
        """
        arguments = origin.get("arguments", {})
        kernels, shape = arguments.get("kernels"), arguments.get("input_shape")
        own = arguments.get("factor", factor)
        if not kernels or not shape or arguments.get("padding", "valid") != "valid":
            raise SightkitError(
                "An upscaler is SRCNN or SubPixel, with valid convolutions.",
                'Build it with zoo.build("subpixel_x2", input_shape=(30, 30, 1)), for example.',
                network=origin,
            )
        if own != factor or shape[2] not in (1, 3):
            raise SightkitError(
                "A network enlarges by the factor that it was built for, luma or RGB.",
                f"Give factor={own}.",
                factor=factor,
                input_shape=shape,
            )
        lost = sum(kernels) - len(kernels)
        return cls(factor, shape[2], "factor" not in arguments, lost // 2)

    @property
    def scale(self) -> int:
        """Sides of its answer by those of its input, less the halo."""
        return 1 if self.enlarged else self.factor

    @property
    def margin(self) -> int:
        """Pixels around a part of a small picture that its enlargement depends on."""
        return -(-self.halo // (self.factor // self.scale)) + SUPPORT

    def side(self, tile: int) -> int:
        """Return the side of the network's input for a tile of a small picture."""
        return tile * self.factor // self.scale + 2 * self.halo

    def inputs(self, planes: np.ndarray) -> np.ndarray:
        """Return the network's input for parts of small pictures with their margin.

        Args:
            planes: (…, h + 2 margin, w + 2 margin, channels), 0-1.

        Returns:
            float32 (…, H, W, channels): h and w, or these enlarged, and the halo.
        """
        x = self.bicubic(planes) if self.enlarged else planes
        cut = (self.factor // self.scale) * self.margin - self.halo
        return _cropped(x, cut).astype(np.float32)

    def bicubic(self, planes: np.ndarray) -> np.ndarray:
        """Enlarge (…, H, W, C) by MATLAB's imresize."""
        height, width = planes.shape[-3:-1]
        return imresize(planes, (self.factor * height, self.factor * width))

    def planes(self, photo: np.ndarray) -> np.ndarray:
        """Return float64 (H, W, channels), 0-1, of a uint8 RGB picture: luma or RGB, by 255."""
        return (photo if self.channels == 3 else matlab_luma(photo)) / 255

    def pair(self, photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what a picture teaches: the input for its smaller form, and its planes.

        The picture is cut to a multiple of the factor, and made small by MATLAB's imresize,
        without rounding, as for the published figures.

        Args:
            photo: uint8 (H, W, 3), RGB.

        Returns:
            float32 (H, W, channels) with the halo, and float32 (H, W, channels), both 0-1; the
            first is smaller by the factor where the network enlarges.
        """
        large = cut_to_multiple(self.planes(photo), self.factor)
        height, width = large.shape[:2]
        small = imresize(large, (height // self.factor, width // self.factor))
        edges = [(self.margin, self.margin)] * 2 + [(0, 0)]
        padded = np.pad(small, edges, mode="symmetric")
        return self.inputs(padded), large.astype(np.float32)


def cut_to_multiple(image: np.ndarray, factor: int) -> np.ndarray:
    """Cut what is over below and on the right, so that both sides are multiples of the factor."""
    height, width = (side // factor * factor for side in image.shape[:2])
    return image[:height, :width]


def require_patch(
    pictures: Sequence[np.ndarray] | Mapping[str, np.ndarray], factor: int, patch: int
) -> None:
    """Raise unless a patch fits into every picture, by path or number; none is left out."""
    if not len(pictures):
        raise SightkitError(
            "There must be at least one picture.", "Look at the folder.", pictures=0
        )
    named = pictures.items() if isinstance(pictures, Mapping) else enumerate(pictures)
    smallest, name = min((min(picture.shape[:2]), name) for name, picture in named)
    fitting = min(smallest, max(patch, factor)) // factor * factor
    if not fitting:
        raise SightkitError(
            "A picture must have at least as many pixels a side as the factor.",
            "Remove those that are smaller.", smallest=smallest, picture=name, factor=factor,
        )  # fmt: skip
    if patch != fitting:
        raise SightkitError(
            "A patch is a multiple of the factor, and fits into the smallest picture.",
            f"Give --patch {fitting}, or remove pictures that are too small.",
            patch=patch, factor=factor, smallest=smallest, picture=name,
        )  # fmt: skip


def _cropped(x: np.ndarray, cut: int) -> np.ndarray:
    return x[..., cut : x.shape[-3] - cut, cut : x.shape[-2] - cut, :]
