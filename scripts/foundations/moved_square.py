"""A square that moved: a dense network fails, a convolution does not notice.

    python scripts/foundations/moved_square.py

Squares and crosses are shown on the left half of a picture, and asked for on the right half. A
dense network has weights of its own for every place, and has never used those on the right; a
convolution looks for the same small thing everywhere, and the maximum over all places forgets
where it was. The picture: samples, the probability of the right answer by the place of the shape's
middle, and the kernels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files
from sightkit.apps.foundations import PictureConfig


@dataclass(frozen=True)
class Config(PictureConfig):
    """Move a square."""

    output: Path = Path("moved_square.png")


SIDE, SHAPE = 20, 5
SAMPLES, EPOCHS, NOISE = 1000, 15, 0.1
NAMES = ("square", "cross")


def main(config: Config) -> dict[str, Any]:
    import numpy as np

    from sightkit.apps.foundations import (
        Activation,
        Convolution,
        Dense,
        Flatten,
        MaxPooling,
        Momentum,
        NeuralNetwork,
        new_figure,
    )

    rng = np.random.default_rng(config.seed)
    half = (SIDE - 2 * SHAPE) // 2  # the last corner that keeps a shape in the left half
    labels = rng.integers(0, 2, SAMPLES)
    corners = rng.integers(0, (SIDE - SHAPE + 1, half + 1), (SAMPLES, 2))
    train = _pictures(corners, labels, rng)
    networks = {
        "dense": NeuralNetwork(
            [Flatten(), Dense(SIDE**2, 32, rng), Activation("relu"), Dense(32, 2, rng)],
            dtype="float32",
        ),
        "convolution": NeuralNetwork(
            [
                *(Convolution(SHAPE, 1, 9, rng), Activation("relu"), MaxPooling(), Flatten()),
                Dense(9, 2, rng),
            ],
            dtype="float32",
        ),
    }
    places = np.argwhere(np.ones((SIDE - SHAPE + 1,) * 2))
    right = places[:, 1] >= SIDE // 2
    left = places[:, 1] <= half
    figure, panels = new_figure(1, 4, width=2.9, height=3.4)
    shown = _pictures(np.array([[3, 2], [11, 4], [5, 12], [12, 13]]), np.array([0, 1, 0, 1]), rng)
    rows = [np.hstack(shown[:2, ..., 0]), np.hstack(shown[2:, ..., 0])]
    panels[0, 0].imshow(np.vstack(rows), cmap="gray_r")
    panels[0, 0].axhline(SIDE - 0.5, color="#e8590c")
    panels[0, 0].set_title("learned (above), moved")
    results = {}
    for axes, (name, network) in zip(panels[0, 1:3], networks.items(), strict=True):
        epochs = 5 if config.smoke else EPOCHS
        network.fit(train, labels, epochs, optimizer=Momentum(0.03), seed=config.seed)
        of_right = np.array([  # by shape and place
            network.predict(_pictures(places, np.full(len(places), label), rng))[:, label]
            for label in (0, 1)
        ])  # fmt: skip
        results[name] = {
            half_name: 100 * float((of_right[:, where] > 0.5).mean())
            for half_name, where in (("left", left), ("right", right))
        }
        print(
            f"{name:<12} {results[name]['left']:.1f} % right where it has learned, "
            f"{results[name]['right']:.1f} % where the shape has moved to"
        )
        axes.imshow(
            of_right.mean(axis=0).reshape((SIDE - SHAPE + 1,) * 2), cmap="RdBu", vmin=0, vmax=1,
            extent=(SHAPE / 2, SIDE - SHAPE / 2, SIDE - SHAPE / 2, SHAPE / 2),
        )  # fmt: skip
        axes.axvline(SIDE / 2, color="#24292f", linestyle=":")
        axes.set(xlim=(0, SIDE), ylim=(SIDE, 0), xticks=(), yticks=())
        axes.set_xlabel("learned           moved")
        axes.set_title(f"{name}: {results[name]['right']:.0f} % when moved")
    figure.colorbar(
        panels[0, 2].images[0], ax=panels[0, 2], shrink=0.7, label="probability, right answer"
    )
    kernels = networks["convolution"].parameters[0][:, :, 0].transpose(2, 0, 1)
    sheet = np.full((3 * (SHAPE + 1), 3 * (SHAPE + 1)), np.nan)
    for place, kernel in enumerate(kernels):
        row, column = (SHAPE + 1) * (place // 3), (SHAPE + 1) * (place % 3)
        sheet[row : row + SHAPE, column : column + SHAPE] = kernel
    panels[0, 3].imshow(sheet, cmap="RdBu", vmin=-1, vmax=1)
    panels[0, 3].set_title("the nine kernels")
    for axes in (panels[0, 0], panels[0, 3]):
        axes.set_axis_off()
    _files.save_figure(config.output, figure)
    print(config.output)
    return results


def _pictures(corners: Any, labels: Any, rng: Any) -> Any:
    """Draw a square or a cross at each upper left corner: float32 (N, SIDE, SIDE, 1)."""
    import numpy as np

    square = np.pad(np.zeros((SHAPE - 2, SHAPE - 2)), 1, constant_values=1)
    cross = np.maximum(np.eye(SHAPE), np.eye(SHAPE)[::-1])
    pictures = rng.normal(0, NOISE, (len(corners), SIDE, SIDE, 1)).astype("float32")
    for picture, (row, column), label in zip(pictures, corners, labels, strict=True):
        picture[row : row + SHAPE, column : column + SHAPE, 0] += (square, cross)[label]
    return pictures


if __name__ == "__main__":
    _cli.run(main, Config)
