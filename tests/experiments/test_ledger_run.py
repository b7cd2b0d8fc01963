"""What is measured next, how a run is stopped and resumed, and what its row holds."""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import time

import pytest

from sightkit import _scripts
from sightkit._errors import SightkitError
from sightkit.experiments import ledger, ledger_run
from sightkit.experiments.ledger_run import Running, choose, measure_missing, read_progress
from sightkit.experiments.ledger_verify import verify
from sightkit.experiments.ledger_wanted import Checkout, Wanted, missing
from sightkit.io import DatasetFile

FAKE = "mine/fake_experiment.py"


def measured(recipe, seed, minutes=1.0, status="measured"):
    row = {"experiment": FAKE, "recipe": recipe, "seed": seed, "minutes": minutes}
    return {**dict.fromkeys(ledger.COLUMNS), **row, "status": status}


def test_first_seeds_of_all_come_before_second_ones():
    wanted = [Wanted("a", seeds=2), Wanted("b", seeds=1), Wanted("c", here=False)]
    rows = [{**measured("best", 2), "experiment": "a"}]
    found = [(each.experiment, seed) for each, seed in missing(wanted, rows)]
    assert found == [("a", 1), ("b", 1), ("c", 1)]
    rows += [{**measured("best", 1, status="not run here"), "experiment": "c"}]
    assert [each.experiment for each, _ in missing(wanted, rows)] == ["a", "b"]


def test_what_will_not_end_in_time_is_not_begun(checkout):
    here = checkout('recipe = "best"', "recipe = 'reference'\nminutes = 3.0")
    wanted = here.wanted()
    candidates = [(each, 2) for each in wanted]
    rows = [measured("best", 1, minutes=10.0)]
    assert choose(here, candidates, rows, 601) == candidates[0]
    assert choose(here, candidates, rows, 599) == candidates[1]
    assert choose(here, candidates, rows, 179) is None
    assert choose(here, candidates, [], 179) == candidates[0]  # nobody knows how long it takes
    folder = here.folder(wanted[1], 2)
    folder.mkdir(parents=True)
    folder.with_name("seed-2.json").write_text('{"seconds": 9, "epochs": 1, "epoch_seconds": 3}')
    assert choose(here, candidates, rows, 10) == candidates[1]  # begun: it goes on
    assert choose(here, candidates, rows, 0) is None


def test_a_row_holds_what_the_run_wrote(checkout, capfd):
    entry = 'recipe = "reference --epochs 2"\nseeds = 1\nreference = 0.88\nsource = "a book"'
    here = checkout(entry)
    measure_missing(here)
    (row,) = here.rows()
    expected = {
        "experiment": FAKE,
        "recipe": "reference --epochs 2",
        "command": f"python {FAKE} --recipe reference --epochs 2 --seed 1",
        "network": "fake",
        "parameters": 7,
        "data": "data.h5",
        "data_sha256": "d" * 64,
        "train_images": 30,
        "test_images": 10,
        "seed": 1,
        "rank1": 0.91,
        "metrics": {"recall.smiling": 0.8},
        "epochs": 2,
        "device": "CPU A",
        "versions": "python 3.11, keras 3, jax 1, numpy None, opencv-python None",
        "reference": 0.88,
        "source": "a book",
    }
    assert {name: row[name] for name in expected} == expected
    assert row["minutes"] > 0
    before = here.results.read_text()
    measure_missing(here)
    assert here.results.read_text() == before
    assert "Nothing is left to measure." in capfd.readouterr().out


@pytest.mark.slow
def test_a_run_that_fails_leaves_the_others(checkout, capfd):
    here = checkout("recipe = 'best --fail 1'\nseeds = 2")
    with pytest.raises(SightkitError, match=r"failed=.*seed 1") as error:
        measure_missing(here)
    assert "\n" not in str(error.value)
    assert [row["seed"] for row in here.rows()] == [2]
    told = capfd.readouterr().err
    assert "epochs must be at least 1." in told and "exit code 2" in told


