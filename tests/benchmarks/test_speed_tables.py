"""The README's tables of speed: from made rows, and from none."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
MEASURED = {
    "date": "2026-01-02",
    "load": 0.25,
    "device": "CPU A",
    "processor_flags": ["amx_bf16", "avx2"],
    "cores": 2,
    "versions": {"keras": "3.15.1", "tensorflow": "2.21.0", "torch": None, "numpy": "2.4.0"},
}
KERAS = "Keras' defaults, float32"


@pytest.fixture
def tables():
    return runpy.run_path(str(BENCHMARKS / "speed_tables.py"))


def row(name, baseline, ratio, bar=0.0, at_most=False, **facts):
    met = ratio <= bar if at_most else ratio >= bar
    row = {"name": name, "baseline": baseline, "ratio": ratio, "bar": bar, "met": met}
    return {**row, "at_most": at_most, **facts, "measured": MEASURED}


def written(path, rows):
    path.write_text(json.dumps(rows))
    return path


def step(network, precision, baseline, ratio, bar=0.0):
    facts = {"network": network, "precision": precision}
    return row(f"{network}, {precision}", baseline, ratio, bar, **facts)


def test_rows_of_several_runs_do_not_pass_for_one(tables, tmp_path):
    rows = [step("lenet", "float32", KERAS, 1.0), step("alexnet", "float32", KERAS, 1.1)]
    rows[1]["measured"] = {**MEASURED, "date": "2026-01-03", "load": 1.0}
    text = tables["training_table"](written(tmp_path / "training.json", rows))
    assert "Measured on 2026-01-02 to 2026-01-03 in 2 runs, both sides of a row in one: " in text
    assert "load 0.2 to 1.0 at the end" in text


def test_training_is_a_line_a_network_and_names_what_misses_its_bar(tables, tmp_path):
    rows = [
        step("lenet", "float32", KERAS, 1.0, 0.97),
        step("lenet", "bfloat16", KERAS, 1.5, 2.0),
        step("lenet", "bfloat16", "bare PyTorch, bfloat16", 1.25),
        step("alexnet", "float32", KERAS, 1.1),
        row("median of 2", KERAS, 1.333, 1.3),
    ]
    text = tables["training_table"](written(tmp_path / "training.json", rows))
    assert text.splitlines()[2:] == [
        "| lenet | 1.00 | 1.50 (**missed**: ≥ 2) | – | 1.25 |",
        "| alexnet | 1.10 | – | – | – |",
        "",
        "median of 2: 1.33.  ",
        "Measured on 2026-01-02: CPU A, 2 cores (amx_bf16, avx2), load 0.2 at the end; "
        "Keras 3.15.1, TensorFlow 2.21.0.",
    ]


def test_the_limit_of_a_step_stands_beside_its_ratio_where_it_was_measured(tables, tmp_path):
    rows = [step("lenet", "float32", KERAS, 1.0), step("alexnet", "float32", KERAS, 1.1)]
    rows[1]["limit"] = 1.234
    text = tables["training_table"](written(tmp_path / "training.json", rows))
    assert text.splitlines()[0].startswith("| network | float32, against Keras | its limit | ")
    assert text.splitlines()[2:4] == [
        "| lenet | 1.00 | – | – | – | – |",
        "| alexnet | 1.10 | 1.23 | – | – | – |",
    ]


def test_inference_is_a_line_a_row(tables, tmp_path):
    rows = [
        row("net, openvino", "keras, predict", 3.5, 3.0),
        row("net, memory", "keras, predict", 1.2, 1.1, at_most=True),
    ]
    text = tables["inference_table"](written(tmp_path / "inference.json", rows))
    assert text.splitlines()[2:5] == [
        "| net, openvino | keras, predict | 3.50 |",
        "| net, memory | keras, predict | 1.20 (**missed**: ≤ 1.1) |",
        "",
    ]


@pytest.mark.parametrize("name", ["training", "inference"])
def test_what_was_not_measured_says_how_to(name, tables, tmp_path):
    text = tables[f"{name}_table"](tmp_path / f"{name}.json")
    command = f"python benchmarks/{name}.py --json benchmarks/results/{name}.json"
    assert text == f"Not measured yet: `{command}`."


def test_a_benchmark_writes_what_the_tables_read(tables, tmp_path, capsys):
    measure = runpy.run_path(str(BENCHMARKS / "measure.py"))
    file = tmp_path / "results" / "inference.json"
    measure["report"]([measure["at_least"]("net", "keras", 2.0, 0.0)], file)
    text = tables["inference_table"](file)
    assert "| net | keras | 2.00 |" in text
    assert "Measured on 20" in text and "Keras 3." in text


def test_a_benchmark_prints_without_a_file(capsys):
    measure = runpy.run_path(str(BENCHMARKS / "measure.py"))
    measure["report"]([measure["at_least"]("net", "keras", 2.0, 3.0)], None)
    assert "bar >= 3     MISSED" in capsys.readouterr().out
