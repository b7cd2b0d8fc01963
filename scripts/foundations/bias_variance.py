"""Bias and variance: a hundred fits of one truth, and what λ, bagging and boosting do to them.

    python scripts/foundations/bias_variance.py

Above, polynomials fitted to training sets of 25 samples: those of a low degree agree and are wrong
together (bias), those of a high one are right on average and wrong each (variance). Below, what the
error is made of: by the penalty λ; by the number of trees averaged, which lowers variance and
leaves bias; by the number of small trees added, which lowers bias and raises variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files
from sightkit.apps.foundations import PictureConfig


@dataclass(frozen=True)
class Config(PictureConfig):
    """What errors are made of."""

    output: Path = Path("bias_variance.png")


def main(config: Config) -> dict[str, Any]:
    import numpy as np

    from sightkit.apps.foundations import (
        LinearRegression,
        decompose,
        new_figure,
        noisy,
        powers,
        regressor,
    )
    from sightkit.apps.foundations.picture import COLOURS, INK

    class Polynomial(LinearRegression):
        """A line over powers of x, which is moved to −1 … 1."""

        degree = 1

        def fit(self, x: Any, y: Any) -> Any:
            return super().fit(powers(2 * x[:, 0] - 1, self.degree), y)

        def predict(self, x: Any) -> Any:
            return super().predict(powers(2 * x[:, 0] - 1, self.degree))

    def polynomial(degree: int, strength: float) -> Any:
        model = Polynomial(strength=strength)
        model.degree = degree
        return model

    def wave(x: Any) -> Any:
        return np.sin(4 * np.pi * x)

    figure, panels = new_figure(2, 3, width=4, height=3.4)
    grid = np.linspace(0.05, 0.95, 120)
    truth, result = wave(grid), {}
    fits = 10 if config.smoke else 100

    def measure(name: str, model: Any, samples: int = 25) -> Any:
        found = decompose(
            model, noisy(wave, samples, 0.3), grid[:, None], truth, fits=fits, seed=config.seed
        )
        result[name] = {"bias2": found.bias2, "variance": found.variance, "error": found.error}
        parts = f"bias² {found.bias2:.3f} + variance {found.variance:.3f}"
        print(f"{name}: {parts} = {found.error:.3f}")
        return found

    def draw_parts(axes: Any, across: Any, parts: Any, title: str, label: str) -> None:
        for part, colour in zip(("bias2", "variance", "error"), (*COLOURS[:2], INK), strict=True):
            values = [getattr(each, part) for each in parts]
            name = {"bias2": "bias²", "error": "their sum"}.get(part, part)
            axes.semilogx(across, values, "o-", color=colour, markersize=4, label=name)
        axes.set(title=title, xlabel=label, ylim=(0, None))
        axes.legend(fontsize=8, frameon=False)

    # 1. A hundred fits of one truth.
    for axes, degree in zip(panels[0], (3, 7, 11), strict=True):
        found = measure(f"degree {degree}", lambda d=degree: polynomial(d, 1e-7))
        axes.plot(grid, found.predictions[:40].T, color=COLOURS[1], alpha=0.18, linewidth=1)
        mean = found.predictions.mean(axis=0)
        axes.plot(grid, mean, color=COLOURS[0], linewidth=2.2, label="mean")
        axes.plot(grid, truth, "--", color=INK, linewidth=1.6, label="truth")
        title = f"degree {degree}: bias² {found.bias2:.2f}, variance {found.variance:.2f}"
        axes.set(title=title, ylim=(-2.4, 2.4), xticks=())
        axes.legend(fontsize=8, frameon=False, loc="lower left")

    # 2. A penalty.
    strengths = np.geomspace(1e-7, 1, 8)
    parts = [measure(f"λ {s:.0e}", lambda s=s: polynomial(11, s)) for s in strengths]
    draw_parts(panels[1, 0], strengths, parts, "degree 11, with a penalty", "λ")
    panels[1, 0].set_ylim(0, 1)

    # 3. Ensembles.
    members = (1, 4, 16) if config.smoke else (1, 2, 4, 8, 16, 32, 64)
    fits = 4 if config.smoke else 40
    for axes, name, title, label in (
        (panels[1, 1], "bagging", "bagging of trees", "trees averaged"),
        (panels[1, 2], "gradient_boosting", "gradient boosting of small trees", "trees added"),
    ):
        parts = [measure(f"{name} of {m}", lambda n=name, m=m: regressor(n, members=m), 50)
                 for m in members]  # fmt: skip
        draw_parts(axes, members, parts, title, label)
        axes.set_xticks(members, members)
        axes.minorticks_off()
    for name in ("small_tree", "boosting"):
        measure(name.replace("_", " "), lambda n=name: regressor(n), 50)
    _files.save_figure(config.output, figure)
    print(config.output)
    return result


if __name__ == "__main__":
    _cli.run(main, Config)
