"""Rows of the ledger that are averaged, and the Markdown that they are shown in."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from sightkit._errors import SightkitError
from sightkit.experiments import ledger
from sightkit.experiments.differences import mean_difference
from sightkit.experiments.ledger_wanted import Checkout, Wanted


@dataclass(frozen=True)
class Series:
    """Rows of one experiment and recipe: what is averaged, the newest row of each seed.

    Attributes:
        wanted: what the list says of it.
        rows: by their seed; where it was not run, one row.
    """

    wanted: Wanted
    rows: dict[int | None, ledger.Row]

    @property
    def first(self) -> ledger.Row:
        """One of the rows, for what they share."""
        return next(iter(self.rows.values()))

    @property
    def ran(self) -> bool:
        """Whether it was measured, not only timed."""
        return self.first["status"] == ledger.MEASURED

    @property
    def minutes(self) -> dict[str, float]:
        """The median of a run by device and cores; of one that was not run, extrapolated."""
        found: dict[str, list[float]] = {}
        for row in self.rows.values():
            found.setdefault(device_of(row), []).append(row["minutes"] or 0.0)
        return {device: statistics.median(each) for device, each in found.items()}

    @property
    def device(self) -> str:
        """Device and cores; of several, which agree in accuracy but not in bits, all of them."""
        return " / ".join(self.minutes)

    @property
    def values(self) -> dict[int | None, float]:
        """The metric by seed, in % where it is a share."""
        found = {seed: ledger.metric(row, self.wanted.metric) for seed, row in self.rows.items()}
        scale = 100 if self.wanted.percent else 1
        return {seed: scale * value for seed, value in found.items() if value is not None}

    @property
    def result(self) -> str:
        """Mean ± standard deviation, and what of, where that is not rank-1."""
        values = list(self.values.values())
        spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
        name = "" if self.wanted.metric == "rank1" else f" ({self.wanted.metric})"
        return f"{statistics.fmean(values):.2f}{spread}{name}" if values else "–"

    @property
    def reference(self) -> str:
        """The figure that others report."""
        value = self.wanted.reference
        return "" if value is None else f"{value * (100 if self.wanted.percent else 1):.2f}"

    def differences(self, base: Series) -> list[float]:
        """Return the differences from another recipe's values, of the runs of the same seed."""
        return [value - base.values[n] for n, value in self.values.items() if n in base.values]


def series_of(
    wanted: Sequence[Wanted], rows: Sequence[ledger.Row], *, by_device: bool = False
) -> list[Series]:
    """Group the rows of a ledger, in the order of the list; experiments that it lacks come last.

    Args:
        wanted: the list.
        rows: of the ledger.
        by_device: those of each device and number of cores apart, where times are compared.

    Raises:
        SightkitError: seeds that are averaged are of different networks or data.
    """
    known = {each.series: each for each in wanted}
    for row in rows:
        series = row["experiment"], row["recipe"]
        known.setdefault(series, Wanted(*series))
    found: list[Series] = []
    for series, each in known.items():
        groups: dict[tuple[object, ...], Series] = {}
        for row in rows:
            if (row["experiment"], row["recipe"]) == series:
                key = row["status"], *((row["device"], row["cores"]) if by_device else ())
                groups.setdefault(key, Series(each, {})).rows[row["seed"]] = row
        measured = any(group.ran for group in groups.values())
        found += [group for group in groups.values() if group.ran or not measured]
    for each in found:
        _require_one("parameters", each)
        if not each.wanted.divisions:
            _require_one("data_sha256", each)
    return found


def difference(series: Series, base: Series) -> list[str]:
    """Return the mean difference from another recipe, in pairs of runs, and its 95 % interval."""
    seeds = series.values.keys() & base.values.keys()
    if any(series.rows[n]["data_sha256"] != base.rows[n]["data_sha256"] for n in seeds):
        return ["–", "their data differ"]
    test, train = series.first["test_images"], series.first["train_images"]
    ratio = test / train if series.wanted.divisions and test and train else 0.0
    mean, low, high = mean_difference(series.differences(base), ratio)
    return [each.replace("-", "−") for each in (f"{mean:+.2f}", f"{low:+.2f} to {high:+.2f}")]


def device_of(row: ledger.Row) -> str:
    """Return device and cores: GPU A, 2 cores."""
    return f"{row['device']}, {row['cores']} core{'s' * (row['cores'] != 1)}"


def _require_one(column: str, series: Series) -> None:
    values = sorted({str(row[column]) for row in series.rows.values()})
    if len(values) > 1:
        raise SightkitError(
            f"Seeds of one experiment must agree in {column} to be averaged.",
            "Remove the rows of the other, and measure them again.",
            experiment=series.wanted.experiment,
            **{column: values},
        )


def title(checkout: Checkout, wanted: Wanted) -> str:
    """Return the first words of a script's docstring, before the colon: LeNet on MNIST."""
    path = checkout.path(wanted.experiment)
    docstring = ast.get_docstring(ast.parse(path.read_bytes())) or wanted.name
    return docstring.partition("\n")[0].partition(":")[0].rstrip(".")


def table(columns: Sequence[str]) -> list[str]:
    """Return the first two lines of a Markdown table."""
    return [line(columns), line(["---"] * len(columns)).replace(" ", "")]


def line(cells: Sequence[str]) -> str:
    """Return a line of a Markdown table."""
    return f"| {' | '.join(cells)} |"
