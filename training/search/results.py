"""Results of a search: rows, a table file and the best values."""

from __future__ import annotations

import statistics
from typing import Any

from sightkit import _csv, _files, _run_files
from sightkit.training.run_folder import bytes_of
from sightkit.training.search.plan import SearchPlan
from sightkit.training.search.space import space_to_json, with_values
from sightkit.training.search.study import STAGES, Search

TABLE, SUMMARY = "trials.csv", "search.json"


def search_rows(search: Search) -> list[dict[str, Any]]:
    """Return a dict a trial, coarse ones first: stage, number, state, value, sd, epochs, values.

    ``value`` is the mean over folds of the objective, None where a trial is not complete;
    ``sd`` is over folds, None for fewer than two. ``epochs`` are those of the first fold that were
    trained, ``reason`` says why a trial failed.
    """
    rows = []
    for stage in STAGES:
        for trial in search.study(stage).get_trials(deepcopy=False):
            folds = trial.user_attrs.get("folds", [])
            rows.append(
                {
                    "stage": stage,
                    "number": trial.number,
                    "state": trial.state.name.lower(),
                    "value": trial.value if trial.state.name == "COMPLETE" else None,
                    "sd": statistics.stdev(folds) if len(folds) > 1 else None,
                    "epochs": len(trial.intermediate_values),
                    **trial.params,
                    "seconds": trial.user_attrs.get("seconds"),
                    "reason": trial.user_attrs.get("reason", ""),
                }
            )
    return rows


def best_row(rows: list[dict[str, Any]], objective: str) -> dict[str, Any] | None:
    """Return the best fine trial; coarse ones trained for fewer epochs and do not compare."""
    done = [row for row in rows if row["stage"] == "fine" and row["state"] == "complete"]
    if not done:
        return None
    return (max if objective == "rank1" else min)(done, key=lambda row: row["value"])


def write_results(search: Search) -> dict[str, Any]:
    """Write trials.csv and search.json into the search's folder.

    Returns:
        What search.json holds: settings, the space of each stage, trials, and the best trial.
    """
    plan = search.plan
    rows = search_rows(search)
    _csv.write_csv(plan.output / TABLE, rows)
    fine = search.study("fine").get_trials(deepcopy=False)
    summary = {
        "settings": plan.settings(),
        "fine_space": space_to_json(fine[0].distributions if fine else plan.space),
        "trials": rows,
        "best": best_row(rows, plan.objective),
    }
    _files.write_json(plan.output / SUMMARY, summary)
    return summary


def describe_results(plan: SearchPlan, summary: dict[str, Any]) -> str:
    """Return the lines for the terminal: folder, best trial, and the command that trains it.

    Args:
        plan: the search.
        summary: what ``write_results`` returned.
    """
    size = bytes_of(plan.output) / 1e6
    found = f"Table, picture and journal are in {plan.output}, {size:,.1f} MB."
    best = summary["best"]
    if best is None:
        return f"{found}\nNo fine trial is complete yet."
    default = type(plan.config).__dataclass_fields__["output"].default
    values = {name: best[name] for name in plan.space if name in best}
    config = with_values(plan.config, values, output=default.with_name("searched"), overwrite=False)
    kept = plan.output / "trials" / f"fine-{best['number']:04d}" / "fold-1" / _run_files.BUNDLE
    if kept.is_dir():
        found += f" The best trial's network is in {kept}."
    return (
        f"{found}\nBest of the fine trials: number {best['number']}, validation {plan.objective} "
        f"{best['value']:.4f}. Train it, and evaluate it once on the test images:\n"
        f"  {config.command(plan.experiment)}"
    )
