"""Evaluate a trained network on images that it has not seen: a dataset file, or folders of photos.

    python scripts/evaluate.py --bundle RUN/bundle --data datasets/animals.h5 --output evaluation
    python scripts/evaluate.py --bundle RUN/bundle --data PHOTOS --crops 10
    python scripts/evaluate.py --bundle runs/photos/logistic/bundle --data OTHER_PHOTOS

The bundle is a network, or networks with a head that scripts/train_logistic.py trained. PHOTOS
holds one folder for each class, named as the network names it; classes that it lacks have no
recall. The network sees each image as it did in training. With ``--crops 10`` four corners, the
centre and their mirror images are averaged, with 2 each image and its mirror image, and the gain
over one view is reported beside its cost. The output holds metrics.json, report.html, confusion
matrix, reliability diagram and the worst mistakes. Images that the network was trained on are
counted: the bundle knows them. Photos that cannot be read are named, the others are evaluated, and
the exit code is 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sightkit import _cli, _files, evaluation, io, training, transfer, zoo
from sightkit._errors import SightkitError
from sightkit.experiments import ledger


@dataclass(frozen=True)
class Config(io.LinkFlags):
    """Evaluate a trained network."""

    bundle: Path
    """Folder of the network, or of networks and a head: RUN/bundle."""
    data: Path
    """Dataset file (.h5), or a folder of class folders."""
    split: str = "test"
    """Split of the dataset file: test, validation, train or another of its names."""
    exclude: tuple[str, ...] = ()
    """Classes of a folder, or folders in it, to leave out; or patterns, also of files."""
    crops: Literal[1, 2, 5, 10] = 1
    """Views of each image, whose answers are averaged."""
    output: Path | None = None
    """Folder for numbers, pictures and report; nothing is written by default."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.output is not None:
            evaluation.require_folder(self.output)


def main(config: Config) -> dict[str, Any]:
    # Errors of bundle and data are reported before Keras takes its seconds.
    description = training.check_bundle(config.bundle)
    if "head" in description and config.crops > 1:
        raise SightkitError(
            "A head's views are chosen where its features are extracted.",
            "Leave out --crops; scripts/extract_features.py takes it.",
            crops=config.crops,
        )
    names = description["class_names"]
    options = {"exclude": config.exclude, "follow_links": config.follow_links}
    count = evaluation.check_data(config.data, config.split, names, **options)
    if config.data.is_file():
        _cli.start_keras()  # a dataset file is read by a generator of Keras
    bundle = transfer.load(
        config.bundle, images=count * sum({1, config.crops}), cache=_files.user_cache("compiled")
    )
    facts = {
        "bundle": str(config.bundle.resolve()),
        "weights_sha256": description.get("weights_sha256"),
    }
    opened = [
        transfer.open_for_evaluation(
            bundle, config.data, split=config.split, views=views, **options
        )
        for views in sorted({1, config.crops})
    ]
    found = [evaluation.evaluate(predictor, data.batches, timed=True) for data, predictor in opened]
    if config.crops > 1:
        gain = evaluation.gain(found[1], found[:1])
        facts |= {"once": found[0].to_metrics(), "gain": gain.to_metrics()}
        print(f"{config.crops} crops against one: {gain}.")
    facts["crops"] = config.crops

    def record(metrics: dict[str, Any]) -> None:
        origin = description.get("network")
        network = zoo.name_of(origin) if origin else ""
        ledger.record_evaluation("evaluate", metrics, config.data, config.split, network=network)

    return evaluation.report_data(
        found[-1], opened[-1][0], facts, output=config.output, record=record
    )


if __name__ == "__main__":
    _cli.run(main, Config)