@pytest.mark.slow
def test_a_run_is_stopped_at_the_limit_and_resumed(checkout):
    here = checkout("recipe = 'best'\nseeds = 1")
    (wanted,) = here.wanted()
    folder = here.folder(wanted, 1)
    command = here.command(wanted, 1)
    waiting = Running(folder, [*command.words(folder), "--wait", "2"], here.root)
    waiting.watch(epochs=2)
    assert waiting.stopped and waiting.epoch is not None
    assert read_progress(folder)["epochs"] == 2
    late = Running(folder, [*command.words(folder), "--wait", "3"], here.root)
    late.watch(end=0.0)
    assert late.stopped and here.rows() == []
    measure_missing(here, minutes=10)
    (row,) = here.rows()
    assert (folder / "resumed_after").read_text() in "23"
    assert row["minutes"] >= round(waiting.minutes, 2)
    assert read_progress(folder) is None


def test_a_run_that_ended_before_its_row_is_not_run_again(checkout, monkeypatch):
    here = checkout("seeds = 1")
    (wanted,) = here.wanted()
    folder = here.folder(wanted, 1)
    Running(folder, here.command(wanted, 1).words(folder), here.root).watch()
    monkeypatch.setattr(Running, "watch", lambda *args, **limits: pytest.fail("it ran again"))
    measure_missing(here)
    assert [row["rank1"] for row in here.rows()] == [0.91]


@pytest.mark.slow
def test_a_run_that_has_had_its_row_is_run_anew(checkout):
    here = checkout("seeds = 1")
    measure_missing(here)
    (before,) = here.rows()
    here.results.unlink()  # as after a change of the recipe, whose rows are removed
    measure_missing(here)
    (row,) = here.rows()
    assert row["rank1"] == before["rank1"] and row["minutes"] > 0


def test_what_takes_too_long_has_the_time_of_an_epoch(checkout, write_dataset):
    path = write_dataset("data.h5", train=20, validation=6, test=5)
    sha256 = DatasetFile.open(path).sha256
    recipe = f"best --wait 2 --epochs 500 --hash {sha256}"
    here = checkout(f"recipe = '{recipe}'\nhere = false\nimages = 2000")
    measure_missing(here)
    (row,) = here.rows()
    assert (row["status"], row["epochs"], row["train_images"]) == ("not run here", 500, 2000)
    assert row["rank1"] is None and row["metrics"] == {} and row["data_sha256"] == sha256
    assert row["minutes"] == pytest.approx(500 * row["epoch_seconds"] / 60, rel=0.01)
    measure_missing(here)
    assert len(here.rows()) == 1


