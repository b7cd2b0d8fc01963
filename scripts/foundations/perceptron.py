"""A perceptron learns AND and OR, and cannot learn XOR: no line separates its classes.

    python scripts/foundations/perceptron.py

The picture shows the last lines, from pale to dark. For AND and OR it comes to rest;
for XOR it moves for ever, because whatever it gains at one corner it loses at another:
scripts/foundations/xor.py does it with two lines, a hidden layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files
from sightkit.apps.foundations import PictureConfig


@dataclass(frozen=True)
class Config(PictureConfig):
    """Three gates for one neuron."""

    output: Path = Path("perceptron.png")


GATES = {"AND": (0, 0, 0, 1), "OR": (0, 1, 1, 1), "XOR": (0, 1, 1, 0)}
EPOCHS = 100


def main(config: Config) -> dict[str, Any]:
    import numpy as np

    from sightkit.apps.foundations import Perceptron, draw_classes, new_figure

    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    figure, panels = new_figure(1, 3)
    results = {}
    for axes, (name, gate) in zip(panels[0], GATES.items(), strict=True):
        neuron, y = Perceptron(2, seed=config.seed), np.array(gate)
        lines, mistakes = [], []
        while len(mistakes) < EPOCHS and mistakes[-1:] != [0]:
            mistakes.append(0)
            for k in range(4):  # a sample at a time, to see every line
                lines.append((*neuron.weights, neuron.bias))
                mistakes[-1] += neuron.fit(x[k : k + 1], y[k : k + 1], epochs=1)[0]
        lines.append((*neuron.weights, neuron.bias))
        lines = list(dict.fromkeys(lines))
        right = int((neuron.predict(x) == y).sum())
        results[name] = {"epochs": len(mistakes), "right": right}
        print(f"{name}: {right} of 4 after {len(mistakes)} epochs")
        draw_classes(axes, neuron.predict, x, y, size=130)
        for age, (a, b, bias) in enumerate(reversed(lines[-8:])):  # a·x + b·y + bias = 0
            ends = np.array([-9.0, 9.0])
            if b:
                line = (ends, -(a * ends + bias) / b)
            else:
                line = (np.full(2, -bias / a), ends)
            axes.plot(*line, color="#24292f", alpha=0.85 * 0.65**age, linewidth=2)
        outcome = f"learned in {len(mistakes)} epochs" if right == 4 else f"{right} of 4, for ever"
        axes.set(title=f"{name}: {outcome}", xticks=(0, 1), yticks=(0, 1))
    _files.save_figure(config.output, figure)
    print(config.output)
    return results


if __name__ == "__main__":
    _cli.run(main, Config)
