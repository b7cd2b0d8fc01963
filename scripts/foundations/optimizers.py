"""Optimizers on their way down: a ravine, a valley, a saddle, batches; and Adam in three forms.

    python scripts/foundations/optimizers.py

Every path starts at the ring. In the ravine gradient descent zig-zags, momentum rolls through and
Newton jumps. In the saddle Newton stops where it should not. The fewer samples are behind a
gradient, the more it trembles. Adam as the notes write it, without the correction, starts with
steps that are three to six times too long. Prints how far each one is from the lowest point.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files
from sightkit.apps.foundations import PictureConfig


@dataclass(frozen=True)
class Config(PictureConfig):
    """Paths on surfaces of loss."""

    output: Path = Path("optimizers.png")


def main(config: Config) -> dict[str, Any]:
    import numpy as np

    from sightkit.apps.foundations import batches, descend, new_figure, optimizer
    from sightkit.apps.foundations.picture import COLOURS, INK

    figure, panels = new_figure(2, 3, width=4, height=3.5)
    steps, result = 30 if config.smoke else 120, {}

    def surface(axes: Any, loss: Any, across: Any, along: Any, title: str) -> None:
        a, b = np.meshgrid(np.linspace(*across, num=160), np.linspace(*along, num=160))
        height = loss(a, b)
        axes.contourf(a, b, np.log(height - height.min() + 0.03), 22, cmap="Greys", alpha=0.55)
        axes.set(title=title, xlim=across, ylim=along, xticks=(), yticks=())

    def walk(axes: Any, start: Any, gradient: Any, methods: Any, count: int) -> None:
        for name, method in methods.items():
            colour = COLOURS[len(axes.lines) // 2 % len(COLOURS)]
            path = descend(method, np.array(start, float), gradient, count)
            axes.plot(*path.T, "o-", color=colour, markersize=2.6, linewidth=1.4, label=name)
            axes.plot(*path[-1], "o", color=colour, markersize=7, markeredgecolor="w", zorder=4)
            result[f"{axes.get_title()}, {name}"] = path[-1].tolist()
        axes.scatter(*start, s=120, facecolors="none", edgecolors=INK, linewidths=2, zorder=3)
        axes.legend(fontsize=7.5, framealpha=0.85, loc="best")

    # 1. A ravine: twenty times steeper across than along.
    steep = np.array([1.0, 20.0])
    surface(panels[0, 0], lambda a, b: a**2 + 20 * b**2, (-2.2, 0.9), (-0.75, 0.75), "a ravine")
    walk(panels[0, 0], (-2, 0.6), lambda w: 2 * steep * w, {
        "gradient descent": optimizer("gradient_descent", rate=0.045),
        "momentum": optimizer("momentum", rate=0.008),
        "Nesterov": optimizer("nesterov", rate=0.008, form="notes"),
        "Newton": optimizer("newton", hessian=lambda w: 2 * np.diag(steep)),
    }, 30)  # fmt: skip

    # 2. Rosenbrock's valley, which bends.
    def valley(w: Any) -> Any:
        bend = w[1] - w[0] ** 2
        return np.array([-2 * (1 - w[0]) - 20 * w[0] * bend, 10 * bend])

    surface(panels[0, 1], lambda a, b: (1 - a) ** 2 + 5 * (b - a**2) ** 2, (-1.7, 1.6), (-0.7, 2.4),
            "a valley that bends")  # fmt: skip
    walk(panels[0, 1], (-1.4, 0.1), valley, {
        "Adagrad": optimizer("adagrad", rate=0.5),
        "Adadelta": optimizer("adadelta", rate=8.0),
        "RMSprop": optimizer("rmsprop", rate=0.02),
        "Adam": optimizer("adam", rate=0.15),
        "Nadam": optimizer("nadam", rate=0.1, form="keras"),
    }, steps)  # fmt: skip

    # 3. A saddle: up on both sides, down ahead and behind.
    surface(panels[0, 2], lambda a, b: a**2 - b**2 + b**4 / 4, (-1.6, 1.6), (-1.8, 1.8), "a saddle")
    walk(panels[0, 2], (-1.3, 0.12), lambda w: np.array([2 * w[0], -2 * w[1] + w[1] ** 3]), {
        "gradient descent": optimizer("gradient_descent", rate=0.05),
        "momentum": optimizer("momentum", rate=0.02),
        "Adam": optimizer("adam", rate=0.1),
        "Newton": optimizer("newton", hessian=lambda w: np.diag([2, -2 + 3 * w[1] ** 2])),
    }, 80)  # fmt: skip

    # 4. The samples behind each gradient: a line through 200 points.
    rng = np.random.default_rng(config.seed)
    x = np.column_stack([np.ones(200), rng.normal(0, 1, 200)])
    y = x @ (0.7, 0.9) + rng.normal(0, 0.8, 200)
    best = np.linalg.lstsq(x, y)[0]
    surface(panels[1, 0], lambda a, b: (a - best[0]) ** 2 + (b - best[1]) ** 2, (-0.7, 1.2),
            (-0.8, 1.5), "200 samples, or some of them")  # fmt: skip
    sizes = {"1 (SGD)": 1, "16 (mini-batch)": 16, "all": 200}
    for name, size in sizes.items():
        drawn = batches(200, size, np.random.default_rng(config.seed))

        def gradient(w: Any, drawn: Any = drawn) -> Any:
            rows = next(drawn)
            return 2 * x[rows].T @ (x[rows] @ w - y[rows]) / len(rows)

        method = optimizer("gradient_descent", rate=0.05)
        walk(panels[1, 0], (-0.5, -0.6), gradient, {name: method}, 60)

    # 5. Adam's three forms; 6. how far everyone is from the bottom.
    names = {"notes": "as the notes", "paper": "the paper's", "keras": "Keras'"}
    for (form, name), colour in zip(names.items(), COLOURS, strict=False):
        path = descend(optimizer("adam", rate=0.01, form=form), np.ones(1), lambda w: 2 * w, 40)
        style = "--" if form == "keras" else "-"
        panels[1, 1].plot(np.abs(np.diff(path[:, 0])), style, color=colour, label=name)
    panels[1, 1].set(title="Adam's steps at rate 0.01", xlabel="step", ylim=(0, None))
    panels[1, 1].legend(fontsize=8, frameon=False)
    rates = {"gradient_descent": 0.045, "momentum": 0.008, "nesterov": 0.02,
             "adagrad": 0.2, "rmsprop": 0.2, "adam": 0.2}  # fmt: skip
    for (name, rate), colour in zip(rates.items(), COLOURS, strict=True):
        method, start = optimizer(name, rate=rate), np.array([-2, 0.6])
        path = descend(method, start, lambda w: 2 * steep * w, steps)
        panels[1, 2].semilogy((path**2) @ steep, color=colour, label=name.replace("_", " "))
    panels[1, 2].set(title="the ravine: loss by step", xlabel="step", ylim=(1e-12, 30))
    panels[1, 2].legend(fontsize=7.5, frameon=False)
    for name, place in result.items():
        print(f"{name}: ends at {place[0]:.3f}, {place[1]:.3f}")
    _files.save_figure(config.output, figure)
    print(config.output)
    return result


if __name__ == "__main__":
    _cli.run(main, Config)
