"""When benchmarks/precision.py trains and when it stops: with runs that are made up."""

from __future__ import annotations

import csv
import runpy
from pathlib import Path

import pytest

from sightkit._errors import SightkitError

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
HERE = {"device": "CPU A", "versions": {"keras": "3.15.1", "tensorflow": "2.21.0"}}


@pytest.fixture
def benchmark(monkeypatch, tmp_path):
    """The benchmark, whose runs differ by nothing; ``trained`` says which were made."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = runpy.run_path(str(BENCHMARKS / "precision.py"))
    scope = module["main"].__globals__
    monkeypatch.setattr(scope["measure"], "facts", lambda: HERE)
    monkeypatch.setitem(scope, "ROOT", tmp_path)
    scope["trained"] = []

    def train(config, seed, precision):
        scope["trained"].append((seed, precision))
        return run(seed, precision, epochs=config.epochs)

    monkeypatch.setitem(scope, "_train", train)
    return scope


def run(seed, precision, **other):
    row = {"date": "2026-01-02", "epochs": 10, "seed": seed, "precision": precision, "rank1": 0.7}
    row |= {"learning_rate": 0.02, "loss": 1.0, "count": 100, "device": "CPU A", "cores": 2}
    return {**row, "keras": "3.15.1", "tensorflow": "2.21.0", "commit": "a", **other}


def ledger(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def both(seeds, **other):
    return [run(seed, kind, **other) for seed in seeds for kind in ("float32", "bfloat16")]


def start(benchmark, **values):
    return benchmark["main"](benchmark["Config"](**values))


def test_no_interval_of_fewer_than_five_pairs_ends_it(benchmark, tmp_path):
    summary = start(benchmark, output=tmp_path / "precision.csv")
    assert summary["pairs"] == 5 and len(benchmark["trained"]) == 10


def test_what_stands_there_is_not_made_again_whatever_its_commit(benchmark, tmp_path):
    rows = both((1, 2)) + both((3, 4, 5), commit="b-dirty")
    start(benchmark, output=ledger(tmp_path / "precision.csv", rows[:-1]))
    assert benchmark["trained"] == [(5, "bfloat16")]


@pytest.mark.parametrize(
    "other", ({"device": "GPU"}, {"learning_rate": 0.05}, {"keras": "4.0"}, {"tensorflow": "3.0"})
)
def test_rows_of_other_machines_and_versions_are_left_alone(other, benchmark, tmp_path):
    rows = both((1, 2))
    rows[1] = {**rows[1], **other, "rank1": 0.1}
    path = ledger(tmp_path / "precision.csv", rows)
    summary = start(benchmark, output=path, pairs=2)
    assert benchmark["trained"] == [(1, "bfloat16")]
    assert summary["mean"] == 0.0
    with path.open(newline="") as file:
        kept = list(csv.DictReader(file))
    assert len(kept) == 5 and kept[1]["rank1"] == "0.1"


def test_a_run_finished_elsewhere_is_not_reported_as_ours(benchmark, tmp_path):
    benchmark["_train"] = lambda config, seed, kind: run(seed, kind, keras="3.14.0")
    with pytest.raises(SightkitError, match="Delete its folder"):
        start(benchmark, output=tmp_path / "precision.csv")
    assert not list(tmp_path.iterdir())


def test_each_smoke_run_trains(benchmark):
    for times in (1, 2):
        start(benchmark, quick=True)
        assert len(benchmark["trained"]) == 4 * times
