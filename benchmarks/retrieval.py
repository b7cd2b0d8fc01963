"""Compare the features' cosine with a metric learned on the gallery's labels: precision@5.

    python benchmarks/retrieval.py --data ../shared/data [--divisions 5]

Three quarters of a set of photos are the gallery, and all that is learned is learned there; the
others are queries. The difference comes with the 95 % interval of the corrected resampled t (Nadeau
and Bengio 2003): divisions of one set share photos. Rows go to results/retrieval.csv.
"""

from __future__ import annotations

import datetime
import platform
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _cli, _csv
from sightkit.apps import explain
from sightkit.experiments.differences import mean_difference

ROOT = Path(__file__).parents[1]
SETS = ("animals", "flowers17")
SHARE, K = 0.2479, 5
"""Of the queries: 89 of 359 animals; neighbours of each."""
WAYS = ("cosine", "learned")


@dataclass(frozen=True)
class Config:
    """Measure precision@5 of both metrics."""

    data: Path = ROOT.parent / "shared" / "data"
    """Folder of the sets."""
    model: str = "mobilenetv2_0.35"
    """Network of the features."""
    divisions: int = 5
    """Number of divisions, by the seeds 0, 1, …"""
    output: Path = ROOT / "benchmarks" / "results" / "retrieval.csv"
    """Table to write."""


def main(config: Config) -> list[dict[str, Any]]:
    rows = []
    for name in SETS:
        with tempfile.TemporaryDirectory() as scratch:
            features = explain.open_gallery(config.data / name, scratch, model=config.model)
            order = features.order
            x, y = features.take(slice(None))[order], features.labels[order]
        results = [_measure(x, y, features.class_names, seed) for seed in range(config.divisions)]
        found, queries, gallery = results[0][0], *results[0][1:]
        share = queries / gallery
        gains = [each["learned"] - each["cosine"] for each, _, _ in results]
        _, low, high = mean_difference(gains, share)
        for way in found:
            values = np.array([each[way] for each, _, _ in results])
            rows.append(
                {
                    "way": way,
                    "data": name,
                    "gallery": gallery,
                    "queries": queries,
                    "precision": round(float(values.mean()), 4),
                    "sd": round(float(values.std(ddof=1)), 4),
                    "lowest": round(float(values.min()), 4),
                    "gain_low": round(low, 4) if way == "learned" else "",
                    "gain_high": round(high, 4) if way == "learned" else "",
                    "divisions": config.divisions,
                    "model": config.model,
                    "date": datetime.date.today().isoformat(),
                    "device": f"{platform.machine()}, CPU",
                }
            )
            print(f"{way:8} {name}: precision@{K} {100 * values.mean():.1f} ± "
                  f"{100 * values.std(ddof=1):.1f} %, lowest {100 * values.min():.1f}")  # fmt: skip
        print(f"  gain {100 * np.mean(gains):.1f}, 95 %: {100 * low:.1f} to {100 * high:.1f}")
    _csv.write_csv(config.output, rows)
    return rows


def _measure(
    x: np.ndarray, y: np.ndarray, class_names: tuple[str, ...], seed: int
) -> tuple[dict[str, float], int, int]:
    """Return precision@5 by way, and the numbers of queries and of photos in the gallery."""
    from sklearn.model_selection import train_test_split

    rest, held = train_test_split(np.arange(len(y)), test_size=SHARE, stratify=y, random_state=seed)
    metric, _ = explain.choose_metric(x[rest], y[rest], class_names, k=K)
    plain = explain.nearest(x[held], x[rest], K)
    learned = explain.nearest(metric(x[held]), metric(x[rest]), K)
    pairs = zip(WAYS, (plain, learned), strict=True)
    found = {way: float(near.precision(y[held], y[rest]).mean()) for way, near in pairs}
    return found, len(held), len(rest)


if __name__ == "__main__":
    _cli.run(main, Config)
