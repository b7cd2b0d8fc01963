"""Handwritten digits by a network of 64-32-16-10 in NumPy; batch normalization and dropout beside.

    python scripts/foundations/digits.py

Measured over the seeds 0 to 19: 97.5 % of the held-out digits (standard deviation 0.7), 96.2 with
batch normalization (1.4), 97.1 with dropout (1.0): a network as small as this needs neither.
scikit-learn's 1,797 digits of 8x8; a quarter is held out, by --seed. The picture: accuracy on the
held-out digits after every epoch, what the hidden units look for (blue: bright pixels speak for
it), and mistakes.
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
    """Train on digits."""

    output: Path = Path("digits.png")
    epochs: int = 100
    """Times that every training digit is seen."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        super().__post_init__()
        require_at_least(self, epochs=1)


def main(config: Config) -> dict[str, Any]:
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    from sightkit.apps.foundations import (
        BatchNormalization,
        Dropout,
        Momentum,
        NeuralNetwork,
        dense_layers,
        new_figure,
    )

    digits = load_digits()
    x, held_out, y, truth = train_test_split(
        digits.data / 16, digits.target, test_size=0.25, random_state=config.seed,
        stratify=digits.target,
    )  # fmt: skip
    epochs = 2 if config.smoke else config.epochs

    def layers():
        return dense_layers((64, 32, 16, 10), "tanh", initializer="glorot", seed=config.seed)

    normalized, silenced = layers(), layers()
    normalized[1:1], normalized[4:4] = [BatchNormalization(32)], [BatchNormalization(16)]
    silenced[2:2] = [Dropout(0.1, np.random.default_rng(config.seed))]
    networks, curves = {}, {}
    for name, own in (
        ("plain", layers()),
        ("batch normalization", normalized),
        ("dropout", silenced),
    ):
        networks[name], curves[name] = NeuralNetwork(own, dtype="float32"), []
        optimizer = Momentum(0.1)
        for epoch in range(epochs):
            networks[name].fit(x, y, 1, optimizer=optimizer, seed=1000 * config.seed + epoch)
            answers = networks[name].predict(held_out).argmax(axis=1)
            curves[name].append(100 * float((answers == truth).mean()))
        print(f"{name:<20} {curves[name][-1]:.1f} % of {len(truth)} held-out digits")

    figure, panels = new_figure(1, 3, width=3.6, height=3.4)
    axes, units, wrong = panels[0]
    for name, curve in curves.items():
        axes.plot(range(1, epochs + 1), curve, label=name, linewidth=1.4)
    axes.set(ylim=(90, 100), xlabel="epoch", title="accuracy on held-out digits, in percent")
    axes.legend(frameon=False, loc="lower right")
    weights = networks["plain"].parameters[0].T.reshape(32, 8, 8)
    units.imshow(_sheet(weights[:25], 5, 9), cmap="RdBu", vmin=-1.2, vmax=1.2)
    units.set_title("what 25 hidden units look for")
    answers = networks["plain"].predict(held_out).argmax(axis=1)
    mistakes = np.flatnonzero(answers != truth)[:9]
    wrong.imshow(
        _sheet(held_out[mistakes].reshape(-1, 8, 8), 3, 11), cmap="gray_r", vmin=0, vmax=1.3
    )
    for place, sample in enumerate(mistakes):
        row, column = divmod(place, 3)
        answer = f"{truth[sample]}, not {answers[sample]}"
        wrong.text(
            11 * column + 3.5,
            11 * row + 8.9,
            answer,
            fontsize=8,
            color="#e8590c",
            ha="center",
            va="center",
        )
    wrong.set_title("mistakes: the digit, and the prediction")
    for each in (units, wrong):
        each.set_axis_off()
    _files.save_figure(config.output, figure)
    print(config.output)
    return {name: curve[-1] for name, curve in curves.items()}


def _sheet(pictures: Any, columns: int, cell: int) -> Any:
    """Lay pictures of 8x8 side by side, each in a cell that leaves a border."""
    import numpy as np

    sheet = np.full((cell * columns, cell * columns), np.nan)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        sheet[cell * row : cell * row + 8, cell * column : cell * column + 8] = picture
    return sheet


if __name__ == "__main__":
    _cli.run(main, Config)
