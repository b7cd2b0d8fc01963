"""Extract features of photos by a pretrained network: one HDF5 file for any head.

    python scripts/extract_features.py --model mobilenetv2_0.35 --data PHOTOS --output features.h5
    python scripts/train_logistic.py --features features.h5 --output runs/photos/logistic

The network is cut at a layer (by default its last feature maps) and brings its own preprocessing. A
run that was stopped continues when the same command is given again; where photos were added to the
folder since, they are added to the file. A folder may hold photos without classes. Photos that
cannot be read are counted, reported and listed beside the file; more than ``--max-bad`` of them are
an error. Where OpenVINO is installed (extra fast) the network is compiled once and saved in
~/.cache/sightkit/compiled, which may always be deleted; from then on Keras is not started.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from sightkit import _cli, _files, inference, io, transfer
from sightkit._errors import SightkitError
from sightkit.io.arguments import share


@dataclass(frozen=True)
class Config(io.FolderFlags):
    """Write the features of photos to a file."""

    model: Annotated[
        str,
        tyro.conf.arg(
            metavar="NAME", help=f"Network: {', '.join(transfer.names())}; or RUN/bundle."
        ),
    ] = "mobilenetv2_0.35"
    data: Path | None = None
    """Folder of photos (PHOTOS/CLASS/1.jpg), or a file that scripts/build_*.py wrote."""
    output: Path = Path("features.h5")
    """Feature file to write."""
    layer: str | None = None
    """Layer whose output is taken; the last one with height and width by default."""
    pool: Literal["avg", "flatten"] = "avg"
    """Mean over height and width of the layer's output, or all of it."""
    crops: Literal[1, 2, 10] = 1
    """Views whose features are averaged: the middle; also mirrored; five crops, both ways round."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the network; the features are float32 either way."""
    engine: Literal["auto", "keras", "openvino", "folded"] = "auto"
    """Engine; by default OpenVINO where it is installed, else the fastest for so many photos."""
    max_bad: float = 0.05
    """Share of photos that may be left out (unreadable, hidden, without a class); listed."""
    groups: str | None = None
    """Photos that belong together, stored for splits and folds: ``parent`` (those of a folder),
    ``prefix:REGEX`` (whose names begin with the same match), or a CSV file (image, group)."""
    random_weights: bool = False
    """Use a network of the zoo with random weights, for comparison."""
    overwrite: bool = False
    """Replace an existing file."""
    smoke: bool = False
    """Take random weights where no network is named, and two dozen pictures where no data are."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.smoke:
            if self.model == type(self).model:
                object.__setattr__(self, "model", "minivggnet")
                object.__setattr__(self, "random_weights", True)
            if self.output == type(self).output:
                object.__setattr__(self, "output", Path("runs/smoke/features.h5"))
                object.__setattr__(self, "overwrite", True)
        elif self.data is None:
            raise SightkitError("Name the photos.", "Give --data FOLDER_OR_H5.")
        share("max_bad", self.max_bad)
        inference.check_engine(self.engine, self.precision)
        transfer.check_network(
            self.model, pool=self.pool, crops=self.crops, random=self.random_weights
        )
        if self.groups is not None:
            io.Grouping(self.groups)
        io.check_place(self.output)

    @property
    def by_form(self) -> bool:
        """Return whether OpenVINO may answer by the form that the last extraction has saved."""
        return self.engine in ("auto", "openvino") and self.precision == "float32"


def main(config: Config) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        data = config.data
        if data is None:
            io.write_sample_photos(Path(scratch))
            data = Path(scratch)
        cache = _files.user_cache("compiled")
        photos = transfer.open_photos(data, groups=config.groups, **config.options)
        network = transfer.open_network(
            config.model,
            layer=config.layer,
            pool=config.pool,
            crops=config.crops,
            random=config.random_weights,
            cache=cache if config.by_form else None,
        )
        features = transfer.extract_features(
            network,
            photos,
            config.output,
            overwrite=config.overwrite,
            engine=config.engine,
            precision=config.precision,
            cache=cache,
            max_bad=config.max_bad,
        )
    count, dimensions = features.shape
    print(
        f"{count:,} photos in {len(features.class_names)} classes, {dimensions:,} features each "
        f"({transfer.describe_network(network.identity)})\n{config.output}"
    )
    return {"photos": count, "dimensions": dimensions, "left_out": features.files[0].left_out}


if __name__ == "__main__":
    _cli.run(main, Config)
