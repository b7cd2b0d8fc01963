"""Pictures with what was read in them, as one picture."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

COLUMNS, WIDTH = 3, 34
"""Pictures a row; characters a line."""
RIGHT, WRONG = "#176b2c", "#a81919"


def draw_captions(
    images: Sequence[np.ndarray], examples: Sequence[Mapping[str, Any]], path: Path
) -> None:
    """Draw pictures, uint8 (H, W, 3), with their answers, green or red, to a PNG.

    Args:
        images: pictures.
        examples: ``answer`` and ``references`` of each.
        path: of the PNG.
    """
    from matplotlib.figure import Figure

    rows = -(-len(images) // COLUMNS)
    figure = Figure(figsize=(3 * COLUMNS, 3.3 * rows), layout="constrained")
    for number, (image, example) in enumerate(zip(images, examples, strict=True)):
        axes = figure.add_subplot(rows, COLUMNS, number + 1)
        axes.imshow(image, cmap="gray")
        axes.set_axis_off()
        right = example["answer"] in example["references"]
        text = textwrap.fill(example["answer"].replace("$", r"\$"), WIDTH)
        axes.set_title(text, fontsize=9, color=RIGHT if right else WRONG)
    figure.savefig(path, dpi=110)
