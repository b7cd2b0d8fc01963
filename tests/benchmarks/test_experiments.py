"""The ledger: what is run for a row, and what is said of a run that fails."""

from __future__ import annotations

import ast
import csv
import json
import runpy
from pathlib import Path

import pytest

from sightkit._errors import SightkitError

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SCRIPTS = BENCHMARKS.parent / "scripts"
# A stand-in for an experiment: it keeps what it was called with, and fails on request.
EXPERIMENT = """
import json, sys
from pathlib import Path
flags = sys.argv[1:]
folder = Path(flags[flags.index("--output") + 1])
folder.mkdir(parents=True, exist_ok=True)
(folder / "flags.json").write_text(json.dumps(flags))
if "--fail" in flags and flags[flags.index("--seed") + 1] == "2":
    print("epochs must be at least 1.", file=sys.stderr)
    sys.exit(2)
test = {"rank1": 0.5, "rank5": None, "loss": 1.0, "count": 9}
(folder / "metrics.json").write_text(json.dumps(
    {"test": test, "validation": test, "parameters": 7, "weights_sha256": "w"}))
(folder / "environment.json").write_text(json.dumps(
    {"data": {"sha256": "d"}, "device": "CPU", "cores": 2, "python": "3", "backend": "jax",
     "versions": {"keras": "3", "jax": "1"}, "commit": "c"}))
"""


@pytest.fixture
def experiments(tmp_path):
    module = runpy.run_path(str(BENCHMARKS / "experiments.py"))
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "train_fake.py").write_text(EXPERIMENT)
    inside = module["main"].__globals__
    inside.update(ROOT=tmp_path, LEDGER=tmp_path / "ledger.csv")
    return module


def ledger(folder):
    with (folder / "ledger.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_flags_are_read_as_a_shell_reads_them(experiments, tmp_path):
    config = experiments["Config"]("train_fake", seeds=1, flags="--data 'my  photos/a.h5'  --x 1")
    experiments["main"](config)
    folder = tmp_path / "runs" / "ledger" / "train_fake" / "seed-1"
    flags = json.loads((folder / "flags.json").read_text())
    assert flags[:4] == ["--data", "my  photos/a.h5", "--x", "1"]
    assert [row["flags"] for row in ledger(tmp_path)] == ["--data 'my  photos/a.h5' --x 1"]


def test_an_unclosed_quote_is_refused_before_anything_runs(experiments, tmp_path):
    with pytest.raises(SightkitError, match="--flags must be what a shell reads"):
        experiments["Config"]("train_fake", flags="--data 'x")
    assert not (tmp_path / "runs").exists()


def test_a_failed_run_is_one_line_and_earlier_rows_stay(experiments, tmp_path, capfd):
    with pytest.raises(SightkitError) as error:
        experiments["main"](experiments["Config"]("train_fake", seeds=3, flags="--fail"))
    told = str(error.value)
    assert "seed 2" in told and "exit code 2" in told and "--fail --seed 2" in told
    assert "\n" not in told
    assert "epochs must be at least 1." in capfd.readouterr().err
    assert [row["seed"] for row in ledger(tmp_path)] == ["1"]


TRAINING = sorted(
    path for path in SCRIPTS.glob("train_*.py") if "experiments.Config" in path.read_text()
)


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_a_docstring_begins_with_what_the_ledger_says(path):
    measured = runpy.run_path(str(BENCHMARKS / "experiments.py"))["measured"]
    title, result = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[:2]
    assert "\n" not in title
    assert result == measured(path.stem)


def test_the_result_is_that_of_the_newest_row_of_each_seed(experiments, tmp_path):
    header = "date,experiment,flags,seed,rank1,seconds,device,cores"
    rows = ("a,train_fake,,1,0.1,60,CPU,2", "b,train_fake,,1,0.5,60,CPU,2")
    rows += ("b,train_fake,,2,0.7,120,CPU,2", "b,train_fake,--x 1,1,0.25,30,GPU,4")
    assert experiments["measured"]("train_fake") == "Not measured yet."
    (tmp_path / "ledger.csv").write_text("\n".join((header, *rows, "b,train_other,,1,1,1,CPU,2")))
    assert experiments["measured"]("train_fake").splitlines() == [
        "Measured: 60.00 ± 14.14 % (n = 2), 1.5 minutes, CPU, 2 cores.",
        "Measured: 25.00 % (n = 1, --x 1), 0.5 minutes, GPU, 4 cores.",
    ]