PROGRAM = """
from pathlib import Path
from sightkit import _cli
from sightkit.experiments.ledger_run import measure_missing
from sightkit.experiments.ledger_wanted import Checkout
with _cli.exit_codes():
    measure_missing(Checkout(Path.cwd(), Path.cwd() / "runs"))
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_run_too(number, checkout, tmp_path):
    checkout("recipe = 'best --wait 1'")
    pids = tmp_path / "runs" / "fake_experiment" / "best-wait-1" / "seed-1" / "history.csv"
    ours = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stderr=subprocess.PIPE, text=True, env=os.environ
    )
    while not pids.exists():
        time.sleep(0.02)
    ours.send_signal(number)
    _, told = ours.communicate(timeout=60)
    assert ours.returncode == 128 + number
    assert told.splitlines() == [f"Stopped by {number.name}. The same command continues."]


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        (("seeds = 0",), "seeds: input should be greater than"),
        (("sedes = 2",), "sedes"),
        (("seeds = [",), "list the experiments"),
        (("", ""), "once"),
        (('recipe = "best --data \'x"',), "No closing quotation"),
        (("recipe = 'best --epochs 0'",), "epochs must be at least 1"),
        (("seeds = 1", "recipe = 'best --no-such-flag'"), "recipe='best --no-such-flag'"),
        (("seeds = 1", "recipe = 'best --smoke --seed=3'"), "A recipe has no --seed or --smoke"),
        (("seeds = 1", "recipe = 'fastest'"), "--recipe must be one of best, reference"),
    ],
)
def test_a_wrong_list_is_one_line_before_anything_runs(entries, reason, checkout):
    here = checkout(*entries)
    with pytest.raises(SightkitError) as error:
        measure_missing(here)
    assert reason in str(error.value) and "\n" not in str(error.value)
    assert not here.output.exists()


def test_an_experiment_that_is_not_listed_is_refused(checkout):
    with pytest.raises(SightkitError, match=f"In it are {FAKE}"):
        measure_missing(checkout("seeds = 1"), only="train_y")


def again(here, **facts):
    """Give the next runs other results than the ledger has."""
    path = here.root / FAKE
    text = path.read_text()
    for name, value in facts.items():
        start = text.index(f"    {name}: ")
        line = text[start : text.index("\n", start)]
        text = text.replace(line, f"{line.partition(' = ')[0]} = {value!r}")
    path.write_text(text)


@pytest.mark.slow
def test_the_same_bits_are_reproduced(checkout):
    here = checkout("seeds = 2")
    measure_missing(here)
    before = here.results.read_text()
    for _ in range(2):
        assert verify(here, FAKE).startswith("Reproduced bit for bit: rank1 0.91, seed 1")
    assert "rank1 0.92, seed 2" in verify(here, FAKE, seed=2)
    assert here.results.read_text() == before


@pytest.mark.slow
def test_other_bits_are_compared_with_the_spread(checkout):
    here = checkout("seeds = 2")
    measure_missing(here)
    again(here, bits="other", shift=0.005)
    with pytest.raises(SightkitError, match="same machine, versions and commit"):
        verify(here, FAKE)
    here.results.write_text(here.results.read_text().replace("CPU A", "CPU B"))
    assert verify(here, FAKE).startswith("Reproduced within the spread (0.9150 ± 0.0071 of 2")
    again(here, shift=-0.5)
    with pytest.raises(SightkitError, match="Not reproduced"):
        verify(here, FAKE)


@pytest.mark.slow
def test_what_cannot_be_verified_is_refused_before_it_runs(checkout, write_dataset, monkeypatch):
    here = checkout("seeds = 1")
    with pytest.raises(SightkitError, match=r"Only what was measured.*--only mine/fake_exp"):
        verify(here, FAKE)
    measure_missing(here)
    with pytest.raises(SightkitError, match=r"Only what was measured.*Its seeds are 1\."):
        verify(here, FAKE, seed=2)
    with pytest.raises(SightkitError, match=r"Its recipes are best\."):
        verify(here, FAKE, "quick")
    with pytest.raises(SightkitError, match=r"Perhaps it is mine/fake_exp.*Name one of the rows"):
        verify(here, FAKE.replace("fake", "fale"))
    again(here, hash="e" * 64, wait=1)  # it would wait for ever
    with pytest.raises(SightkitError, match="on the data of its row"):
        verify(here, FAKE)
    write_dataset("data.h5")
    monkeypatch.setattr(ledger_run.Running, "watch", lambda *args, **options: pytest.fail("it ran"))
    with pytest.raises(SightkitError, match="on the data of its row"):
        verify(here, FAKE)


def test_a_run_has_one_row(checkout):
    here = checkout("seeds = 1")
    measure_missing(here)
    lines = here.results.read_text().splitlines()
    here.results.write_text("\n".join([*lines, lines[-1], ""]))
    with pytest.raises(
        SightkitError, match=r"experiments\.csv must have one row a run.*mine/fake_experiment"
    ):
        here.rows()


def test_a_script_without_recipes_is_read(tmp_path):
    here = Checkout(_scripts.FOLDER.parent, tmp_path)
    assert here.command(Wanted("train_knn_animals"), 3).config.seed == 3


def test_a_row_of_a_head_names_its_features(checkout, tmp_path):
    environment = runpy.run_path(str(checkout().path(FAKE)))["ENVIRONMENT"]
    run = tmp_path / "run"
    run.mkdir()
    settings = {"experiment": "train_logistic", "features": ["/a/f.h5"], "seed": 0}
    metrics = {"test": {"rank1": 0.5, "count": 4}, "data_sha256": ["x", "y"], "training_photos": 12}
    for name, value in (("config", settings), ("metrics", metrics), ("environment", environment)):
        (run / f"{name}.json").write_text(json.dumps(value))
    row = ledger.row_of_run(run)
    assert (row["data"], row["data_sha256"], row["train_images"]) == ("f.h5", "x y", 12)
