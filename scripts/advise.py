"""Extract features, fine-tune, or train from scratch? Ask a network that was trained on ImageNet.

    python scripts/advise.py --data PHOTOS

The network looks at some of your photos; how far its activations lie from those of its own training
is the similarity. With the number of photos it gives the field of the table you are in, and why.
PHOTOS holds one folder a class; a dataset file (.h5) will do too. Takes half a minute.
"""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, _files, evaluation, io, transfer
from sightkit._errors import SightkitError, require_at_least
from sightkit.io.sources.sample_photos import write_sample_photos


@dataclass(frozen=True)
class Config(io.FolderFlags):
    """Advise on a way to reuse a network, with figures and reasons."""

    data: Path = Path("datasets/photos")
    """Folder of photos, or a dataset file (.h5)."""
    model: Annotated[
        str, tyro.conf.arg(metavar="NAME", help="A network that has batch normalization.")
    ] = "mobilenetv2_0.35"
    photos: int = 200
    """Number of photos to look at, drawn at random."""
    seed: int = 1
    """Seed of the draw."""
    output: Path | None = None
    """File to write the figures to as well: FILE.json."""
    overwrite: bool = False
    """Replace an existing file."""
    smoke: bool = False
    """Look at a few sample photographs where there is no such folder."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        transfer.source_of(self.model)
        require_at_least(self, photos=2)
        if self.output is not None:
            evaluation.require_file(self.output, (".json",), overwrite=self.overwrite)


def main(config: Config) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        data = config.data
        if config.smoke and not data.exists():
            data = Path(folder)
            write_sample_photos(data)
        sample = transfer.draw_sample(data, config.photos, seed=config.seed, **config.options)
    _cli.start_keras()
    if config.smoke and not transfer.weights_available(config.model, include_top=False):
        raise SightkitError(
            "A smoke run downloads nothing: the weights must be in KERAS_HOME.",
            "Leave --smoke out, and Keras fetches them.",
            model=config.model,
        )
    found = transfer.probe(sample.images, sample.labels, network=config.model)
    advice = transfer.advise(sample.total, found.similarity, classes=len(sample.class_names))
    print(f"{found}\n\n{advice}")
    result = {"probe": dataclasses.asdict(found), "advice": dataclasses.asdict(advice)}
    if config.output is not None:
        _files.write_json(config.output, result)
    return result


if __name__ == "__main__":
    _cli.run(main, Config)
