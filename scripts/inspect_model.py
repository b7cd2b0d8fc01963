"""Print what a network of the zoo is made of: shapes, parameters, multiply-adds, receptive fields.

    python scripts/inspect_model.py minivggnet --input-shape 32 32 3 --classes 10

Layers whose window does not fit an integer number of times are named with the pixels they lose.
Takes about three seconds for any network: no weights are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from sightkit import _cli, _files, evaluation, zoo


@dataclass(frozen=True)
class Config:
    """Which network, and of what size; by default the published one."""

    name: Annotated[str, tyro.conf.Positional]
    """A name that zoo.names() lists."""
    input_shape: tuple[int, int, int] | None = None
    """Height, width, channels."""
    classes: int | None = None
    """Number of classes, for networks that have classes."""
    output: Path | None = None
    """Write the table here too."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.output is not None:
            evaluation.require_file(self.output)


def main(config: Config) -> dict[str, int]:
    arguments = zoo.published_arguments(config.name, config.input_shape, config.classes)
    _cli.start_keras()
    import keras

    # In this scope layers know their shapes and no weight is allocated.
    with keras.StatelessScope(initialize_variables=False):
        description = zoo.describe(zoo.build(config.name, **arguments))
    print(description)
    if config.output is not None:
        _files.write_text(config.output, f"{description}\n")
    return {
        "parameters": description.parameters,
        "multiply_adds": description.multiply_adds,
        "warnings": len(description.warnings),
    }


if __name__ == "__main__":
    _cli.run(main, Config)
