"""The README's table of results: what is averaged, and what is not."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from sightkit._errors import SightkitError

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def tables(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))  # as where a script is run
    module = runpy.run_path(str(BENCHMARKS / "tables.py"))
    module["main"].__globals__["LEDGER"] = tmp_path / "ledger.csv"
    return module


def row(seed, rank1, device="CPU A", **values):
    return {
        "experiment": "train_x",
        "flags": "",
        "seed": str(seed),
        "rank1": str(rank1),
        "seconds": "10",
        "parameters": "1234",
        "data_sha256": "d",
        "device": device,
        "cores": "2",
        **values,
    }


def lines(text):
    return [line.split(" | ") for line in text.splitlines()[2:]]


def test_seeds_of_one_device_are_one_line(tables):
    (line,) = lines(tables["table"]([row(1, 0.90), row(2, 0.92)]))
    assert line[3:5] == ["91.00 ± 1.41", "2"]


def test_devices_are_not_averaged(tables):
    told = lines(tables["table"]([row(1, 0.9), row(2, 0.92, "GPU B"), row(3, 0.9)]))
    assert [(line[3], line[4], line[6]) for line in told] == [
        ("90.00 ± 0.00", "2", "CPU A, 2 cores"),
        ("92.00", "1", "GPU B, 2 cores"),
    ]


def test_numbers_of_cores_are_not_averaged(tables):
    assert len(lines(tables["table"]([row(1, 0.9), row(2, 0.9, cores="8")]))) == 2


def test_the_newest_row_of_each_seed_and_device_counts(tables, tmp_path):
    rows = [row(1, 0.1), row(1, 0.2, "GPU B"), row(1, 0.9)]
    text = [",".join(rows[0]), *(",".join(entry.values()) for entry in rows)]
    (tmp_path / "ledger.csv").write_text("\n".join(text) + "\n")
    found = {entry["device"]: entry["rank1"] for entry in tables["read_ledger"]()}
    assert found == {"CPU A": "0.9", "GPU B": "0.2"}


@pytest.mark.parametrize("column", ["parameters", "data_sha256"])
def test_other_networks_or_data_are_refused(column, tables):
    with pytest.raises(SightkitError, match=f"{column}.*Measure all seeds again"):
        tables["table"]([row(1, 0.9), row(2, 0.9, **{column: "99"})])


def test_ways_to_features_are_a_line_each_with_their_difference(tables):
    def way(name, data, difference):
        low, high = difference - 1, difference + 1
        found = {"mean": 90 + difference, "difference": difference}
        found |= {"naive_low": low, "naive_high": high} if difference else {}
        empty = {"naive_low": 0.0, "naive_high": 0.0}
        return {"way": name, "data": data, **empty, **found}

    rows = [way("plain", "a", 0), way("plain", "b", 0), way("ten", "a", 0.5), way("ten", "b", -2)]
    told = lines(tables["ways"]([{k: str(v) for k, v in row.items()} for row in rows]))
    assert told == [
        ["| plain", "90.00", "90.00 |"],
        ["| ten", "90.50 (+0.50: −0.50 to +1.50)", "88.00 (−2.00: −3.00 to −1.00) |"],
    ]
