from __future__ import annotations

import csv
import importlib.util
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sightkit import io
from sightkit._errors import SightkitError

optuna = pytest.importorskip("optuna")
from sightkit.callbacks.search_picture import draw_search  # noqa: E402
from sightkit.training.search.space import parse_space, with_values  # noqa: E402

JOB = Path(__file__).with_name("search_job.py")


def _load():
    spec = importlib.util.spec_from_file_location("search_job", JOB)
    module = importlib.util.module_from_spec(spec)
    sys.modules["search_job"] = module
    spec.loader.exec_module(module)
    return module


job = _load()


def conduct(plan):
    search = job.Search(plan)
    lines = []
    search.run(lines.append)
    return job.write_results(search), lines


def calls(folder):
    """Trial to what its main was called with."""
    notes = (Path(folder) / "search" / "trials").glob("*/calls.txt")
    return {note.parent.name: note.read_text().splitlines() for note in notes}


def test_coarse_then_fine_around_the_best(tmp_path):
    summary, lines = conduct(job.plan(tmp_path, 16, prune=False))
    rows = summary["trials"]
    assert [row["stage"] for row in rows] == ["coarse"] * 8 + ["fine"] * 8
    assert len(lines) == 16 and "rank1 0." in lines[0]
    epochs = {name: line.split()[1] for name, (line,) in calls(tmp_path).items()}
    assert all(epochs[name] == ("2" if "coarse" in name else "8") for name in epochs)
    rates = {
        stage: [row["learning_rate"] for row in rows if row["stage"] == stage]
        for stage in ("coarse", "fine")
    }
    spread = {stage: np.ptp(np.log10(values)) for stage, values in rates.items()}
    assert spread["fine"] < 0.7 * spread["coarse"]
    distance = {stage: abs(np.log10(values) + 2).mean() for stage, values in rates.items()}
    assert distance["fine"] < distance["coarse"]
    best = summary["best"]
    assert best["stage"] == "fine"
    assert best["value"] == max(row["value"] for row in rows if row["stage"] == "fine")
    stored = json.loads((tmp_path / "search" / "search.json").read_text())
    assert stored == json.loads(json.dumps(summary))
    with open(tmp_path / "search" / "trials.csv") as file:
        table = list(csv.DictReader(file))
    assert [float(row["learning_rate"]) for row in table] == [*rates["coarse"], *rates["fine"]]


def test_a_seed_repeats_its_trials_and_a_finished_search_stays(tmp_path):
    first, _ = conduct(job.plan(tmp_path / "a", 4))
    second, _ = conduct(job.plan(tmp_path / "b", 4))
    other, _ = conduct(job.plan(tmp_path / "c", 4, seed=2))
    rates = [[row["learning_rate"] for row in found["trials"]] for found in (first, second, other)]
    assert rates[0] == rates[1] != rates[2]
    again, lines = conduct(job.plan(tmp_path / "a", 4))
    assert (again, lines) == (first, [])


@pytest.mark.parametrize("trials", (1, 4))
@pytest.mark.parametrize(
    ("text", "first"),
    (("learning_rate=1e-3:1:log", 0.1), ("learning_rate=0.5,0.1", 0.1), ("batch_size=5,20", 0.1)),
)
def test_the_first_trial_has_the_scripts_values(text, first, trials, tmp_path):
    config = job.Config(data=tmp_path / "data.h5")
    plan = job.plan(tmp_path, trials, config=config, space=parse_space((text,), config))
    summary, _ = conduct(plan)
    row = summary["trials"][0]
    assert row["stage"] == ("coarse" if trials > 1 else "fine")
    assert row.get("learning_rate", 0.1) == first  # a value outside the space is drawn
    assert row.get("batch_size", 5) in (5, 20)


def test_no_test_image_is_in_what_trials_are_given(tmp_path):
    (path,) = job.Search(job.plan(tmp_path, 2)).data
    original = io.DatasetFile.open(tmp_path / "data.h5")
    given = io.DatasetFile.open(path)
    secret = {row.tobytes() for row in original.hashes()[slice(*original.rows("test"))]}
    assert not secret & {row.tobytes() for row in given.hashes()}
    hashes = given.hashes()
    assert np.array_equal(
        hashes[slice(*given.rows("test"))], hashes[slice(*given.rows("validation"))]
    )
    for split in ("train", "validation"):
        assert np.array_equal(
            hashes[slice(*given.rows(split))], original.hashes()[slice(*original.rows(split))]
        )
    assert given.recipe["source"] == "here"  # a script takes it for its own
    assert "no test image" in given.recipe["search"]["test"]


