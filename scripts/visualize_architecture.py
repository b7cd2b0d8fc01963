"""Draw a network of the zoo to a PNG and an SVG.

    python scripts/visualize_architecture.py minigooglenet --output minigooglenet

writes minigooglenet.png and minigooglenet.svg. Needs no system package; most of the time goes into
starting Keras.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from sightkit import _cli, evaluation, zoo
from sightkit._errors import SightkitError


@dataclass(frozen=True)
class Config:
    """Draw a network, by default of the published size."""

    name: Annotated[str, tyro.conf.Positional]
    """Name of the network; inspect_model.py without a name lists all."""
    output: Path | None = None
    """Pictures to write, .png and .svg; NAME in this folder by default."""
    overwrite: bool = False
    """Replace an existing file."""
    input_shape: Annotated[
        tuple[int, ...] | None, tyro.conf.arg(metavar="HEIGHT WIDTH CHANNELS")
    ] = None
    """Size of the images; the published one by default."""
    classes: int | None = None
    """Number of classes, for networks that have classes."""


def main(config: Config) -> dict[str, str]:
    arguments = zoo.published_arguments(config.name, config.input_shape, config.classes)
    base = config.output or Path(config.name)
    if not base.name:
        raise SightkitError("--output must name pictures.", "For example net.", output=str(base))
    if base.suffix.lower() in (".png", ".svg"):
        base = base.with_suffix("")
    paths = {ending: base.with_name(f"{base.name}.{ending}") for ending in ("png", "svg")}
    for path in paths.values():
        evaluation.require_file(path, overwrite=config.overwrite)
    _cli.start_keras()
    import keras

    # In this scope layers know their shapes and no weight is allocated.
    with keras.StatelessScope(initialize_variables=False):
        evaluation.draw_architecture(zoo.build(config.name, **arguments), list(paths.values()))
    for path in paths.values():
        print(path)
    return {ending: str(path) for ending, path in paths.items()}


if __name__ == "__main__":
    _cli.run(main, Config)
