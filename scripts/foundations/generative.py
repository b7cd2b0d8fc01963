"""A generative and a discriminative classifier: two views of one border, and curves that cross.

    python scripts/foundations/generative.py

The generative one learns what each class looks like (the rings), the discriminative one the border
alone. The first is better with few samples. With many the second is, where the first assumed what
is not so: that features are independent, as those of tumours are not. Where the assumption holds,
the second catches up and never passes. Measured on 30 % of the samples, others in each repeat; the
bands are ± one standard error.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files
from sightkit.apps.foundations import PictureConfig


@dataclass(frozen=True)
class Config(PictureConfig):
    """Densities, a border, and what more samples bring."""

    output: Path = Path("generative.png")


SIZES = (4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 700)


def main(config: Config) -> dict[str, Any]:
    import numpy as np
    from sklearn.datasets import load_breast_cancer

    from sightkit.apps.foundations import (
        GaussianClassifier,
        LogisticRegression,
        crossing,
        draw_classes,
        learning_curves,
        new_figure,
    )
    from sightkit.apps.foundations.picture import COLOURS, INK

    rng = np.random.default_rng(config.seed)
    figure, panels = new_figure(1, 3, width=4, height=3.7)
    view, wrong, right = panels[0]

    # 1. Two views of one border.
    y = np.repeat((0, 1), 70)
    x = rng.normal(0, 1, (140, 2)) * np.where(y == 1, 0.55, 1.0)[:, None]
    x[:, 0] += 0.6 * x[:, 1] + np.array([-1.2, 1.3])[y]
    densities, border = GaussianClassifier("own").fit(x, y), LogisticRegression().fit(x, y)
    draw_classes(view, densities.predict, x, y, margin=0.15, size=24)
    circle = np.linspace(0, 2 * np.pi, 100)
    for k in range(2):
        root = np.linalg.cholesky(densities.covariances[k])
        for radius in (1, 2):
            ring = radius * root @ [np.cos(circle), np.sin(circle)] + densities.means[k][:, None]
            view.plot(*ring, color=COLOURS[k], linewidth=1.6, alpha=0.9)
    ends = np.array([-6.0, 6.0])
    a, b, c = border.w
    view.plot(-(a + c * ends) / b, ends, "--", color=INK, linewidth=2, label="logistic regression")
    view.legend(fontsize=8, loc="lower right")
    view.set(title="rings and plane: Gaussians", xticks=(), yticks=())

    # 2. Curves on real data, and on data that are as the generative one assumes.
    tumours, malign = load_breast_cancer(return_X_y=True)
    tumours = (tumours - tumours.mean(axis=0)) / tumours.std(axis=0)
    made_y = np.arange(1000) % 2
    made = rng.normal(0, 1, (1000, 30)) + 0.22 * np.where(made_y == 1, 1, -1)[:, None]
    models = {
        "generative": lambda: GaussianClassifier("shared_diagonal", smoothing=0.01),
        "discriminative": lambda: LogisticRegression(strength=1e-6),
    }
    repeats, result = 4 if config.smoke else 60, {}
    for axes, title, data, truth, most in (
        (wrong, "tumours: features depend on each other", tumours, malign, 398),
        (right, "made: features are independent", made, made_y, 700),
    ):
        sizes = [size for size in SIZES if size <= most]
        found = learning_curves(models, data, truth, sizes, repeats=repeats, seed=config.seed)
        for (name, curve), colour in zip(found.items(), COLOURS, strict=False):
            mean, spread = 100 * curve.mean(axis=0), 100 * curve.std(axis=0) / np.sqrt(repeats)
            axes.fill_between(sizes, mean - spread, mean + spread, color=colour, alpha=0.25)
            axes.plot(sizes, mean, "o-", color=colour, markersize=3.5, label=name)
            ends_at = f"{mean[0]:.1f} % from {sizes[0]}, {mean[-1]:.1f} % from {sizes[-1]}"
            print(f"{title}, {name}: {ends_at}")
        place = crossing(found["generative"], found["discriminative"], sizes)
        if place:
            axes.axvline(place, color=INK, linewidth=1, linestyle=":")
            axes.text(place * 1.1, axes.get_ylim()[0] + 1, f"{place:.0f} samples", fontsize=8)
        print(f"{title}: {f'they cross at {place:.0f}' if place else 'they do not cross'}")
        result[title] = place
        axes.set_xscale("log", base=2)
        axes.set(title=title, xlabel="samples learned from", ylabel="% right")
        axes.set_xticks(sizes[::2], sizes[::2])
        axes.minorticks_off()
        axes.legend(fontsize=8, frameon=False, loc="lower right")
    _files.save_figure(config.output, figure)
    print(config.output)
    return result


if __name__ == "__main__":
    _cli.run(main, Config)
