"""Compare ways to features with plain logistic regression, on three sets of real photos.

    python benchmarks/transfer_accuracy.py --data ../shared/data [--ways WAY …] [--quick]

Plain is MobileNetV2-0.35, the middle crop, average pooling, standardization, logistic regression
with C chosen by cross-validation on training photos. Ten stratified divisions, 75 % for training,
the same for every way, so that differences are paired. Features are extracted once and stored. Rows
of every division go to results/transfer_accuracy.csv, means, differences and their 95 % intervals
to results/transfer_accuracy_summary.csv: the naive one of a paired t, and the one of Nadeau and
Bengio (2003), which knows that divisions of one data set share photos. With ``--ways`` or
``--only`` the rows of others in the files stay.
"""

from __future__ import annotations

import csv
import datetime
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import measure
import numpy as np

from sightkit import _cli, transfer
from sightkit._errors import SightkitError
from sightkit.experiments.differences import mean_difference

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
DATA = {"animals": "folders", "flowers17": "folders", "dogs-vs-cats": "names"}
PLAIN = "MobileNetV2-0.35"


@dataclass(frozen=True)
class View:
    """One feature file: a network, cut, looking once or several times."""

    model: str
    crops: int = 1
    layer: str | None = None
    precision: str = "float32"

    @property
    def file(self) -> str:
        layer = f"-{self.layer}" if self.layer else ""
        precision = f"-{self.precision}" if self.precision != "float32" else ""
        return f"{self.model}{layer}-{self.crops}{precision}.h5"


V2, V1, SMALL, SQUEEZE = "mobilenetv2_0.35", "mobilenet_0.75", "mobilenet_0.25", "squeezenet"
EARLIER = "block_15_add"
WAYS: dict[str, tuple[View, ...]] = {
    PLAIN: (View(V2),),
    "in bfloat16": (View(V2, precision="bfloat16"),),
    "+ mirror image": (View(V2, 2),),
    "+ ten crops": (View(V2, 10),),
    "an earlier layer": (View(V2, 1, EARLIER),),
    "two layers side by side, mirror": (View(V2, 2), View(V2, 2, EARLIER)),
    "SqueezeNet 1.1": (View(SQUEEZE),),
    "SqueezeNet 1.1, mirror": (View(SQUEEZE, 2),),
    "SqueezeNet 1.1, ten crops": (View(SQUEEZE, 10),),
    "MobileNet-0.75": (View(V1),),
    "MobileNet-0.75, mirror": (View(V1, 2),),
    "V2 + MobileNet-0.75": (View(V2), View(V1)),
    "V2 + MobileNet-0.75, mirror": (View(V2, 2), View(V1, 2)),
    "V2 + MobileNet-0.75, ten crops": (View(V2, 10), View(V1, 10)),
    "all four networks, mirror": (View(V2, 2), View(V1, 2), View(SMALL, 2), View(SQUEEZE, 2)),
}


@dataclass(frozen=True)
class Config:
    """Compare ways to features by their accuracy."""

    data: Path = Path("../shared/data")
    """Folder with animals, flowers17 and dogs-vs-cats; KERAS_HOME must hold the weights."""
    cache: Path = Path("runs/transfer_accuracy")
    """Folder of the features."""
    output: Path = RESULTS
    """Where the two CSV files go."""
    splits: int = 10
    """Divisions into training and test photos."""
    only: tuple[str, ...] = ()
    """Data sets, if not all three."""
    ways: tuple[str, ...] = ()
    """Ways, if not all of them; the plain one, which they are held against, is always made."""
    quick: bool = False
    """Two divisions, three ways, written to the cache: a smoke test."""

    def __post_init__(self) -> None:
        if unknown := set(self.only) - set(DATA):
            raise SightkitError(f"--only takes {', '.join(DATA)}.", only=sorted(unknown))
        if unknown := set(self.ways) - set(WAYS):
            raise SightkitError(f"--ways takes {'; '.join(WAYS)}.", ways=sorted(unknown))
        if self.quick:
            object.__setattr__(self, "splits", 2)
            object.__setattr__(self, "output", self.cache)


