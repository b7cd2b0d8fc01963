"""One run of the ledger again: reproduced or not."""

from __future__ import annotations

import difflib
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from sightkit._errors import SightkitError, few
from sightkit.experiments import ledger
from sightkit.experiments.differences import prediction_interval
from sightkit.experiments.ledger_run import Running, is_finished
from sightkit.experiments.ledger_wanted import Checkout, Command, Wanted
from sightkit.io import DatasetFile

MACHINE = ("device", "cores", "versions", "commit")


def verify(
    checkout: Checkout, experiment: str, recipe: str = "best", seed: int | None = None
) -> str:
    """Run an experiment of the ledger again and compare the result.

    Args:
        checkout: whose ledger it is.
        experiment: as the ledger names it.
        recipe: of the run.
        seed: of the run; the lowest that was measured by default.

    Returns:
        A line that says how it was reproduced: bit for bit, or within the 95 % interval of one
        more run, by the spread of the seeds.

    Raises:
        SightkitError: it was not reproduced; it was never measured; or the data are others.
    """
    measured = [row for row in checkout.rows() if row["status"] == ledger.MEASURED]
    rows = {
        row["seed"]: row
        for row in measured
        if (row["experiment"], row["recipe"]) == (experiment, recipe) and row["seed"] is not None
    }
    known = min(rows, default=-1) if seed is None else seed
    found = [each for each in checkout.wanted() if each.series == (experiment, recipe)]
    if known not in rows:
        listed = any(seed is None or seed <= each.seeds for each in found if each.here)
        raise SightkitError(
            "Only what was measured can be verified.",
            f"scripts/ledger.py run --only {experiment} measures it."
            if listed
            else _measured_like(experiment, sorted(rows), measured, checkout.results.name),
            experiment=experiment,
            recipe=recipe,
            **({} if seed is None else {"seed": seed}),
        )
    wanted = found[0] if found else Wanted(experiment, recipe)
    row, command = rows[known], checkout.command(wanted, known)
    _require_data(command, row)
    folder = checkout.folder(wanted, known, "verify-")
    print(f"{command}", flush=True)
    running = Running(folder, command.words(folder, again=is_finished(folder)), checkout.root)
    running.watch(require=lambda data: _require_hash(data["sha256"], row, data["file"]))
    again = ledger.row_of_run(folder, running.minutes)
    _require_hash(again["data_sha256"], row, again["data"])
    return _compare(
        wanted, again, row, [each for each in rows.values() if each["device"] == row["device"]]
    )


def _measured_like(
    experiment: str, seeds: Sequence[int], rows: Sequence[ledger.Row], file: str
) -> str:
    """Return what was measured in place of a row that is not there."""
    if seeds:
        return f"Its seeds are {few(list(map(str, seeds)))}."
    if recipes := {row["recipe"] for row in rows if row["experiment"] == experiment}:
        return f"Its recipes are {'; '.join(sorted(recipes))}."
    near = difflib.get_close_matches(experiment, {row["experiment"] for row in rows}, 3)
    meant = f"Perhaps it is {' or '.join(near)}. " if near else ""
    return f"{meant}Name one of the rows of {file}."


def _require_data(command: Command, row: ledger.Row) -> None:
    """Raise, before anything runs, where the data exist and are others."""
    data = getattr(command.config, "data", None)
    if data is not None and data.is_file():
        _require_hash(DatasetFile.open(data).sha256, row, str(data))


def _require_hash(found: str, row: ledger.Row, data: str) -> None:
    if row["data_sha256"] and found != row["data_sha256"]:
        raise SightkitError(
            "A run is verified on the data of its row.",
            "Build that dataset file again, or measure anew.",
            ledger=row["data_sha256"],
            found=found,
            data=data,
        )


def _compare(
    wanted: Wanted, again: Mapping[str, Any], row: ledger.Row, measured: list[ledger.Row]
) -> str:
    value, before = ledger.metric(again, wanted.metric), ledger.metric(row, wanted.metric)
    shown = f"{wanted.metric} {value}, seed {row['seed']}"
    if again["weights_sha256"] == row["weights_sha256"] and value == before:
        return f"Reproduced bit for bit: {shown}."
    if all(again[name] == row[name] for name in MACHINE) and not row["commit"].endswith("-dirty"):
        raise SightkitError(
            "The same machine, versions and commit must give the same bits.",
            ledger=before,
            found=value,
            seed=row["seed"],
        )
    values = [v for each in measured if (v := ledger.metric(each, wanted.metric)) is not None]
    if value is None or len(values) < 2:
        raise SightkitError(
            "Other bits can be compared by the spread of several seeds only.",
            "Measure more seeds.",
            ledger=before,
            found=value,
        )
    mean, spread = statistics.fmean(values), statistics.stdev(values)
    low, high = prediction_interval(values)
    if wanted.percent:
        low, high = max(low, 0.0), min(high, 1.0)
    stated = (
        f"{mean:.4f} ± {spread:.4f} of {len(values)} seeds, 95 % of further runs between "
        f"{low:.4f} and {high:.4f}"
    )
    if not low <= value <= high:
        raise SightkitError(
            f"Not reproduced: the result must be within the spread of its row ({stated}).",
            found=value,
            seed=row["seed"],
        )
    return f"Reproduced within the spread ({stated}): {shown}."
