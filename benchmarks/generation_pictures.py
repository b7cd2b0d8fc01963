"""Measure deep dream and style transfer: seconds, memory, and how far a style gets.

    python benchmarks/generation_pictures.py [--quick] [--only dream memory style] [--json FILE]

A dream of 512x512 pixels by MobileNet 1.0, three octaves of twenty steps, made ready and traced
within the time. Memory from the first tenth of many dreams and paintings to the last. A style at
400 pixels by VGG16, from coarse to fine, and the loss that 1,000 evaluations of L-BFGS reach, from
the same photo and at full size from the beginning: half an hour on two cores. Weights are those in
KERAS_HOME, pictures those of SIGHTKIT_TEST_DATA.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import numpy as np

from sightkit import _cli, _files

DREAM_SECONDS, STYLE_SECONDS, STYLE_RATIO, GROWTH = 60, 180, 1.2, 1.05
RUNS, EVALUATIONS = 100, 1000


@dataclass(frozen=True)
class Config:
    """Measure pictures made by networks."""

    quick: bool = False
    """Small pictures and few runs: a smoke test whose figures mean little."""
    only: tuple[str, ...] = ("dream", "memory", "style")
    """Parts to measure."""
    output: Path | None = None
    """Folder for the pictures."""
    json: Path | None = None
    """File to write the rows to."""


def main(config: Config) -> list[measure.Row]:
    load = os.getloadavg()[0]
    _cli.start_keras()
    parts = {"dream": dream, "memory": memory, "style": style}
    rows: list[measure.Row] = []
    for name in config.only:
        rows += [{**row, "load": load} for row in parts[name](config)]
    measure.report(rows, config.json)
    return rows


def dream(config: Config) -> list[measure.Row]:
    """Time one dream, from the loaded network on."""
    from sightkit.apps import generative
    from sightkit.apps.generative.picture_flags import open_pretrained

    network, side = open_pretrained("mobilenet_1.0"), 96 if config.quick else 512
    picture = square(side)
    start = time.perf_counter()
    dreamt = generative.open_dreamer(network, {}).dream(picture)
    seconds = time.perf_counter() - start
    keep(config, "dream.png", dreamt)
    row = measure.at_most(
        "deep dream, 3 octaves of 20 steps", f"{DREAM_SECONDS} s", seconds / DREAM_SECONDS, 1.0,
        seconds=seconds, side=side,
    )  # fmt: skip
    return [row]


def memory(config: Config) -> list[measure.Row]:
    """Measure how much the process grows over many runs, of sizes that differ."""
    from sightkit.apps import generative
    from sightkit.apps.generative.picture_flags import open_pretrained

    dreamer = generative.open_dreamer(open_pretrained("mobilenet_1.0"), {})
    settings = generative.DreamSettings(octaves=2, steps=2)
    runs, sizes = 10 if config.quick else RUNS, []
    for run in range(runs):
        dreamer.dream(square(160 + 8 * (run % 5)), settings)
        sizes.append(resident())
    tenth = max(1, runs // 10)
    growth = float(np.median(sizes[-tenth:]) / np.median(sizes[tenth : 2 * tenth]))
    row = measure.at_most(
        "memory, with the last tenth of the dreams", "the second tenth", growth, GROWTH,
        runs=runs, mebibytes=round(sizes[-1]),
    )  # fmt: skip
    return [row]


def style(config: Config) -> list[measure.Row]:
    """Time a painting, and compare its loss with that of a long search at full size."""
    from sightkit.apps import generative
    from sightkit.apps.generative.picture_flags import open_pretrained

    size, most = (64, 40) if config.quick else (400, EVALUATIONS)
    data = Path(os.environ["SIGHTKIT_TEST_DATA"]) / "style"
    content = generative.read_picture(data / "content/beagle.png", size)
    weights = {str(data / "artworks/starry_night.jpg"): 1.0}
    styles = generative.read_styles(weights, content, 1.0)
    loss = generative.open_style(open_pretrained("vgg16"))
    losses: list[generative.PaintStep] = []

    def paint(settings: Any) -> tuple[np.ndarray, float, float]:
        losses.clear()
        start = time.perf_counter()
        picture = generative.paint(
            loss, content, styles, settings, lambda step, picture: losses.append(step)
        )
        finest = [step.loss for step in losses if step.scale == losses[-1].scale]
        return picture, time.perf_counter() - start, min(finest)

    ours, seconds, reached = paint(generative.PaintSettings())
    full = generative.PaintSettings(scales=1, evaluations=most)
    reference, long_seconds, lowest = paint(full)
    keep(config, "style.png", ours)
    keep(config, "style_long.png", reference)
    figures = {"size": size, "seconds": seconds, "loss": reached}
    return [
        measure.at_most(
            "style: loss", f"{most} evaluations at full size", reached / lowest, STYLE_RATIO,
            **figures, long_loss=lowest, long_seconds=long_seconds,
        ),
        measure.at_most(
            "style: seconds", f"{STYLE_SECONDS} s", seconds / STYLE_SECONDS, 1.0, **figures
        ),
    ]  # fmt: skip


def square(side: int) -> np.ndarray:
    """Return the middle of a photo, uint8 (side, side, 3)."""
    from sklearn.datasets import load_sample_image

    from sightkit.preprocessing import AspectAwarePreprocessor

    photo: Any = load_sample_image("china.jpg")
    return AspectAwarePreprocessor(side, side)(photo)


def resident() -> float:
    """Return the memory of the process in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def keep(config: Config, name: str, picture: np.ndarray) -> None:
    """Write a picture where a folder for them is named."""
    from sightkit.apps.generative import write_picture

    if config.output is not None:
        _files.require_writable(config.output)
        config.output.mkdir(parents=True, exist_ok=True)
        write_picture(config.output / name, picture)


if __name__ == "__main__":
    _cli.run(main, Config)
