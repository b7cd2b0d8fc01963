"""The README's tables of speed: from made rows, and from none."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from sightkit._errors import SightkitError

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
def tables(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
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


@pytest.mark.parametrize(
    "other",
    (
        {"device": "CPU B"},
        {"cores": 64},
        {"processor_flags": ["avx2"]},
        {"versions": {**MEASURED["versions"], "keras": "3.16.0"}},
    ),
)
@pytest.mark.parametrize("table", ("training_table", "inference_table"))
def test_rows_of_two_machines_are_no_table(table, other, tables, tmp_path):
    rows = [step("lenet", "float32", KERAS, 1.0), step("alexnet", "float32", KERAS, 1.1)]
    rows[1]["measured"] = {**MEASURED, **other}
    with pytest.raises(SightkitError, match=r"one machine with the same versions.*\[.*, .*\]"):
        tables[table](written(tmp_path / "rows.json", rows))


def test_a_baseline_that_some_runs_lack_is_told_of_the_others(tables, tmp_path):
    rows = [step("lenet", "float32", KERAS, 1.0), step("alexnet", "float32", KERAS, 1.1)]
    rows[1]["measured"] = {**MEASURED, "versions": {**MEASURED["versions"], "torch": "2.13"}}
    text = tables["training_table"](written(tmp_path / "training.json", rows))
    assert text.endswith("Keras 3.15.1, TensorFlow 2.21.0, PyTorch 2.13.")


def test_training_table_names_networks_that_miss_their_bar(tables, tmp_path):
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


def test_step_limit_is_beside_its_ratio_where_measured(tables, tmp_path):
    rows = [step("lenet", "float32", KERAS, 1.0), step("alexnet", "float32", KERAS, 1.1)]
    rows[1]["limit"] = 1.234
    text = tables["training_table"](written(tmp_path / "training.json", rows))
    assert text.splitlines()[0].startswith("| network | float32, against Keras | its limit | ")
    assert text.splitlines()[2:4] == [
        "| lenet | 1.00 | – | – | – | – |",
        "| alexnet | 1.10 | 1.23 | – | – | – |",
    ]


def ledger(path, differences, more=()):
    """Rows of pairs that differ by so many points, and unfinished ones."""
    lines = ["epochs,learning_rate,seed,precision,rank1", *more]
    for seed, difference in enumerate(differences):
        lines.append(f"10,0.1,{seed},float32,0.7")
        lines.append(f"10,0.1,{seed},bfloat16,{0.7 + difference / 100}")
    path.write_text("\n".join([*lines, "10,0.1,9,float32,0.1"]))
    return path


@pytest.mark.parametrize(
    ("differences", "said", "verdict"),
    [
        ([0.1, 0.3], "2 seeds: 70.00 % of the test images in float32, 70.20 %",
         "+0.20 points, 95 % interval -1.07 to +1.47, ±1.27 (**missed**: ±0.7); **missed**"),
        ([0.1, 0.3, 0.2], "3 seeds", "+0.20 points, 95 % interval -0.05 to +0.45 (pairs"),
        ([-0.4, -0.4, -0.4], "3 seeds", "of cases); **missed**"),
    ],
)  # fmt: skip
def test_the_precisions_are_told_with_their_interval(tables, tmp_path, differences, said, verdict):
    text = tables["precision_sentence"](ledger(tmp_path / "precision.csv", differences))
    assert said in text
    assert verdict in text


def test_one_pair_is_no_measurement(tables, tmp_path):
    for differences in ([0.1], []):
        text = tables["precision_sentence"](ledger(tmp_path / "precision.csv", differences))
        assert "not measured yet" in text
    assert "not measured yet" in tables["precision_sentence"](tmp_path / "absent.csv")


def test_a_single_run_of_another_length_hides_no_pairs(tables, tmp_path):
    file = ledger(tmp_path / "precision.csv", [0.1, 0.3, 0.2], ["40,0.1,1,float32,0.9"])
    assert "10 epochs from a rate of 0.1, 3 seeds" in tables["precision_sentence"](file)


def test_each_series_is_told_the_narrowest_first(tables, tmp_path):
    wide = [f"10,0.5,{seed},{kind},{rank1}" for seed, kind, rank1 in (
        (1, "float32", 0.5), (1, "bfloat16", 0.6), (2, "float32", 0.5), (2, "bfloat16", 0.4)
    )]  # fmt: skip
    text = tables["precision_sentence"](ledger(tmp_path / "precision.csv", [0.1, 0.3, 0.2], wide))
    assert text.index("a rate of 0.1, 3 seeds") < text.index("a rate of 0.5, 2 seeds")


def test_pairs_of_two_machines_are_none(tables, tmp_path):
    machine = dict.fromkeys(("device", "keras", "tensorflow"), "A")
    rows = [
        {
            "epochs": 10,
            "learning_rate": 0.1,
            "seed": seed,
            "precision": kind,
            "rank1": 0.7,
            **machine,
        }
        for seed in range(4)
        for kind in ("float32", "bfloat16")
    ]
    rows[-1]["keras"] = rows[-3]["device"] = "B"
    text = tables["precision_sentence"](table(tmp_path / "precision.csv", rows))
    assert "10 epochs from a rate of 0.1, 2 seeds" in text


def table(path, rows):
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize(
    ("differences", "said"),
    [
        ([0.1] * 5, "it holds the truth in about 94 % of cases"),
        ([2.0, -1.0, 2.0, -1.0, 0.0], "±1.88 (**missed**: ±0.7)"),
    ],
)
def test_how_sure_the_interval_is_is_told(tables, tmp_path, differences, said):
    text = tables["precision_sentence"](ledger(tmp_path / "precision.csv", differences))
    assert said in text


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
