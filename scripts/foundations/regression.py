"""Linear and logistic regression: closed form, gradient descent and Newton meet in one place.

    python scripts/foundations/regression.py

Above, a line: its loss is a bowl over slope and intercept. Gradient descent zig-zags down, the
closed form and Newton's single step are there at once. Below, the border between two classes: it
has no closed form; Newton takes a handful of steps where gradient descent takes hundreds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files
from sightkit.apps.foundations import PictureConfig


@dataclass(frozen=True)
class Config(PictureConfig):
    """A line through points, and a line between classes."""

    output: Path = Path("regression.png")


def main(config: Config) -> dict[str, Any]:
    import numpy as np

    from sightkit.apps.foundations import (
        LinearRegression,
        LogisticRegression,
        draw_classes,
        new_figure,
    )
    from sightkit.apps.foundations.picture import COLOURS, INK, QUIET

    blue, orange, green = COLOURS[:3]
    rng = np.random.default_rng(config.seed)
    figure, ((line, bowl), (border, race)) = new_figure(2, 2, width=4.2, height=3.6)
    steps = 100 if config.smoke else 1000

    # 1. A line through noisy points, three ways.
    x = rng.uniform(-0.4, 2.4, 40)
    y = 1 + 0.8 * x + rng.normal(0, 0.4, 40)
    ways = {way: LinearRegression(way, rate=0.33, steps=steps).fit(x[:, None], y)
            for way in ("closed", "newton", "gradient")}  # fmt: skip
    for way, model in ways.items():
        print(f"line by {way}: {model.w.round(6)} after {len(model.path) - 1} steps")
    descent, best = ways["gradient"].path, ways["closed"].w
    ends = np.array([-0.6, 2.6])
    line.scatter(x, y, color=blue, s=26, edgecolors="w", zorder=3)
    for age, w in enumerate(descent[:12]):
        line.plot(ends, w[0] + w[1] * ends, color=orange, alpha=0.15 + 0.06 * age, linewidth=1)
    line.plot(ends, best[0] + best[1] * ends, color=INK, linewidth=2)
    line.set(title="a line, and gradient descent's first twelve", xlabel="x", ylabel="y")

    # 2. The bowl of its loss, with both ways down.
    a, b = np.meshgrid(np.linspace(-0.4, 2.2, 121), np.linspace(-0.9, 2.1, 121))
    loss = np.mean((a[..., None] + b[..., None] * x - y) ** 2, axis=-1)
    lowest = ways["closed"].loss(best)
    bowl.contourf(a, b, np.log(loss - lowest + 0.02), 24, cmap="Blues_r")
    bowl.plot(*descent[:60].T, "o-", color=orange, markersize=3.5, linewidth=1.2,
              label="gradient descent")  # fmt: skip
    bowl.annotate("", best, (0, 0), arrowprops={"arrowstyle": "-|>", "color": "w", "linewidth": 2})
    bowl.plot([], [], color="w", linewidth=2, label="Newton, one step")
    bowl.plot(*best, "*", color="w", markersize=15, markeredgecolor=INK, label="closed form")
    bowl.legend(fontsize=8, loc="lower left", facecolor="#5b87bd", labelcolor="w", framealpha=1)
    bowl.set(title="the bowl of its loss", xlabel="intercept", ylabel="slope")

    # 3. A border between two classes, by Newton.
    classes = np.repeat((0, 1), 60)
    plane = rng.normal(0, 0.9, (120, 2)) + np.array([[-1.0, -0.4], [0.9, 0.7]])[classes]
    newton = LogisticRegression("newton").fit(plane, classes)
    draw_classes(
        border, lambda p: newton.predict_proba(p)[:, 1], plane, classes, margin=0.15, size=26
    )
    ends = np.array([-6.0, 6.0])
    for age, w in enumerate(newton.path[1:]):
        last = age == len(newton.path) - 2
        border.plot(ends, -(w[0] + w[1] * ends) / w[2], color=INK, linewidth=2 if last else 1,
                    linestyle="-" if last else ":")  # fmt: skip
    right = float(np.mean(newton.predict(plane) == classes))
    print(f"border by newton: {len(newton.path) - 1} steps, {100 * right:.0f} % right")
    border.set(title=f"a border, {len(newton.path) - 1} steps of Newton", xticks=(), yticks=())

    # 4. The race to the least loss.
    least = newton.loss(newton.w)
    for model, colour, name in (
        (newton, green, "Newton"),
        (LogisticRegression("gradient", rate=0.1, steps=steps), QUIET, "rate 0.1"),
        (LogisticRegression("gradient", rate=1.0, steps=steps), orange, "rate 1"),
    ):
        model.fit(plane, classes)
        above = np.array([model.loss(w) - least for w in model.path])
        count = 1 + np.arange(len(above))
        race.loglog(count, np.maximum(above, 1e-16), color=colour, label=name)
        print(f"{name}: {above[-1]:.1e} above the least loss after {len(above) - 1} steps")
    race.set(title="how far above the least loss", xlabel="step", ylim=(1e-13, 2))
    race.legend(fontsize=8, frameon=False)
    _files.save_figure(config.output, figure)
    print(config.output)
    return {"w": best.tolist(), "newton_steps": len(newton.path) - 1, "right": right}


if __name__ == "__main__":
    _cli.run(main, Config)
