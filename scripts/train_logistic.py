"""Logistic regression, or another head, on features: the best accuracy for the least work.

    python scripts/extract_features.py --model mobilenetv2_0.35 --data PHOTOS --output features.h5
    python scripts/train_logistic.py --features features.h5 --output runs/photos/logistic
    python scripts/predict.py --bundle runs/photos/logistic/bundle PHOTO.jpg

C is chosen by cross-validation on the training photos; the head is evaluated once, at the end, on
the test photos (the file's own split, else a quarter). Several feature files of the same photos are
put side by side. Expected with MobileNetV2-0.35: 96 % on 359 cats, dogs and pandas, in seconds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from sightkit import _cli, io, training, transfer
from sightkit._errors import SightkitError
from sightkit.experiments import ledger


@dataclass(frozen=True)
class Config(training.RunConfig):
    """Train a head on features."""

    features: tuple[Path, ...] = ()
    """Feature files that scripts/extract_features.py wrote."""
    key: tuple[str, ...] = ()
    """Path of the features in the files, where they are in groups: vgg16/features."""
    output: Path = Path("runs/train_logistic/default")
    """Folder of the run."""
    head: Literal[
        "logistic", "softmax", "svm", "squared_svm", "knn", "random_forest", "adaboost"
    ] = "logistic"
    """Kind of the classifier."""
    multiclass: Literal["multinomial", "ovr", "ovo"] | None = None
    """One-vs-rest, one-vs-one, or all classes at once, where the head can."""
    strengths: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    """Values of C to choose from; the larger, the less is regularised."""
    folds: int = 3
    """Number of folds of the training photos, each held out once."""
    test_fraction: float = 0.25
    """Share of test photos, where the features have no test split."""
    split: str = "test"
    """Split of the features that is tested; train and validation are trained on, and no other."""
    split_seed: int = 42
    """Seed of the division into training and test photos."""
    groups: str | None = None
    """Photos that stay in one part, of the split and of the folds: ``parent`` (those of a folder),
    ``prefix:REGEX`` (whose names begin with the same match), or a CSV file (image, group)."""
    seed: int = 0
    """Seed of random forest, AdaBoost and SVM."""
    overwrite: bool = False
    """Replace the run in the output folder."""
    smoke: bool = False
    """Take the features of scripts/extract_features.py --smoke, where none are named."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.smoke and not self.features:
            object.__setattr__(self, "features", (Path("runs/smoke/features.h5"),))
        if self.smoke and self.output == type(self).output:
            object.__setattr__(self, "output", self.output.with_name("smoke"))
            object.__setattr__(self, "overwrite", True)
        if not self.features:
            raise SightkitError("Name the features.", "Give --features features.h5.")
        if self.groups is not None:
            io.Grouping(self.groups)
        transfer.check_head(self.head, self.multiclass, self.strengths)

    def settings(self) -> transfer.HeadSettings:
        """Return how the head is trained."""
        names = {field.name for field in fields(transfer.HeadSettings)}
        return transfer.HeadSettings(**{k: v for k, v in vars(self).items() if k in names})


def main(config: Config) -> dict[str, Any]:
    # 1. Features, checked; the folder, taken.
    features = transfer.open_features(config.features, config.key)
    with training.Run.open(config, experiment="train_logistic") as run:
        # 2. Enough photos for each fold, and the networks of the bundle available: before any work.
        rows = transfer.head_rows(features, config.settings())
        _cli.start_keras()
        networks = transfer.networks_of(features)
        transfer.require_space(run.folder, networks)

        # 3. Choose, fit, and evaluate once.
        found = transfer.train_head(features, config.settings(), rows)
        print(transfer.describe_head(found))

        # 4. Write the report, then networks and head as one bundle. An overwritten run is deleted
        # at the end of this block; interrupted before, it comes back.
        transfer.write_head_run(run, found)
        bundle = transfer.save_feature_classifier(
            run.path("bundle"),
            networks,
            features,
            found.fitted.head,
            metrics=found.metrics,
            settings=asdict(config.settings()),
            distance=found.distance,
            training_rows=found.training_rows,
        )
        run.tidy()
    if not config.smoke:
        ledger.record_run(run.folder)
    training.compile_ahead(transfer.load, bundle)
    print(run.describe())
    return found.metrics


if __name__ == "__main__":
    _cli.run(main, Config)
