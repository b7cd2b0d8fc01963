"""The ladder of an experiment: from a plain recipe, step by step, to its best one."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence

from sightkit.experiments import ledger
from sightkit.experiments.differences import p_value
from sightkit.experiments.ledger_series import Series, device_of, difference, line, table, title
from sightkit.experiments.ledger_wanted import Checkout

COLUMNS = ("step", "recipe", "test rank-1, %", "runs", "seconds of training", "points", "95 %", "p")


def ladders(checkout: Checkout, series: Sequence[Series]) -> str:
    """Return a heading and a Markdown table for each experiment with a ladder.

    Each step is compared with the one before it that was measured, in pairs of runs of the same
    seed, whatever their devices: the mean difference, its 95 % interval and the p-value of the
    paired t-test. Seconds are those on the device of most runs, which the heading names.

    Args:
        checkout: whose ledger it is.
        series: of all devices together.
    """
    parts = []
    steps = [each for each in series if each.wanted.step and each.ran]
    for experiment in dict.fromkeys(each.wanted.experiment for each in steps):
        own = [each for each in steps if each.wanted.experiment == experiment]
        devices = Counter(device_of(row) for each in own for row in each.rows.values())
        device = devices.most_common(1)[0][0]
        lines = table(COLUMNS)
        for before, each in zip([None, *own], own, strict=False):
            recipe = f"`--recipe {each.wanted.recipe}`"
            cells = [each.wanted.step, recipe, each.result, str(len(each.values))]
            lines.append(line([*cells, _seconds(each, device), *_difference(before, each)]))
        heading = f"## {title(checkout, own[0].wanted)}: seconds on {device}"
        parts += [heading, "\n".join(lines)]
    return "\n\n".join(parts) or "No ladder was measured yet."


def _seconds(series: Series, device: str) -> str:
    rows = [row for row in series.rows.values() if device_of(row) == device]
    found = [ledger.metric(row, ledger.TRAINING_SECONDS) for row in rows]
    known = [value for value in found if value is not None]
    return f"{statistics.median(known):.1f}" if known else "–"


def _difference(before: Series | None, after: Series) -> list[str]:
    pairs = [] if before is None else after.differences(before)
    if before is None or len(pairs) < 2:
        return ["", "", ""]
    p = p_value(pairs)
    return [*difference(after, before), f"{p:.3f}" if p >= 0.001 else "< 0.001"]