@pytest.mark.parametrize("folds", (1, 2))
def test_a_split_for_validation_has_the_name_of_the_flag(folds, tmp_path):
    config = job.Config(data=tmp_path / "data.h5", validation_split="dev")
    summary, _ = conduct(job.plan(tmp_path, 2, config=config, folds=folds))
    assert [row["state"] for row in summary["trials"]] == ["complete"] * 2


def test_folds_share_the_images_out_and_keep_equal_ones_together(tmp_path):
    search = job.Search(job.plan(tmp_path, 2, folds=3, prune=False))
    original = io.DatasetFile.open(tmp_path / "data.h5")
    rows = original.hashes()[: original.rows("validation")[1]]
    pool = sorted(row.tobytes() for row in rows)
    validated = []
    for path in search.data:
        file = io.DatasetFile.open(path)
        parts = {
            split: [row.tobytes() for row in file.hashes()[slice(*file.rows(split))]]
            for split in ("train", "validation")
        }
        assert sorted(parts["train"] + parts["validation"]) == pool
        assert not set(parts["train"]) & set(parts["validation"])
        validated += parts["validation"]
    assert sorted(validated) == pool
    search.run()
    summary = job.write_results(search)
    trial = calls(tmp_path)["fine-0000"]
    assert [line.split()[0] for line in trial] == ["fold-1", "fold-2", "fold-3"]
    assert summary["trials"][-1]["sd"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("folds", (1, 3))
def test_a_search_keeps_what_its_result_names(tmp_path, folds):
    plan = job.plan(tmp_path, 6, folds=folds)
    summary, _ = conduct(plan)
    best = f"fine-{summary['best']['number']:04d}"
    trials = tmp_path / "search" / "trials"
    assert [path.relative_to(trials).as_posix() for path in trials.glob("*/fold-*")] == [
        f"{best}/fold-1"
    ]
    assert len(list(trials.glob("*/log.txt"))) == 6
    assert not (tmp_path / "search" / "data").exists()
    assert conduct(plan) == (summary, [])  # asked again it trains nothing, and needs no data
    assert not (tmp_path / "search" / "data").exists()


def test_trials_that_are_far_behind_end_early(tmp_path):
    summary, lines = conduct(job.plan(tmp_path, 18))
    ended = [row for row in summary["trials"] if row["state"] == "pruned"]
    assert ended and any("behind the median" in line for line in lines)
    assert all(row["value"] is None for row in ended)
    assert any(row["epochs"] < 8 for row in ended if row["stage"] == "fine")


def test_lower_is_better_for_the_loss(tmp_path):
    summary, _ = conduct(job.plan(tmp_path, 8, objective="loss"))
    fine = [row["value"] for row in summary["trials"] if row["stage"] == "fine"]
    assert summary["best"]["value"] == min(value for value in fine if value is not None)


def test_a_failed_trial_is_reported_and_three_end_the_search(tmp_path):
    space = {"learning_rate": job.default_space(job.Config())["learning_rate"]}
    data = tmp_path / "data.h5"
    highest = max(job.draw(space, 1, 0, number)["learning_rate"] for number in range(6))
    config = job.Config(data=data, fails_above=0.9 * highest)
    summary, lines = conduct(job.plan(tmp_path / "a", 12, config, space=space))
    failed = [row for row in summary["trials"] if row["state"] == "fail"]
    assert failed and "The rate must be lower" in failed[0]["reason"]
    assert any("failed (The rate must be lower" in line for line in lines)
    with pytest.raises(SightkitError, match="The rate must be lower"):
        conduct(job.plan(tmp_path / "b", 12, job.Config(data=data, fails_above=0.0), space=space))


def test_a_value_that_config_refuses_is_refused_before_work(tmp_path):
    space = {"learning_rate": optuna.distributions.CategoricalDistribution((0.1, -1.0))}
    with pytest.raises(SightkitError, match="learning-rate must be a number above 0"):
        job.plan(tmp_path, space=space)
    for options in ({"trials": 0}, {"folds": 0}, {"coarse_epochs": 0}, {"seed": -1}):
        with pytest.raises(SightkitError, match="at least one"):
            job.plan(tmp_path, **options)
    assert os.listdir(tmp_path) == []


def test_parameters_of_a_choice_count_where_it_reads_them(tmp_path):
    config = job.Config(
        data=tmp_path / "data.h5", schedule="step", drop_every=2, optimizer="sgd", momentum=0.5
    )
    texts = ("schedule=cosine,step", "drop_factor=0.1:0.6", "rise=0.1:0.4", "optimizer=sgd,adam")
    plan = job.plan(tmp_path, 12, config, space=parse_space(texts, config))
    summary, _ = conduct(plan)
    rows = summary["trials"]
    assert {row["state"] for row in rows} == {"complete"}
    assert {(row["schedule"], row["optimizer"]) for row in rows[:6]} >= {
        ("cosine", "adam"),
        ("step", "sgd"),
    }
    for row in rows:
        assert ("drop_factor" in row, "rise" in row) == (
            row["schedule"] == "step",
            row["schedule"] == "cosine",
        )
        if row["stage"] == "fine":
            found = with_values(config, {name: row[name] for name in plan.space if name in row})
            assert (found.drop_every, found.momentum) == (
                2 if row["schedule"] == "step" else None,
                0.5 if row["optimizer"] == "sgd" else 0.0,
            )
    draw_search(summary, tmp_path / "search.png")
    assert (tmp_path / "search.png").stat().st_size > 1000
    for text in ("schedule=cosine,linear", "optimizer=adam,sgd"):  # none of them reads it
        with pytest.raises(SightkitError, match=r"--power is for --schedule=polynomial"):
            space = parse_space((text, "power=1:3"), config)
            job.plan(tmp_path / "b", config=config, space=space)


def test_another_search_in_the_folder_is_refused_by_difference(tmp_path):
    conduct(job.plan(tmp_path, 2))
    with pytest.raises(SightkitError, match=r"folds: 1 there, 2 requested"):
        job.Search(job.plan(tmp_path, 2, folds=2))


def test_without_optuna_one_line_names_the_extra(monkeypatch):
    name = "sightkit.training.search.space"
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.delitem(sys.modules, name)
    with pytest.raises(SightkitError, match=r"pip install 'sightkit\[search\]'"):
        importlib.import_module(name)


def test_an_epoch_without_the_value_is_named(tmp_path):
    from sightkit.training.search.trial import report_epoch

    with pytest.raises(SightkitError, match=r"val_accuracy.*metrics"):
        report_epoch(None, "val_accuracy", 0, {"val_loss": 1.0})
    with pytest.raises(optuna.TrialPruned, match="diverged"):
        report_epoch(None, "val_loss", 0, {"val_loss": math.nan})


def start(folder, trials, seconds):
    command = [sys.executable, str(JOB), str(folder), str(trials), str(seconds)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
    )


@pytest.mark.faults
def test_two_processes_share_one_search(tmp_path):
    workers = [start(tmp_path, 8, 0.05) for _ in range(2)]
    told = []
    for worker in workers:
        output, error = worker.communicate(timeout=300)
        assert worker.returncode == 0, error
        told.append(output.splitlines())
    assert sorted(len(lines) for lines in told)[0] > 0, told
    assert sum(map(len, told)) == 8
    assert all(len(lines) == 1 for lines in calls(tmp_path).values())
    assert len(calls(tmp_path)) == 8
    alone, _ = conduct(job.plan(tmp_path / "alone", 8, prune=False))
    summary = json.loads((tmp_path / "search" / "search.json").read_text())
    coarse = [
        {row["learning_rate"] for row in found["trials"] if row["stage"] == "coarse"}
        for found in (alone, summary)
    ]
    assert coarse[0] == coarse[1]


@pytest.mark.faults
def test_a_trial_of_a_process_that_was_killed_is_gone_on_with(tmp_path):
    worker = start(tmp_path, 4, 0.5)
    first = tmp_path / "search" / "trials" / "coarse-0000" / "calls.txt"
    deadline = time.monotonic() + 120
    while not first.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    config = job.Config(data=tmp_path / "data.h5", seconds=0.5)
    search = job.Search(job.plan(tmp_path, 4, config))
    lines = []
    search.run(lines.append)
    assert len(lines) == 4 and lines[0].startswith("coarse 0:")
    taken = calls(tmp_path)["coarse-0000"]
    assert len(taken) == 2 and taken[0] == taken[1]
    assert {row["state"] for row in job.write_results(search)["trials"]} <= {"complete", "pruned"}
