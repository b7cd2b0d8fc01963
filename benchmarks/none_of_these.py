"""Compare ways to answer "none of these" to photos of something else, on features of real photos.

    python benchmarks/none_of_these.py --data ../shared/data [--seeds 5]

A head is trained on three quarters of one set of photos; each way's limit is set on these photos
alone, held out, so that 4 % of them would be lost. Counted are the photos of the other quarter that
are lost, and those of another set that are refused. Ways: the head's best probability, energy (Liu
et al. 2020), the distance from the fifth nearest training photo (Sun et al. 2022, features of unit
length), Mahalanobis' with one covariance (Lee et al. 2018), and what bundles of heads hold: the
angle to the nearest class mean. Rows go to results/none_of_these.csv.
"""

from __future__ import annotations

import datetime
import platform
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _cli, _csv, _files, transfer

ROOT = Path(__file__).parents[1]
PAIRS = (
    ("animals", "flowers17"),
    ("animals", "tiny-imagenet-mini/train"),
    ("flowers17", "animals"),
    ("flowers17", "dogs-vs-cats/train"),
)
LAYOUTS = {"dogs-vs-cats/train": "names"}
LOST, NEIGHBOUR, FOLDS = 0.04, 5, 5

Distance = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Config:
    """Measure how many photos of something else are refused, and how many of the own are lost."""

    data: Path = ROOT.parent / "shared" / "data"
    """Folder of the sets."""
    model: str = "mobilenetv2_0.35"
    """Network of the features."""
    seeds: int = 5
    """Number of divisions."""
    output: Path = ROOT / "benchmarks" / "results" / "none_of_these.csv"
    """Table to write."""


def main(config: Config) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        sets = {name: _features(config, name, Path(folder)) for pair in PAIRS for name in pair}
    rows = []
    for known, unknown in PAIRS:
        found: dict[str, list[tuple[float, float, int]]] = {}
        for seed in range(config.seeds):
            for way, result in _measure(*sets[known], sets[unknown][0], seed).items():
                found.setdefault(way, []).append(result)
        for way, results in found.items():
            lost, refused, numbers = np.array(results).T
            rows.append(
                {
                    "way": way,
                    "known": known,
                    "unknown": unknown,
                    "lost": round(float(lost.mean()), 4),
                    "lost_sd": round(float(lost.std(ddof=1)), 4),
                    "refused": round(float(refused.mean()), 4),
                    "refused_sd": round(float(refused.std(ddof=1)), 4),
                    "numbers": int(numbers.mean()),
                    "seeds": config.seeds,
                    "model": config.model,
                    "date": datetime.date.today().isoformat(),
                    "device": f"{platform.machine()}, CPU",
                }
            )
            print(f"{way:22} {known} / {unknown}: lost {100 * lost.mean():5.1f} %, "
                  f"refused {100 * refused.mean():5.1f} %")  # fmt: skip
    _csv.write_csv(config.output, rows)
    return rows


def _features(config: Config, name: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    photos = transfer.open_photos(config.data / name, layout=LAYOUTS.get(name, "folders"))
    cache = _files.user_cache("compiled")
    network = transfer.open_network(config.model, cache=cache)
    path = folder / f"{name.replace('/', '-')}.h5"
    file = transfer.extract_features(network, photos, path, cache=cache, overwrite=True)
    return file.take(slice(None)), file.labels


def _measure(
    x: np.ndarray, y: np.ndarray, other: np.ndarray, seed: int
) -> dict[str, tuple[float, float, int]]:
    """Way to share lost, share refused, and the numbers that a bundle would store."""
    from sklearn.model_selection import StratifiedKFold, train_test_split

    train, test = train_test_split(np.arange(len(y)), test_size=0.25, stratify=y, random_state=seed)
    names = [str(label) for label in range(y.max() + 1)]
    head = transfer.fit_head("logistic", x[train], y[train], names, calibrated=True)
    best = transfer.ClassDistance.of(x[train], y[train], head.held_out)
    found = {
        "probability": _counted(
            -head.held_out.max(axis=1), lambda rows: -head.head.predict_proba(rows).max(axis=1),
            x[test], other, 0),
        "class means (bundles)": (
            float((best.distances(x[test]) > best.limit(LOST)).mean()),
            float((best.distances(other) > best.limit(LOST)).mean()),
            best.means.size + best.known.size,
        ),
    }  # fmt: skip
    for way, fit in (("energy", _energy), ("neighbours", _neighbours), ("Mahalanobis", _gauss)):
        held_out = np.empty(len(train))
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        for rest, part in folds.split(train, y[train]):
            held_out[part] = fit(x[train][rest], y[train][rest])[0](x[train][part])
        distance, numbers = fit(x[train], y[train])
        found[way] = _counted(held_out, distance, x[test], other, numbers)
    return found


def _counted(
    held_out: np.ndarray, distance: Distance, own: np.ndarray, other: np.ndarray, numbers: int
) -> tuple[float, float, int]:
    limit = np.quantile(held_out, 1 - LOST)
    return float((distance(own) > limit).mean()), float((distance(other) > limit).mean()), numbers


def _energy(x: np.ndarray, y: np.ndarray) -> tuple[Distance, int]:
    from scipy.special import logsumexp
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    head = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300)).fit(x, y)

    def distance(rows: np.ndarray) -> np.ndarray:
        scores = head.decision_function(rows)
        return -logsumexp(np.stack([scores, 0 * scores], 1) if scores.ndim < 2 else scores, axis=1)

    return distance, 0


def _neighbours(x: np.ndarray, y: np.ndarray) -> tuple[Distance, int]:
    samples = _unit(x)

    def distance(rows: np.ndarray) -> np.ndarray:
        return np.sort(1 - _unit(rows) @ samples.T, axis=1)[:, NEIGHBOUR - 1]

    return distance, samples.size


def _gauss(x: np.ndarray, y: np.ndarray) -> tuple[Distance, int]:
    from sklearn.covariance import ledoit_wolf

    means = np.stack([x[y == label].mean(axis=0) for label in np.unique(y)]).astype(np.float64)
    inverse = np.linalg.inv(ledoit_wolf(x - means[y], assume_centered=True)[0])

    def distance(rows: np.ndarray) -> np.ndarray:
        apart = [rows - mean for mean in means]
        return np.min([((each @ inverse) * each).sum(axis=1) for each in apart], axis=0)

    return distance, means.size + inverse.size


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


if __name__ == "__main__":
    _cli.run(main, Config)
