"""Linear classifiers: three losses and their borders, four penalties and their templates.

    python scripts/foundations/linear.py

Above: what a wrong class costs by its score, and the borders that follow, with the share right of
all but the four samples far off, which move the hinge least. Below: the ten templates that a
classifier learns from 200 digits, red for ink that speaks for a digit, blue against. Without a
penalty they fit noise, L2 smooths them, L1 leaves few pixels. Prints the accuracy on all other
digits of every loss with every penalty.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files
from sightkit.apps.foundations import PictureConfig


@dataclass(frozen=True)
class Config(PictureConfig):
    """Templates by loss and by penalty."""

    output: Path = Path("linear.png")


def main(config: Config) -> dict[str, Any]:
    import numpy as np
    from sklearn.datasets import load_digits

    from sightkit.apps.foundations import (
        LOSSES,
        PENALTIES,
        LinearClassifier,
        draw_classes,
        new_figure,
    )
    from sightkit.apps.foundations.picture import COLOURS, QUIET

    rng = np.random.default_rng(config.seed)
    figure, panels = new_figure(2, 4, width=2.9, height=3)
    steps = 100 if config.smoke else 500

    # 1. The losses, by how far a wrong class's score is above the right one's.
    gap = np.linspace(-3, 2.5, 200)
    scores = np.column_stack([gap, np.zeros(200)])
    for (name, loss), colour in zip(LOSSES.items(), COLOURS, strict=False):
        costs, _ = loss(scores, np.ones(200, int))
        panels[0, 0].plot(gap, costs, color=colour, label=name.replace("_", " "), linewidth=2)
    panels[0, 0].axvline(0, color=QUIET, linewidth=0.8)
    panels[0, 0].set(title="what a wrong class costs", ylim=(-0.1, 5), xlabel="wrong − right score")
    panels[0, 0].legend(fontsize=8, frameon=False)

    # 2. Their borders, where a few samples lie far off.
    y = np.r_[np.repeat(range(3), 40), np.zeros(4, int)]
    centres = np.array([[-1.2, 0.8], [1.2, 0.9], [0.1, -1.1]])
    far = rng.normal(0, 0.2, (4, 2)) + np.array([3.0, 2.6])
    x = np.r_[centres[y[:120]] + rng.normal(0, 0.55, (120, 2)), far]
    for axes, loss in zip(panels[0, 1:], LOSSES, strict=True):
        model = LinearClassifier(loss, steps=steps, rate=0.03).fit(x, y)
        draw_classes(axes, model.predict, x, y, margin=0.1, size=22)
        right = np.mean(model.predict(x[:120]) == y[:120])
        axes.set(title=f"{loss.replace('_', ' ')}: {100 * right:.0f} %", xticks=(), yticks=())

    # 3. Every loss with every penalty, on digits.
    digits, labels = load_digits(return_X_y=True)
    order = rng.permutation(len(digits))
    digits, labels = digits[order] / 16, labels[order]
    known, names, new, truth = digits[:200], labels[:200], digits[200:], labels[200:]
    result = {}
    for loss in LOSSES:
        for penalty in PENALTIES:
            model = LinearClassifier(loss, penalty, 1e-3, rate=0.03, steps=steps).fit(known, names)
            right = float(np.mean(model.predict(new) == truth))
            small = float(np.mean(np.abs(model.w[1:]) < 0.02))
            result[f"{loss}, {penalty}"] = right
            print(f"{loss}, {penalty}: {100 * right:.1f} %, {100 * small:.0f} % of weights near 0")
            if loss == "cross_entropy":
                axes = panels[1, list(PENALTIES).index(penalty)]
                sheet = np.full((3 * 9, 4 * 9), np.nan)
                for k, template in enumerate(model.w[1:].T.reshape(10, 8, 8)):
                    row, column = 9 * (k // 4), 9 * (k % 4)
                    sheet[row : row + 8, column : column + 8] = template
                largest = np.nanmax(np.abs(sheet))
                axes.imshow(sheet, cmap="RdBu_r", vmin=-largest, vmax=largest)
                axes.set_title(f"{penalty.replace('_', ' ')}: {100 * right:.1f} %")
                axes.set_axis_off()
    _files.save_figure(config.output, figure)
    print(config.output)
    return result


if __name__ == "__main__":
    _cli.run(main, Config)
