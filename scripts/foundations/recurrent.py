"""Gradients through time: they vanish or explode with the largest eigenvalue of W_hh.

    python scripts/foundations/recurrent.py

Each step back through a recurrent cell multiplies the gradient by W_hh once more. The picture: the
eigenvalues of three such matrices with the circle of 1; the gradient's length after every step
back, beside the powers of the largest eigenvalue (dotted); and the same for an LSTM, from cell to
cell multiplied by the forget gate f (its powers dotted): a gate held open carries it through.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files
from sightkit._errors import require_at_least
from sightkit.apps.foundations import PictureConfig


@dataclass(frozen=True)
class Config(PictureConfig):
    """Send a gradient back through time."""

    output: Path = Path("recurrent.png")
    steps: int = 60
    """Steps of time."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        super().__post_init__()
        require_at_least(self, steps=2)


UNITS = 40
LARGEST = (0.8, 1.0, 1.2)
FORGET_BIAS = (-1.0, 1.0, 3.0, 6.0)


def main(config: Config) -> dict[str, Any]:
    import numpy as np

    from sightkit.apps import foundations as f

    rng = np.random.default_rng(config.seed)
    steps = range(config.steps)
    x = 1e-9 * rng.normal(size=(1, config.steps, 4))  # small: tanh is steepest at 0
    w_xh, bias = rng.normal(size=(4, UNITS)) / 2, np.zeros(UNITS)
    upstream = np.zeros((1, config.steps, UNITS))  # the loss is of the last state alone
    upstream[0, -1] = rng.normal(size=UNITS)
    upstream /= np.linalg.norm(upstream)

    figure, panels = f.new_figure(1, 3, width=3.6, height=3.5)
    plane, back, gates = panels[0]
    lengths = {}
    for largest in LARGEST:
        w_hh = f.with_largest_eigenvalue(UNITS, largest, rng)
        states = f.recurrent(x, w_xh, w_hh, bias)
        *_, by_states = f.recurrent_backward(upstream, x, states, w_xh, w_hh)
        length = np.linalg.norm(by_states[0, ::-1], axis=1)
        lengths[f"eigenvalue {largest}"] = float(length[-1])
        values = np.linalg.eigvals(w_hh)
        (line,) = back.plot(steps, length, linewidth=2, label=f"largest eigenvalue {largest}")
        back.plot(steps, [largest**step for step in steps], ":", color=line.get_color())
        plane.scatter(np.real(values), np.imag(values), s=14, color=line.get_color(), label=largest)
    angles = np.linspace(0, 2 * np.pi, 200)
    plane.plot(np.cos(angles), np.sin(angles), color="#24292f", linewidth=1)
    plane.set(aspect="equal", title="eigenvalues of W_hh, and the circle of 1")
    plane.set(xlabel="real part", ylabel="imaginary part")

    weights = rng.normal(size=(4, 4 * UNITS)) / 2, 0.01 * rng.normal(size=(UNITS, 4 * UNITS))
    for forget in FORGET_BIAS:
        biases = np.repeat([0.0, forget, 0.0, 0.0], UNITS)
        trace = f.lstm(x, *weights, biases)
        *_, by_cells = f.lstm_backward(upstream, x, trace, *weights)
        length = np.linalg.norm(by_cells[0, ::-1], axis=1)
        lengths[f"forget bias {forget:g}"] = float(length[-1])
        share = float(trace.f.mean())
        (line,) = gates.plot(steps, length, linewidth=2, label=f"bias {forget:g}, f = {share:.3f}")
        gates.plot(steps, [length[0] * share**step for step in steps], ":", color=line.get_color())
    for axes, title in ((back, "a recurrent cell"), (gates, "an LSTM, by the bias of f")):
        axes.set(yscale="log", xlabel="steps back", title=f"gradient in {title}", ylim=(1e-8, 1e7))
        axes.legend(frameon=False, fontsize=8, loc="upper left")
    for name, length in lengths.items():
        print(f"{name:<16} gradient after {config.steps - 1} steps back: {length:.1e}")
    _files.save_figure(config.output, figure)
    print(config.output)
    return lengths


if __name__ == "__main__":
    _cli.run(main, Config)
