"""Describe a network of the zoo: shapes, parameters, multiply-adds, receptive fields.

    python scripts/inspect_model.py minivggnet --input-shape 32 32 3 --classes 10

Without a name it lists all names. Layers whose window does not fit an integer number of times are
named with the pixels they lose. No weights are made: most of the time goes into starting Keras.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from sightkit import _cli, _files, evaluation, zoo
from sightkit._errors import SightkitError


@dataclass(frozen=True)
class Config:
    """Describe a network, by default of the published size."""

    name: Annotated[str | None, tyro.conf.Positional] = None
    """Name of the network; without it all names are listed."""
    input_shape: Annotated[
        tuple[int, ...] | None, tyro.conf.arg(metavar="HEIGHT WIDTH CHANNELS")
    ] = None
    """Size of the images; the published one by default."""
    classes: int | None = None
    """Number of classes, for networks that have classes."""
    output: Path | None = None
    """File to write the table to as well."""
    overwrite: bool = False
    """Replace an existing file."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.output is not None:
            evaluation.require_file(self.output, overwrite=self.overwrite)
        if self.name is None and any((self.input_shape, self.classes, self.output)):
            raise SightkitError("Name a network.", "Without flags all names are listed.")


def main(config: Config) -> dict[str, int]:
    if config.name is None:
        print(names())
        return {}
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


def names() -> str:
    """List all names by kind."""
    kinds = sorted({zoo.entry(name).kind for name in zoo.names()})
    groups = [[f"{kind}:", *(f"  {name}" for name in zoo.names(kind))] for kind in kinds]
    return "\n".join(line for group in groups for line in group)


if __name__ == "__main__":
    _cli.run(main, Config)
