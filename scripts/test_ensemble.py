"""Judge an ensemble: each member, their average and their votes, and what they gain for their cost.

    python scripts/test_ensemble.py runs/ensembles/train_lenet_digits
    python scripts/test_ensemble.py RUN_1/bundle RUN_2/bundle RUN_3/bundle --data data.h5

The members' probabilities are averaged, or each member has one vote. The loss of the average is
never above the mean of the members' losses (Jensen's inequality): a line says both. The gain over
the mean of the members is told with its interval, and for each extra millisecond an image. The line
"weights averaged" is one network, whose weights are the mean of the members': worth trying for
snapshots of one training, and almost never for networks that were trained apart.

Members whose class lists or preprocessing differ are refused.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, _run_files, evaluation, io, training
from sightkit._errors import SightkitError
from sightkit.experiments import scripts


@dataclass(frozen=True)
class Config:
    """Judge several networks that answer as one."""

    members: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """The folder that ensemble.py wrote, or the bundles of the members."""
    data: Path | None = None
    """Dataset file (.h5) or folder of class folders; an ensemble's own data by default."""
    split: str = "test"
    """Of the dataset file: test, validation or train."""
    output: Path | None = None
    """Folder for numbers, pictures and report; nothing is written by default."""
    smoke: bool = False
    """Judge three networks that were trained in a second; the result means nothing."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if not self.members and not self.smoke:
            raise SightkitError(
                "Name an ensemble or its members.", "For example runs/ensembles/train_lenet_digits."
            )
        if self.output is not None:
            evaluation.require_folder(self.output)


def main(config: Config) -> dict[str, Any]:
    if config.smoke:
        _cli.start_keras()
        from sightkit.training.smoke import smoke_bundles

        with tempfile.TemporaryDirectory() as scratch:
            data, bundles = smoke_bundles(Path(scratch), 3)
            return _judge({path.name: path for path in bundles}, data, config)
    bundles, data = _members(config)
    if data is None:
        raise SightkitError("Name what the members are judged by.", "Give --data FILE_OR_FOLDER.")
    return _judge(bundles, data, config)


def _judge(folders: dict[str, Path], path: Path, config: Config) -> dict[str, Any]:
    # What is wrong with members and data is told before Keras takes its seconds.
    found = {
        name: training.check_bundle(folder, (training.NETWORK,)) for name, folder in folders.items()
    }
    evaluation.require_alike(found)
    evaluation.check_data(path, config.split, next(iter(found.values()))["class_names"])
    _cli.start_keras()
    scripts.expect_several_networks()
    bundles = [training.load_bundle(folder) for folder in folders.values()]
    data = _open(bundles, path, config)
    watches = [evaluation.Stopwatch(bundle.predictor) for bundle in bundles]
    members = evaluation.evaluate_members(watches, data.batches)
    for name, member in zip(folders, members, strict=True):
        evaluation.require_numbers(member, f"that {name} was asked about")
    each = [watch.milliseconds for watch in watches]
    average, votes = (
        evaluation.combined(members, how) for how in (evaluation.mean_answer, evaluation.vote)
    )
    rows = [
        {"name": name, **member.to_metrics(), "milliseconds": cost}
        for name, member, cost in zip(folders, members, each, strict=True)
    ]
    keys = ("rank1", "loss", "milliseconds")
    mean = {key: sum(row[key] for row in rows) / len(rows) for key in keys}
    rows += [
        {"name": "mean of members", **mean},
        {"name": "answers averaged", **average.to_metrics(), "milliseconds": sum(each)},
        {"name": "votes", **votes.to_metrics(), "loss": None, "milliseconds": sum(each)},
        _averaged_weights(bundles, data, path, config),
    ]
    answers = [member.probabilities for member in members]
    losses = evaluation.jensen(answers, average.labels)
    gained = evaluation.gain(average, members, milliseconds=sum(each), before=mean["milliseconds"])
    print(_table(rows))
    print(
        f"\nJensen: loss of the average {losses.ensemble:.4f} {'<=' if losses.holds else '>'} "
        f"{losses.members:.4f}, the mean of the members' losses."
    )
    print(f"The average against the mean of the members: {gained}.")
    for note in filter(None, (*data.notes, data.warning(len(average.labels)))):
        print(note, file=sys.stderr)
    metrics = {
        "format": evaluation.FORMAT,
        "test": evaluation.judge(average),
        "ensemble": [row for row in rows if row],
        "jensen": {"ensemble": losses.ensemble, "members": losses.members, "holds": losses.holds},
        "gain": gained.to_metrics(),
        "bundles": {name: str(folder) for name, folder in folders.items()},
        "data": str(path),
        "split": config.split if path.is_file() else None,
        "trained_on": data.trained_on,
        "bad": data.bad,
    }
    if config.output is not None:
        config.output.mkdir(parents=True, exist_ok=True)
        evaluation.draw_ensemble(members, each, config.output / _run_files.ENSEMBLE)
        evaluation.write_judgement(config.output, average, data.batches.images, metrics)
        print(f"Numbers, pictures and report.html lie in {config.output}.")
    data.require_all(len(average.labels))
    return metrics


def _members(config: Config) -> tuple[dict[str, Path], Path | None]:
    """Bundles by name, and the data."""
    from sightkit.experiments.ensemble import read_ensemble

    if len(config.members) > 1:
        return {str(path): path for path in config.members}, config.data
    folder = next(iter(config.members))
    found = read_ensemble(folder)
    bundles = {Path(name).parts[0]: folder / name for name in found["members"]}
    missing = [name for name, bundle in bundles.items() if not bundle.is_dir()]
    if missing:
        raise SightkitError(
            "All members must be trained first.",
            "Give ensemble.py its command again: it continues.",
            missing=missing,
        )
    return bundles, config.data or Path(found["data"])


def _open(bundles: list[Any], path: Path, config: Config) -> Any:
    lists = [bundle.training_rows for bundle in bundles]
    return evaluation.open_data(
        path,
        split=config.split,
        chain=bundles[0].preprocessing,
        class_names=bundles[0].class_names,
        input_size=bundles[0].network.input_shape[1:3],
        predictor=bundles[0].predictor,
        training_rows=None if None in lists else io.Manifest.joined(lists),
    )


def _averaged_weights(bundles: list[Any], data: Any, path: Path, config: Config) -> dict[str, Any]:
    """A row for the mean of the members' weights; empty where they are built differently."""
    from sightkit import inference

    train = None
    if path.is_file() and "train" in io.DatasetFile.open(path).splits:
        train = _open(bundles, path, dataclasses.replace(config, split="train")).batches
    try:
        network = training.average_networks([bundle.network for bundle in bundles], train)
    except SightkitError:
        return {}
    watch = evaluation.Stopwatch(inference.compile(network))
    asked = evaluation.evaluate(watch, data.batches)
    return {
        "name": "weights averaged",
        **asked.to_metrics(),
        "milliseconds": watch.milliseconds,
    }


def _table(rows: list[dict[str, Any]]) -> str:
    width = max(len(row["name"]) for row in rows if row)
    lines = [f"{'':<{width}}  rank-1, %    loss  ms an image"]
    for row in filter(None, rows):
        loss = "–" if row["loss"] is None else f"{row['loss']:.4f}"
        lines.append(
            f"{row['name']:<{width}}  {100 * row['rank1']:9.2f}  {loss:>6}  "
            f"{row['milliseconds']:11.4f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    _cli.run(main, Config)