def main(config: Config) -> list[dict[str, Any]]:
    _cli.start_keras()
    file = config.output / "transfer_accuracy.csv"
    requested = config.ways or list(WAYS)[: 3 if config.quick else None]
    ways = {way: WAYS[way] for way in dict.fromkeys((PLAIN, *requested))}
    rows = [] if config.quick else _other_rows(file, set(config.only or DATA), set(ways))
    for name in config.only or DATA:
        for way, views in ways.items():
            features = transfer.open_features([_extract(config, name, view) for view in views])
            start = time.perf_counter()
            found = [_accuracy(features, seed) for seed in range(config.splits)]
            for seed, (accuracy, strength, trained) in enumerate(found):
                row = {"data": name, "way": way, "split": seed, "accuracy": round(accuracy, 6)}
                rows.append({**row, "C": strength, "training": trained})
            mean = 100 * np.mean([accuracy for accuracy, _, _ in found])
            print(f"{name:13} {way:34} {mean:6.2f} %  {time.perf_counter() - start:5.1f} s")
        rows.sort(key=_position)
        measure.write_csv(file, rows)
    summary = summarised(rows)
    measure.write_csv(config.output / "transfer_accuracy_summary.csv", summary)
    for row in summary:
        naive = f"[{row['naive_low']:+5.2f}, {row['naive_high']:+5.2f}]"
        corrected = f"[{row['corrected_low']:+5.2f}, {row['corrected_high']:+5.2f}]"
        print(
            f"{row['data']:13} {row['way']:34} {row['mean']:6.2f} ± {row['sd']:4.2f}   "
            f"{row['difference']:+5.2f}  naive {naive}  corrected {corrected}"
        )
    return summary


def _position(row: dict[str, Any]) -> tuple[int, int, int]:
    return list(DATA).index(row["data"]), list(WAYS).index(row["way"]), int(row["split"])


def _other_rows(file: Path, data: set[str], ways: set[str]) -> list[dict[str, Any]]:
    """The rows of the file that are not made anew."""
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as opened:
        found = list(csv.DictReader(opened))
    kept = [row for row in found if row["data"] not in data or row["way"] not in ways]
    return [{**row, "accuracy": float(row["accuracy"])} for row in kept]


def summarised(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each data set and way: mean, and the paired difference to the plain way, in %."""
    facts = {
        "date": datetime.date.today().isoformat(),
        "keras": metadata.version("keras"),
        "scikit-learn": metadata.version("scikit-learn"),
        "python": platform.python_version(),
    }
    table: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        table.setdefault((row["data"], row["way"]), []).append(row)
    summary = []
    for (name, way), found in table.items():
        values = 100 * np.array([row["accuracy"] for row in found])
        plain = 100 * np.array([row["accuracy"] for row in table[name, PLAIN]])
        difference = values - plain
        count = len(values)
        mean, *naive = mean_difference(difference.tolist())
        # Test over training photos: a quarter over three quarters.
        _, *corrected = mean_difference(difference.tolist(), 1 / 3)
        numbers = {
            "mean": float(values.mean()),
            "sd": float(values.std(ddof=1)),
            "difference": mean,
            "naive_low": naive[0],
            "naive_high": naive[1],
            "corrected_low": corrected[0],
            "corrected_high": corrected[1],
        }
        rounded = {key: round(float(value), 3) for key, value in numbers.items()}
        summary.append({"data": name, "way": way, "splits": count, **rounded, **facts})
    return summary


def _accuracy(features: transfer.Features, seed: int) -> tuple[float, float, int]:
    """Return accuracy of a head trained on three quarters of the photos; C; number of those."""
    from sklearn.model_selection import train_test_split

    rows = features.order
    train, test = train_test_split(
        np.arange(len(rows)), test_size=0.25, random_state=seed, stratify=features.labels[rows]
    )
    train, test = rows[np.sort(train)], rows[np.sort(test)]
    fitted = transfer.fit_head(
        "logistic", features.take(train), features.labels[train], features.class_names
    )
    answers = fitted.head.predict_proba(features.take(test)).argmax(axis=1)
    return float((answers == features.labels[test]).mean()), float(fitted.chosen or 0), len(train)


def _extract(config: Config, name: str, view: View) -> Path:
    path = config.cache / name / view.file
    if not path.exists():
        folder = config.data / name
        folder = folder / "train" if name == "dogs-vs-cats" else folder
        network = transfer.open_network(view.model, layer=view.layer, crops=view.crops)
        photos = transfer.open_photos(folder, layout=DATA[name])
        transfer.extract_features(network, photos, path, precision=view.precision)
    return path


if __name__ == "__main__":
    _cli.run(main, Config)
