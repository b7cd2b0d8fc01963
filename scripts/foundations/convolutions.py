"""The classic kernels on a photo, pooling, and four ways to make a picture larger again.

    python scripts/foundations/convolutions.py
    python scripts/foundations/convolutions.py --image photo.jpg

Each kernel of 3x3 or more is laid on every place of the grey photo; its answer is rescaled to 0 to
255. Below, a detail is pooled by 8 and made larger again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files, io
from sightkit.apps.foundations import PictureConfig


@dataclass(frozen=True)
class Config(PictureConfig):
    """Filter a photo."""

    output: Path = Path("convolutions.png")
    image: Path | None = None
    """Photo; a sample photo of scikit-learn's by default."""


SIDE = 320


def main(config: Config) -> dict[str, Any]:
    import numpy as np
    from sklearn.datasets import load_sample_image

    from sightkit.apps import foundations as f
    from sightkit.preprocessing import AspectAwarePreprocessor

    side = 64 if config.smoke else SIDE
    photo = io.read_image(config.image) if config.image else load_sample_image("china.jpg")
    photo = AspectAwarePreprocessor(side, side)(photo)
    grey = photo.mean(axis=2) if photo.shape[2] == 3 else photo[..., 0].astype(float)
    shown = {"photo": photo.squeeze(), "grey": grey}
    for name, kernel in f.KERNELS.items():
        answer = f.correlate(grey, kernel, same=True)
        shown[name] = f.rescale(answer)
        size = "x".join(map(str, kernel.shape))
        print(f"{name:<12} {size:<6} answers from {answer.min():7.1f} to {answer.max():.1f}")
    turned = f.rescale(f.convolve(grey, f.KERNELS["emboss"], same=True))
    shown["emboss, kernel turned"] = turned

    detail = grey[None, side // 8 : side // 8 + side // 2, side // 4 : side // 4 + side // 2, None]
    size = max(2, side // 40)
    pooled, places = f.max_pooling(detail, size)
    mean = f.average_pooling(detail, size)
    # A kernel that falls off to its border: neighbours flow into each other.
    fall = 1 - abs(np.arange(2 * size - 1) - (size - 1)) / size
    smooth = f.transposed_convolution(mean, np.outer(fall, fall)[:, :, None, None], size)
    edge = (size - 1) // 2
    smooth = smooth[:, edge : edge + detail.shape[1], edge : edge + detail.shape[2]]
    shown |= {
        "a detail": detail[0, ..., 0],
        f"max pooling {size}x{size}": pooled[0, ..., 0],
        f"average pooling {size}x{size}": mean[0, ..., 0],
        "nearest": f.nearest(mean, size)[0, ..., 0],
        "bed of nails": f.bed_of_nails(mean, size)[0, ..., 0],
        "max-unpooling": f.max_unpooling(pooled, places, detail.shape)[0, ..., 0],
        "transposed convolution": smooth[0, ..., 0],
    }
    figure, panels = f.new_figure(3, 6, width=1.6, height=1.75)
    for axes, (name, picture) in zip(panels.flat, shown.items(), strict=True):
        axes.imshow(picture, cmap="gray", interpolation="nearest")
        axes.set_title(name, fontsize=7.5)
        axes.set_axis_off()
    _files.save_figure(config.output, figure)
    print(config.output)
    return {"pictures": list(shown)}


if __name__ == "__main__":
    _cli.run(main, Config)
