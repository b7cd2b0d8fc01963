"""Classify image files by a trained network: the five most probable classes of each.

    python scripts/predict.py --bundle runs/lenet_digits/default/bundle PHOTO.jpg …
    python scripts/predict.py --bundle runs/photos/logistic/bundle FOLDER --output answers.csv
    python scripts/predict.py --bundle runs/photos/logistic/bundle --watch FOLDER

The bundle is a network, or networks with a head that scripts/train_logistic.py trained.
It brings its own preprocessing, so that any image file will do. Where OpenVINO is installed (extra
fast) the network is compiled once, in about ten seconds, and saved in ~/.cache/sightkit/compiled,
which may always be deleted; from then on a picture takes half a second. Without it Keras starts,
which takes some seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, _files, evaluation, io, training, transfer
from sightkit._errors import SightkitError, few, require_at_least
from sightkit._scripts import warn

MANY = 1_000_000
"""Photos that the network is compiled for where they come one by one: any engine pays."""


@dataclass(frozen=True)
class Config(io.LinkFlags):
    """Print the most probable classes of image files."""

    images: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Image files (JPEG, PNG, WebP, BMP, TIFF, GIF, …), or folders of them."""
    bundle: Path
    """Folder of a trained network, or of networks and a head: RUN/bundle."""
    top: int = 5
    """Number of classes shown for a picture."""
    threshold: float = 0.0
    """Probability of the best class below which the answer is "none of these". Photos of other
    things are often above it: see --reject."""
    reject: float | None = None
    """Answer "none of these" to photos unlike the training photos: share of photos of its own
    classes that may be lost so, 0.05 for example. For networks with a head."""
    watch: Path | None = None
    """Answer each photo that comes into this folder, from now on, until Ctrl-C."""
    output: Path | None = None
    """File to write the answers to as well: FILE.json or FILE.csv; with --watch FILE.jsonl, which
    grows by a line a photo."""
    overwrite: bool = False
    """Replace an existing file."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, top=1)
        if not 0 <= self.threshold <= 1 or not (self.reject is None or 0 < self.reject < 1):
            raise SightkitError(
                "--threshold must be a probability, and --reject a share, between 0 and 1.",
                "Give --reject 0.05: of photos of its own classes one in twenty is lost.",
                threshold=self.threshold,
                reject=self.reject,
            )
        if not self.images and self.watch is None:
            raise SightkitError(
                "Name at least one image file or folder, or one to --watch.",
                "For example photo.jpg.",
            )
        if self.images and self.watch is not None:
            raise SightkitError(
                "Photos are named, or a folder is watched: one of them.",
                "Leave out the photos, or --watch.",
                images=few(list(map(str, self.images))),
                watch=str(self.watch),
            )
        if self.watch is not None:
            evaluation.require_watchable(self.watch, self.output)
        elif self.output is not None:
            evaluation.require_file(self.output, (".json", ".csv"), overwrite=self.overwrite)


def main(config: Config) -> dict[str, Any]:
    # Errors of bundle and files are reported before the network is loaded.
    description = training.check_bundle(config.bundle)
    if config.reject is not None and training.DISTANCE not in description["files"]:
        raise SightkitError(
            "--reject needs networks with a head, which know how far photos are from its classes.",
            "Train one with scripts/train_logistic.py, or give --threshold.",
            bundle=str(config.bundle),
        )
    if (config.threshold or config.reject) and evaluation.NONE in description["class_names"]:
        raise SightkitError(
            f'With --threshold or --reject no class may be called "{evaluation.NONE}".',
            bundle=str(config.bundle),
        )
    links: dict[str, Any] = {"follow_links": config.follow_links}
    if config.watch is None:
        photos = evaluation.PhotoFolder(config.images, **links)
        count, answer = len(photos.files), partial(evaluation.predict_photos, photos=photos)
    else:
        count, answer = MANY, partial(evaluation.watch_photos, folder=config.watch, **links)
    bundle = transfer.load(config.bundle, images=count, cache=_files.user_cache("compiled"))
    distance = getattr(bundle, "distance", None)
    if config.threshold and distance is not None:
        warn(
            f"--threshold {config.threshold:g}: {100 * distance.lost_below(config.threshold):.1f} "
            "% of the training photos were below it, held out; photos of other things may be above "
            "it (--reject recognizes them by their features)."
        )
    options: dict[str, Any] = {
        name: getattr(config, name)
        for name in ("top", "threshold", "reject", "output", "overwrite")
    }
    return answer(bundle, **options)


if __name__ == "__main__":
    _cli.run(main, Config)
