"""Measure networks of super-resolution: bicubic as published, speed, and what trained ones reach.

    python benchmarks/super_resolution.py [--quick] [--json FILE] [--bundle RUN/bundle …]

Bicubic: PSNR on Set5 in the published protocol beside the papers' figures. Speed: the sub-pixel
network against SRCNN (9-1-5, luma) on one picture of 128x128 enlarged twice, each by the faster of
the engines that are installed; SRCNN's own bicubic enlargement before it is counted in the rows of
whole photos, which have chroma too. Trained networks: dB above bicubic on Set5; their training's
minutes and processor seconds are those that their runs recorded.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import numpy as np

from sightkit import _cli, _files

PUBLISHED = {2: 33.66, 3: 30.39, 4: 28.42}
"""dB of bicubic on Set5: Dong et al. 2015, table 2, and all papers since."""
NEAR = 0.02
FASTER = 3.0
GAIN = {("srcnn_paper", 2): 2.3, ("srcnn_paper", 3): 1.5}
"""dB above bicubic that SRCNN must reach from 16 pictures of T91."""
SIDE = 128
ENGINES = ("openvino", "keras")


@dataclass(frozen=True)
class Config:
    """Measure networks of super-resolution."""

    quick: bool = False
    """Few rounds: a smoke test whose figures mean little."""
    bundle: tuple[Path, ...] = ()
    """Trained networks, RUN/bundle, to be measured on Set5."""
    json: Path | None = None
    """File to write the rows to."""


def main(config: Config) -> list[measure.Row]:
    _cli.start_keras()
    pictures = set5()
    rows = [*bicubic_rows(pictures), *speed_rows(2 if config.quick else 15)]
    rows += [trained_row(bundle, pictures) for bundle in config.bundle]
    measure.report(rows, config.json)
    return rows


def set5() -> list[np.ndarray]:
    """Return the five pictures of SIGHTKIT_TEST_DATA."""
    from sightkit.apps import generative

    folder = Path(os.environ["SIGHTKIT_TEST_DATA"]) / "superres" / "Set5"
    return list(generative.read_pictures(folder).values())


def bicubic_rows(pictures: list[np.ndarray]) -> list[measure.Row]:
    """Compare bicubic's PSNR with the published one, a row a factor."""
    from sightkit.apps import generative

    rows = []
    for factor, published in PUBLISHED.items():
        found = generative.compare_enlargements(pictures, factor)
        difference = abs(found["psnr"] - published)
        rows.append(
            measure.at_most(
                f"bicubic x{factor}: dB from the published by {NEAR}", "papers", difference / NEAR,
                1.0, **found, published=published,
            )
        )  # fmt: skip
    return rows


def speed_rows(rounds: int) -> list[measure.Row]:
    """Compare the networks on one tile, and whole photos, by the faster engine each."""
    from sightkit import inference

    engines = ENGINES if inference.openvino_installed() else ENGINES[1:]
    upscalers = {
        (name, engine): upscaler(name, engine)
        for name in ("subpixel_x2", "srcnn_paper")
        for engine in engines
    }
    photo = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    inputs = {
        key: np.zeros((1, *each.predictor.input_shape[1:]), np.float32)
        for key, each in upscalers.items()
    }
    networks = measure.interleaved_costs(
        {str(k): lambda k=k: upscalers[k].predictor(inputs[k]) for k in upscalers}, rounds=rounds
    )
    photos = measure.interleaved_costs(
        {str(k): lambda k=k: upscalers[k].predict(photo) for k in upscalers}, rounds=rounds
    )
    rows = []
    for what, costs, bar in (("network", networks, FASTER), ("whole photo", photos, 0.0)):
        ours, other = (
            min((costs[str((name, engine))], engine)
                for engine in engines)
            for name in ("subpixel_x2", "srcnn_paper")
        )  # fmt: skip
        rows.append(
            measure.at_least(
                f"sub-pixel network, {what}, {SIDE}x{SIDE} twice", "SRCNN 9-1-5",
                other[0].cpu / ours[0].cpu, bar, wall_ratio=other[0].wall / ours[0].wall,
                engines=[ours[1], other[1]],
                cpu_milliseconds=[1000 * ours[0].cpu, 1000 * other[0].cpu],
                milliseconds=[1000 * ours[0].wall, 1000 * other[0].wall],
                by_engine={name: cost._asdict() for name, cost in costs.items()},
            )
        )  # fmt: skip
    return rows


def upscaler(name: str, engine: Any) -> Any:
    """Return an untrained upscaler of one tile by an engine."""
    import dataclasses

    from sightkit import inference, zoo
    from sightkit.apps import generative

    network = zoo.build(name, input_shape=(30, 30, 1))
    made = generative.upscaler_of(network, 2, tile=SIDE)
    return dataclasses.replace(made, predictor=inference.compile(made.network, engine=engine))


def trained_row(bundle: Path, pictures: list[np.ndarray]) -> measure.Row:
    """Measure a trained network on Set5, in the published protocol."""
    from sightkit.apps import generative

    made = generative.load_upscaler(bundle)
    factor, about = made.factor, made.description["training"]
    found = generative.compare_enlargements(
        pictures, factor, enlarge=made.enlarge_planes, channels=made.setup.channels
    )
    gain = found["psnr"] - generative.compare_enlargements(pictures, factor)["psnr"]
    network = about["network"]
    environment = _files.stored_json(bundle.parent / "environment.json")
    took = {k: environment.get(k) for k in ("training_seconds", "training_cpu_seconds")}
    return measure.at_least(
        f"{network} x{factor}: dB above bicubic on Set5", "bicubic", gain,
        GAIN.get((network, factor), 0.0), **found, **took,
        parameters=made.description["parameters"], epochs=about["epochs"],
        patches=about["patches"], start=about["start"],
    )  # fmt: skip


if __name__ == "__main__":
    _cli.run(main, Config)
