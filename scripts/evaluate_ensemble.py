"""Evaluate an ensemble: each member, their average and votes, and the gain for the cost.

    python scripts/evaluate_ensemble.py runs/ensembles/train_lenet_digits
    python scripts/evaluate_ensemble.py RUN_1/bundle RUN_2/bundle RUN_3/bundle --data data.h5

The members' probabilities are averaged, or each member has one vote; of a boosted ensemble
(``ensemble.py --boosting``) both are weighted by the members' votes. The loss of the average is
never above the mean of the members' losses (Jensen's inequality): a line shows both. The gain over
the mean of the members is reported with its interval, and for each extra millisecond an image. The
line "weights averaged" is one network, whose weights are the mean of the members': worth trying for
snapshots of one training, and almost never for networks that were trained apart. Members whose
class lists or preprocessing differ are refused.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, evaluation, inference, io, training
from sightkit._errors import SightkitError
from sightkit.experiments import ledger, scripts
from sightkit.experiments.ensemble import find_members, find_votes


@dataclass(frozen=True)
class Config(io.LinkFlags):
    """Evaluate several networks that answer as one."""

    members: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """The folder that ensemble.py wrote, or the bundles of the members."""
    data: Path | None = None
    """Dataset file (.h5) or folder of class folders; an ensemble's own data by default."""
    split: str = "test"
    """Split of the dataset file: test, validation, train or another of its names."""
    exclude: tuple[str, ...] = ()
    """Classes of a folder, or folders in it, to leave out; or patterns, also of files."""
    output: Path | None = None
    """Folder for numbers, pictures and report; nothing is written by default."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if not self.members:
            raise SightkitError(
                "Name an ensemble or its members.", "For example runs/ensembles/train_lenet_digits."
            )
        if self.output is not None:
            evaluation.require_folder(self.output)


def main(config: Config) -> dict[str, Any]:
    # Errors of members and data are reported before Keras takes its seconds.
    folders, path = find_members(config.members, config.data)
    described = {
        name: training.check_bundle(folder, training.ALONE) for name, folder in folders.items()
    }
    evaluation.require_alike(described)
    votes = find_votes(config.members, [*folders.values()])
    class_names = next(iter(described.values()))["class_names"]
    options = {"exclude": config.exclude, "follow_links": config.follow_links}
    images = evaluation.check_data(path, config.split, class_names, **options)
    _cli.start_keras()
    scripts.expect_several_networks()
    bundles = {
        name: training.load_bundle(folder, images=images) for name, folder in folders.items()
    }
    networks = [*bundles.values()]
    data = evaluation.open_data(path, *networks, split=config.split, **options)
    # Averages of batch normalization are measured anew, where there are training images.
    known = path.is_file() and "train" in io.DatasetFile.open(path).splits
    train = evaluation.open_data(path, *networks, split="train").batches if known else None
    averaged = None
    with contextlib.suppress(SightkitError):  # members that are built differently have no average
        averaged = training.average_networks([each.network for each in networks], train)
    ensemble = evaluation.evaluate_ensemble(
        {name: bundle.predictor for name, bundle in bundles.items()},
        data.batches,
        averaged_weights=averaged and inference.compile(averaged, images=images),
        weights=votes,
    )
    print(ensemble)
    facts = {
        **ensemble.to_metrics(),
        "bundles": {k: str(folder.resolve()) for k, folder in folders.items()},
    }

    def record(metrics: dict[str, Any]) -> None:
        ledger.record_evaluation("evaluate_ensemble", metrics, path, config.split)

    members = list(ensemble.members.values())
    together = {"members": members, "weights": votes}
    return evaluation.report_data(
        ensemble.average, data, facts, output=config.output, **together, record=record
    )


if __name__ == "__main__":
    _cli.run(main, Config)
