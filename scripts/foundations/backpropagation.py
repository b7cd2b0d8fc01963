"""Back-propagation by hand: every number of a small network, and gradients through ten layers.

    python scripts/foundations/backpropagation.py

Prints each weight with its gradient by back-propagation and by finite differences. The picture: the
network with its values (black) and gradients (orange); then what becomes of the signal on its way
forward, and of the gradient on its way back, through ten layers of ReLU by each initializer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files
from sightkit.apps.foundations import PictureConfig


@dataclass(frozen=True)
class Config(PictureConfig):
    """Draw a network with its gradients."""

    output: Path = Path("backpropagation.png")


X, Y = (0.5, -1.0), 1.0
FIRST, FIRST_BIAS = ((0.6, -0.4), (0.3, 0.9)), (0.1, 0.0)
SECOND, SECOND_BIAS = ((0.8,), (-0.5,)), (0.2,)
DEPTH, WIDTH = 10, 256


def main(config: Config) -> dict[str, Any]:
    import numpy as np

    from sightkit.apps.foundations import NeuralNetwork, new_figure, numerical_gradient

    network = NeuralNetwork.dense((2, 2, 1), "tanh", loss="squared_error")
    given = (FIRST, FIRST_BIAS, SECOND, SECOND_BIAS)
    for parameter, values in zip(network.parameters, given, strict=True):
        parameter[...] = values
    x, y = np.array([X]), np.array([[Y]])
    loss, by_x = network.backward(x, y)
    gradients = [g for layer in network.layers for g in layer.gradients]
    print(f"loss {loss:.4f}\n{'':<12}{'value':>9}{'gradient':>12}{'differences':>13}")
    worst = 0.0
    for name, parameter, gradient in zip(
        ("W1", "b1", "W2", "b2"), network.parameters, gradients, strict=True
    ):

        def loss_with(values, parameter=parameter):
            kept, parameter[...] = parameter.copy(), values
            found = np.array(network.backward(x, y)[0])
            parameter[...] = kept
            return found

        wanted = numerical_gradient(loss_with, parameter, np.array(1.0))
        worst = max(worst, float(abs(wanted - gradient).max()))
        for index, value in np.ndenumerate(parameter):
            place = f"{name}{list(index)}"
            print(f"{place:<12}{value:9.4f}{gradient[index]:12.6f}{wanted[index]:13.6f}")

    figure, panels = new_figure(1, 3, width=3.6, height=3.6, width_ratios=(1.5, 1, 1))
    _draw_network(panels[0, 0], network, x, by_x, gradients, loss)
    widths = 32 if config.smoke else WIDTH
    for name in ("normal", "lecun", "glorot", "he"):
        signal, gradient = _through_layers(name, widths, config.seed)
        label = {"normal": "N(0, 0.01²)", "lecun": "LeCun", "glorot": "Glorot", "he": "He"}[name]
        style = "--" if name == "glorot" else "-"  # as LeCun's where all layers are as wide
        panels[0, 1].plot(range(DEPTH + 1), signal, style, label=label, linewidth=1.8)
        panels[0, 2].plot(range(DEPTH + 1), gradient, style, label=label, linewidth=1.8)
    panels[0, 1].set(title="signal, on its way forward", xlabel="layer", yscale="log")
    panels[0, 2].set(title="gradient, on its way back", xlabel="layer", yscale="log")
    panels[0, 1].legend(frameon=False, fontsize=8)
    _files.save_figure(config.output, figure)
    print(config.output)
    return {"loss": loss, "largest_difference": worst}


def _through_layers(initializer: str, width: int, seed: int) -> tuple[list[float], list[float]]:
    """Deviation of the signal after each layer, and of the gradient there."""
    import numpy as np

    from sightkit.apps.foundations import dense_layers

    rng = np.random.default_rng(seed)
    layers = dense_layers([width] * (DEPTH + 1), "relu", "relu", initializer, seed)
    signal = [rng.normal(size=(200, width))]
    for layer in layers:
        signal.append(layer.forward(signal[-1]))
    gradient = [rng.normal(size=(200, width))]
    for layer in reversed(layers):
        gradient.append(layer.backward(gradient[-1]))
    return [float(s.std()) for s in signal[::2]], [float(g.std()) for g in gradient[::-2]]


def _draw_network(axes: Any, network: Any, x: Any, by_x: Any, gradients: Any, loss: float) -> None:
    """Draw values in nodes and on edges, with the gradient of the loss by each below."""
    hidden = network.layers[1].forward(network.layers[0].forward(x))[0]
    answer = network.forward(x)[0]
    at_answer = 2 * (answer - Y)
    at_hidden = at_answer @ network.parameters[2].T
    places = [[(0, 1), (0, -1)], [(1.3, 1), (1.3, -1)], [(2.6, 0)]]
    values = [(x[0], by_x[0], "x"), (hidden, at_hidden, "h"), (answer, at_answer, "y")]
    for layer, weights in ((0, 0), (1, 2)):
        for i, start in enumerate(places[layer]):
            for j, end in enumerate(places[layer + 1]):
                axes.plot(*zip(start, end, strict=True), color="#d0d7de", linewidth=2, zorder=1)
                share = 0.3 if layer == 0 and i != j else 0.5  # two edges cross in the middle
                at = [s + share * (e - s) for s, e in zip(start, end, strict=True)]
                weight = network.parameters[weights][i, j]
                box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
                up = {"ha": "center", "fontsize": 8, "bbox": box}
                axes.text(at[0], at[1] + 0.02, f"{weight:.2f}", va="bottom", **up)
                slope = f"{gradients[weights][i, j]:+.3f}"
                axes.text(at[0], at[1] - 0.02, slope, va="top", color="#e8590c", **up)
    for column, (numbers, slopes, name) in zip(places, values, strict=True):
        for place, number, slope in zip(column, numbers, slopes, strict=True):
            axes.scatter(
                *place, s=1500, color="white", edgecolor="#24292f", linewidth=1.5, zorder=2
            )
            axes.text(*place, f"{number:.2f}", ha="center", va="bottom", zorder=3, fontsize=9)
            axes.text(
                *place,
                f"{slope:+.2f}",
                ha="center",
                va="top",
                zorder=3,
                fontsize=8,
                color="#e8590c",
            )
            axes.text(place[0], place[1] + 0.36, name, ha="center", style="italic")
    axes.set(xlim=(-0.4, 3.0), ylim=(-1.6, 1.6))
    axes.set_title(f"y should be {Y:g}: loss (y − {Y:g})² = {loss:.3f}")
    axes.set_axis_off()


if __name__ == "__main__":
    _cli.run(main, Config)
