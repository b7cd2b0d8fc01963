"""Judge a trained network by images that it has not seen: a dataset file, or folders of photos.

    python scripts/evaluate.py --bundle RUN/bundle --data datasets/animals.h5 --output judged
    python scripts/evaluate.py --bundle RUN/bundle --data PHOTOS --crops 10

    python scripts/evaluate.py --bundle runs/photos/logistic/bundle --data OTHER_PHOTOS

The bundle is a whole network, or networks with a head that scripts/train_logistic.py trained.
PHOTOS holds one folder for each class, named as the network names it. The network sees each image
as it did in training. With ``--crops 10`` four corners, the centre and their mirror images are
answered in one pass and averaged, with 2 each image and its mirror image; the images are then also
judged once each, and what the crops gain is told beside what they cost. The output holds
metrics.json, report.html, confusion matrix, reliability diagram and the worst mistakes.

Images that the network was trained on are counted: the bundle knows them. Photos that cannot be
read are named, the others are judged, and the exit code is 2.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sightkit import _cli, _files, evaluation, training, transfer
from sightkit._errors import SightkitError


@dataclass(frozen=True)
class Config:
    """Judge a trained network."""

    bundle: Path = Path()
    """Folder of the network, or of networks and a head: RUN/bundle."""
    data: Path = Path()
    """Dataset file (.h5), or a folder of class folders."""
    split: str = "test"
    """Of the dataset file: test, validation or train."""
    crops: Literal[1, 2, 5, 10] = 1
    """Looks at each image, whose answers are averaged."""
    output: Path | None = None
    """Folder for numbers, pictures and report; nothing is written by default."""
    smoke: bool = False
    """Judge a network that was trained in a second, with 10 crops; the result means nothing."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        for name in ("bundle", "data"):
            if getattr(self, name) == Path() and not self.smoke:
                raise SightkitError(f"Give --{name}.", "See --help for an example.")
        if self.output is not None:
            evaluation.require_folder(self.output)


def main(config: Config) -> dict[str, Any]:
    if not config.smoke:
        return _judge(config.bundle, config.data, config)
    _cli.start_keras()
    from sightkit.training.smoke import smoke_bundles

    with tempfile.TemporaryDirectory() as scratch:
        data, (bundle,) = smoke_bundles(Path(scratch))
        return _judge(bundle, data, config, crops=10)


def _judge(folder: Path, path: Path, config: Config, *, crops: int = 0) -> dict[str, Any]:
    # What is wrong with bundle and data is told before Keras takes its seconds.
    description = training.check_bundle(folder)
    crops = crops or config.crops
    if "head" in description and crops > 1:
        raise SightkitError(
            "The looks at each image are settled where a head's features are extracted.",
            "Leave out --crops; scripts/extract_features.py takes it.",
            crops=crops,
        )
    evaluation.check_data(path, config.split, description["class_names"])
    _cli.start_keras()
    bundle = transfer.load(folder, cache=_files.user_cache("compiled"))

    def passed(views: int) -> tuple[Any, Any, float]:
        data, answer = _opened(bundle, path, config.split, views)
        watch = evaluation.Stopwatch(answer)
        found = evaluation.evaluate(watch, data.batches)
        evaluation.require_numbers(found, "of the data")
        return data, found, watch.milliseconds

    data, found, milliseconds = passed(1)
    facts: dict[str, Any] = {"crops": crops}
    gained = None
    if crops > 1:
        once, before = found, milliseconds
        data, found, milliseconds = passed(crops)
        gained = evaluation.gain(found, [once], milliseconds=milliseconds, before=before)
        facts |= {"once": once.to_metrics(), "gain": gained.to_metrics()}
    notes = [*filter(None, (*data.notes, data.warning(len(found.labels))))]
    metrics = {
        "format": evaluation.FORMAT,
        "test": evaluation.judge(found),
        **facts,
        "bundle": str(folder),
        "weights_sha256": description.get("weights_sha256"),
        "data": str(path),
        "split": config.split if path.is_file() else None,
        "trained_on": data.trained_on,
        "bad": data.bad,
        "notes": notes,
        "milliseconds": milliseconds,
    }
    print(evaluation.summary(found, metrics["test"]))
    if gained is not None:
        print(f"{crops} crops against one: {gained}.")
    for note in notes:
        print(note, file=sys.stderr)
    if config.output is not None:
        config.output.mkdir(parents=True, exist_ok=True)
        evaluation.write_judgement(config.output, found, data.batches.images, metrics)
        print(f"Numbers, pictures and report.html lie in {config.output}.")
    data.require_all(len(found.labels))
    return metrics


def _opened(bundle: Any, path: Path, split: str, views: int) -> tuple[Any, Any]:
    """The data as the bundle wants them, and what answers their batches."""
    if isinstance(bundle, transfer.FeatureClassifier):
        return transfer.open_judged(bundle, path, split=split)
    data = evaluation.open_data(
        path,
        split=split,
        chain=bundle.preprocessing,
        class_names=bundle.class_names,
        input_size=bundle.network.input_shape[1:3],
        predictor=bundle.predictor,
        views=views,
        training_rows=bundle.training_rows,
    )
    return data, evaluation.average_views(bundle.predictor)


if __name__ == "__main__":
    _cli.run(main, Config)
