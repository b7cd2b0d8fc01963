"""Tables of docs/ from the results of benchmarks."""

from __future__ import annotations

import runpy
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_ways_to_features_are_a_line_each_with_their_difference(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))  # as where a script is run
    tables = runpy.run_path(str(BENCHMARKS / "tables.py"))

    def way(name, data, difference):
        low, high = difference - 1, difference + 1
        found = {"mean": 90 + difference, "difference": difference}
        found |= {"naive_low": low, "naive_high": high} if difference else {}
        empty = {"naive_low": 0.0, "naive_high": 0.0}
        return {"way": name, "data": data, **empty, **found}

    rows = [way("plain", "a", 0), way("plain", "b", 0), way("ten", "a", 0.5), way("ten", "b", -2)]
    text = tables["ways"]([{k: str(v) for k, v in row.items()} for row in rows])
    assert [line.split(" | ") for line in text.splitlines()[2:]] == [
        ["| plain", "90.00", "90.00 |"],
        ["| ten", "90.50 (+0.50: −0.50 to +1.50)", "88.00 (−2.00: −3.00 to −1.00) |"],
    ]
