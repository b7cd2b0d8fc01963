"""Ten activations and their slopes on one sheet.

    python scripts/foundations/activations.py

What a gradient is multiplied by on its way back is the slope: a sigmoid's is 1/4 at most, a ReLU's
1 or 0, a step's nothing at all. Of parametric ReLU and maxout, which learn, one shape is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files
from sightkit.apps.foundations import PictureConfig


@dataclass(frozen=True)
class Config(PictureConfig):
    """Draw activations."""

    output: Path = Path("activations.png")


def main(config: Config) -> dict[str, Any]:
    import numpy as np

    from sightkit.apps import foundations as f

    x = np.linspace(-4, 4, 401)[:, None]
    slope = np.array([0.4])
    pieces = np.array([[[-0.6]], [[0.1]], [[1.0]]]), np.array([[-0.8], [0.4], [-0.5]])
    one = np.ones_like(x)
    curves = {name: (a(x), back(one, x)) for name, (a, back) in f.ACTIVATIONS.items()}
    del curves["softmax"], curves["linear"]
    curves["parametric_relu"] = (
        f.parametric_relu(x, slope), f.parametric_relu_backward(one, x, slope)[0]
    )  # fmt: skip
    curves["maxout"] = f.maxout(x, *pieces), f.maxout_backward(one, x, *pieces)[0]
    scores = np.hstack([x, np.zeros_like(x)])  # of two classes, the other's score is 0
    first = np.hstack([one, np.zeros_like(x)])
    softmax, backward = f.ACTIVATIONS["softmax"]
    curves["softmax"] = softmax(scores)[:, :1], backward(first, scores)[:, :1]
    figure, panels = f.new_figure(3, 3, width=2.7, height=2.1, sharex=True)
    for axes, (name, (value, slopes)) in zip(panels.flat, curves.items(), strict=True):
        axes.axhline(0, color="#d0d7de", linewidth=0.8)
        axes.axvline(0, color="#d0d7de", linewidth=0.8)
        axes.plot(x, value, linewidth=2, label="output")
        axes.plot(x, slopes, "--", linewidth=1.3, label="slope")
        axes.set_title(name.replace("_", " ").replace("relu", "ReLU").replace("elu", "ELU"))
        print(f"{name:<16} slope from {slopes.min():5.2f} to {slopes.max():.2f}")
    handles = panels[0, 0].get_lines()[2:]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    _files.save_figure(config.output, figure)
    print(config.output)
    return {"activations": list(curves)}


if __name__ == "__main__":
    _cli.run(main, Config)
