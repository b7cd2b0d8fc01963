"""Nearest neighbours and prototypes: borders drawn by examples, and digits with their neighbours.

    python scripts/foundations/knn.py

Above: one neighbour follows every sample, wrong ones too; fifteen vote such islands away; one
prototype a class (a star) draws straight lines. Below: test digits with their five nearest, each
with its label; where these disagree the digit is hard; and the mean of every digit. Prints the
accuracy by norm and k, and what an approximate search finds and costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files
from sightkit.apps.foundations import PictureConfig


@dataclass(frozen=True)
class Config(PictureConfig):
    """Neighbours in the plane, and among digits."""

    output: Path = Path("knn.png")


GOOD, BAD = "#1a7f37", "#cf222e"


def main(config: Config) -> dict[str, Any]:
    import time

    import numpy as np
    from sklearn.datasets import load_digits

    from sightkit.apps.foundations import (
        ApproximateNeighbours,
        NearestMean,
        NearestNeighbours,
        draw_classes,
        new_figure,
    )

    rng = np.random.default_rng(config.seed)
    figure, panels = new_figure(2, 3, height=3.3)

    # 1. Three arms of a spiral, and the borders that examples draw.
    y = np.repeat(range(3), 60)
    away, turn = rng.uniform(0.15, 1, 180), rng.normal(0, 0.28, 180)
    angle = 2 * np.pi * y / 3 + 3.2 * away + turn
    x = np.column_stack([away * np.cos(angle), away * np.sin(angle)])
    y[rng.choice(180, 9, replace=False)] += 1  # wrong labels
    y %= 3
    models = {
        "1 neighbour": NearestNeighbours(1),
        "15 neighbours": NearestNeighbours(15),
        "nearest mean": NearestMean(),
    }
    for axes, (title, model) in zip(panels[0], models.items(), strict=True):
        model.fit(x, y)
        draw_classes(axes, model.predict, x, y, margin=0.1, size=28)
        axes.set(title=title, xticks=(), yticks=())
    stars = models["nearest mean"].prototypes.T
    panels[0, 2].scatter(*stars, s=320, c="#24292f", marker="*", edgecolors="w", zorder=4)

    # 2. Digits: every norm and k.
    digits, labels = load_digits(return_X_y=True)
    order = rng.permutation(len(digits))[: 600 if config.smoke else None]
    learn, test = order[: -len(order) // 4], order[-len(order) // 4 :]
    known, names, new, truth = digits[learn], labels[learn], digits[test], labels[test]
    result: dict[str, Any] = {}
    for norm in ("L1", "L2"):
        for k in (1, 5, 15):
            model = NearestNeighbours(k, norm).fit(known, names)
            result[f"{k} nearest, {norm}"] = float(np.mean(model.predict(new) == truth))
        model = NearestMean(norm).fit(known, names)
        result[f"prototypes, {norm}"] = float(np.mean(model.predict(new) == truth))
    for name, right in result.items():
        print(f"{name}: {100 * right:.1f} % of {len(test)} digits")

    # 3. An approximate search beside the exact one.
    found, seconds = {}, {}
    for model in (NearestNeighbours(5), ApproximateNeighbours(5)):
        model.fit(known, names)
        start = time.perf_counter()
        found[type(model)] = model.neighbours(new)
        seconds[type(model)] = time.perf_counter() - start
    nearest, near = found.values()
    share = np.mean([np.isin(a, b).mean() for a, b in zip(near, nearest, strict=True)])
    exact, quick = (1000 * each / len(new) for each in seconds.values())
    print(f"approximate: {100 * share:.0f} % of the 5 nearest, {quick:.2f} ms, not {exact:.2f}")
    result["found"] = float(share)

    # 4. The picture of digits: easy ones, hard ones, prototypes.
    agreement = np.mean(names[nearest] == truth[:, None], axis=1)
    rows = {"easy digits": np.argsort(-agreement, kind="stable")[:5],
            "the hardest": np.argsort(agreement, kind="stable")[:5]}  # fmt: skip
    for axes, (title, shown) in zip(panels[1], rows.items(), strict=False):
        sheet = np.zeros((5 * 10, 6 * 10 + 4))
        for row, each in enumerate(shown):
            of_row = (truth[each], *names[nearest[each]])
            for column, image in enumerate((new[each], *known[nearest[each]])):
                left = 10 * column + (4 if column else 0)
                sheet[10 * row : 10 * row + 8, left : left + 8] = image.reshape(8, 8)
                colour = GOOD if of_row[column] == truth[each] else BAD
                axes.text(
                    left + 8.6, 10 * row + 8.4, of_row[column], fontsize=7, ha="right",
                    color=colour if column else "#24292f",
                )  # fmt: skip
        axes.imshow(sheet, cmap="gray_r")
        axes.axvline(10.8, color="#8c959f", linewidth=1)
        axes.set_title(f"{title}, and their 5 nearest")
    means = NearestMean().fit(known, names).prototypes.reshape(2, 5, 8, 8)
    means = np.pad(means, ((0, 0), (0, 0), (0, 2), (0, 2))).transpose(0, 2, 1, 3)
    panels[1, 2].imshow(means.reshape(20, 50), cmap="gray_r")
    panels[1, 2].set_title("the ten prototypes")
    for axes in panels[1]:
        axes.set_axis_off()
    _files.save_figure(config.output, figure)
    print(config.output)
    return result


if __name__ == "__main__":
    _cli.run(main, Config)
