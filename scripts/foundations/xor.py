"""XOR by a network of 2-2-1: two lines, and what they make of the plane.

    python scripts/foundations/xor.py

Twenty networks that differ by their seed are trained; most learn XOR, a few are stuck in a valley
where two of the four corners are answered by 1/2. The picture: what a network answers, with the
lines of its hidden units; the same four corners as the hidden units see them, where one line is
enough; and the losses of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files
from sightkit.apps.foundations import PictureConfig


@dataclass(frozen=True)
class Config(PictureConfig):
    """Twenty networks for XOR, with seeds from --seed on."""

    output: Path = Path("xor.png")


SEEDS, EPOCHS = 20, 2000
LEARNED = 0.001
"""Squared error below which XOR counts as learned."""


def main(config: Config) -> dict[str, Any]:
    import numpy as np

    from sightkit.apps.foundations import NeuralNetwork, draw_classes, new_figure

    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]])
    count = 4 if config.smoke else SEEDS
    networks, losses = [], []
    for seed in range(config.seed, config.seed + count):
        networks.append(
            NeuralNetwork.dense(
                (2, 2, 1), "tanh", initializer="glorot", seed=seed, loss="squared_error"
            )
        )
        losses.append(networks[-1].fit(x, y, EPOCHS, batch_size=4, seed=seed))
    learned = sum(loss[-1] < LEARNED for loss in losses)
    print(f"{learned} of {count} networks reach a squared error below {LEARNED}")
    best = int(np.argmin([loss[-1] for loss in losses]))
    network = networks[best]
    print(
        f"seed {config.seed + best}: {network.predict(x).ravel().round(3).tolist()} for {y.ravel()}"
    )

    figure, panels = new_figure(1, 3, width=3.5)
    plane, hidden, curves = panels[0]
    draw_classes(plane, lambda p: network.predict(p)[:, 0].clip(0, 1), x, y[:, 0], size=130)
    weights, biases = network.parameters[:2]
    ends = np.array([-9.0, 9.0])
    for (a, b), bias in zip(weights.T, biases, strict=True):
        plane.plot(ends, -(a * ends + bias) / b, color="#24292f", linewidth=1.5)
    plane.set(title="two lines, one a hidden unit", xticks=(0, 1), yticks=(0, 1))

    seen = network.layers[1].forward(network.layers[0].forward(x))
    a, b = network.parameters[2].ravel()
    draw_classes(
        hidden,
        lambda h: (h @ (a, b) + network.parameters[3][0]).clip(0, 1),
        seen,
        y[:, 0],
        size=130,
    )
    hidden.set(title="as the hidden units see it", xlabel="unit 1", ylabel="unit 2")
    for corner, place in zip(x.tolist(), seen, strict=True):
        beside = (9, -13) if corner == [1, 1] else (9, 7)  # it may be at the place of (0, 0)
        hidden.annotate(str(tuple(corner)), place, beside, textcoords="offset points")

    for loss in losses:
        right = loss[-1] < LEARNED
        curves.plot(
            loss, color="#1f6feb" if right else "#e8590c", alpha=0.7, linewidth=1, zorder=3 - right
        )
    curves.axhline(LEARNED, color="#8c959f", linestyle=":")
    curves.set(yscale="log", ylim=(1e-6, 3), xlabel="epoch")
    curves.set_title(f"squared error: {learned} of {count} learn it")
    _files.save_figure(config.output, figure)
    print(config.output)
    return {"learned": learned, "networks": count}


if __name__ == "__main__":
    _cli.run(main, Config)
