"""List the photos whose label is most likely wrong, by heads that were not trained on them.

    python scripts/extract_features.py --data PHOTOS --output features.h5
    python scripts/suspicious_labels.py --features features.h5 --output suspicious.csv

Of 5 % labels that were made wrong on purpose, four in five or more are found among the tenth that
is doubted most (animals, flowers). Nothing is changed: look at the photos from the top of the list.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _csv, evaluation, io, transfer
from sightkit._errors import SightkitError, visible


@dataclass(frozen=True)
class Config:
    """List photos whose label may be wrong."""

    features: tuple[Path, ...] = ()
    """Feature files that scripts/extract_features.py wrote."""
    key: tuple[str, ...] = ()
    """Path of the features in the files, where they are in groups: vgg16/features."""
    output: Path = Path("suspicious.csv")
    """List to write: all photos, the most doubtful first."""
    overwrite: bool = False
    """Replace an existing file."""
    folds: int = 5
    """Number of folds, each held out once."""
    groups: str | None = None
    """Photos that stay in one fold: ``parent`` (those of a folder),
    ``prefix:REGEX`` (whose names begin with the same match), or a CSV file (image, group)."""
    show: int = 20
    """Number of photos to print."""
    smoke: bool = False
    """Take the features of scripts/extract_features.py --smoke."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.smoke and not self.features:
            object.__setattr__(self, "features", (Path("runs/smoke/features.h5"),))
        if self.smoke and self.output == type(self).output:
            object.__setattr__(self, "overwrite", True)
        if not self.features:
            raise SightkitError("Name the features.", "Give --features features.h5.")
        if self.groups is not None:
            io.Grouping(self.groups)
        evaluation.require_file(self.output, (".csv",), overwrite=self.overwrite)


def main(config: Config) -> list[dict[str, Any]]:
    features = transfer.open_features(config.features, config.key)
    found = transfer.suspicious_labels(features, folds=config.folds, groups=config.groups)
    _csv.write_csv(config.output, found)
    wrong = sum(one["doubt"] > 0 for one in found)
    if wrong and config.show:
        print("doubt: probability of the other class less that of the label")
    for one in found[: min(config.show, wrong)]:
        text = f"{one['doubt']:.3f}  {one['photo']}: {one['label']}, rather {one['suggested']}"
        print(visible(text))
    print(
        f"{wrong:,} of {len(found):,} labels are not what a head predicts that was not trained on "
        f"the photo; all are listed in {config.output}."
    )
    return found


if __name__ == "__main__":
    _cli.run(main, Config)
