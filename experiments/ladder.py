"""The ladder of an experiment: from a plain recipe, step by step, to its best one."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from sightkit.experiments import ledger
from sightkit.experiments.differences import p_value
from sightkit.experiments.ledger_series import Series, difference, line, table, title
from sightkit.experiments.ledger_wanted import Checkout

COLUMNS = ("step", "recipe", "test rank-1, %", "runs", "seconds of training", "points", "95 %", "p")


def ladders(checkout: Checkout, series: Sequence[Series]) -> str:
    """Return a heading and a Markdown table for each experiment with a ladder, on each device.

    Each step is compared with the one before it that was measured, in pairs of runs of the same
    seed: the mean difference, its 95 % interval and the p-value of the paired t-test.

    Args:
        checkout: whose ledger it is.
        series: those ``by_device``.
    """
    parts = []
    steps = [each for each in series if each.wanted.step and each.ran]
    for place in dict.fromkeys((each.wanted.experiment, each.device) for each in steps):
        own = [each for each in steps if (each.wanted.experiment, each.device) == place]
        lines = table(COLUMNS)
        for before, each in zip([None, *own], own, strict=False):
            recipe = f"`--recipe {each.wanted.recipe}`"
            cells = [each.wanted.step, recipe, each.result, str(len(each.values)), _seconds(each)]
            lines.append(line([*cells, *_difference(before, each)]))
        parts += [f"## {title(checkout, own[0].wanted)}: {own[0].device}", "\n".join(lines)]
    return "\n\n".join(parts) or "No ladder was measured yet."


def _seconds(series: Series) -> str:
    found = [ledger.metric(row, ledger.TRAINING_SECONDS) for row in series.rows.values()]
    known = [value for value in found if value is not None]
    return f"{statistics.median(known):.1f}" if known else "–"


def _difference(before: Series | None, after: Series) -> list[str]:
    pairs = [] if before is None else after.differences(before)
    if before is None or len(pairs) < 2:
        return ["", "", ""]
    p = p_value(pairs)
    return [*difference(after, before), f"{p:.3f}" if p >= 0.001 else "< 0.001"]
