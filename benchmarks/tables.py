"""Write the README's table of results from the ledger.

python benchmarks/tables.py            # rewrite the part between the markers
python benchmarks/tables.py --check    # only say whether it is up to date (exit code 2 if not)
"""

from __future__ import annotations

import csv
import statistics
from dataclasses import dataclass
from pathlib import Path

from sightkit import _cli, _files
from sightkit._errors import SightkitError

ROOT = Path(__file__).parents[1]
LEDGER = ROOT / "benchmarks" / "results" / "experiments.csv"
README = ROOT / "README.md"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
TITLES = {
    "train_lenet_digits": ("LeNet", "digits (scikit-learn)"),
    "train_lenet_mnist": ("LeNet", "MNIST"),
}


@dataclass(frozen=True)
class Config:
    """Generate the table of results."""

    check: bool = False
    """Change nothing; fail if the README is not what the ledger says."""


def main(config: Config) -> None:
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    wanted = f"{before}{BEGIN}\n{table(read_ledger())}\n{END}{after}"
    if config.check:
        if text != wanted:
            raise SightkitError(
                "The README's table of results must be the one that the ledger gives.",
                "Run python benchmarks/tables.py and commit README.md.",
            )
        print("README.md is up to date.")
    elif text != wanted:
        _files.write_text(README, wanted)


def read_ledger() -> list[dict[str, str]]:
    """The newest row of each experiment, flags and seed."""
    with LEDGER.open(encoding="utf-8", newline="") as file:
        newest = {(r["experiment"], r["flags"], r["seed"]): r for r in csv.DictReader(file)}
    return list(newest.values())


def table(rows: list[dict[str, str]]) -> str:
    """A Markdown table, one line an experiment: mean ± standard deviation over seeds."""
    lines = [
        "| network | data | parameters | test rank-1, % | seeds | seconds | device | command |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for experiment, flags in dict.fromkeys((row["experiment"], row["flags"]) for row in rows):
        group = [row for row in rows if (row["experiment"], row["flags"]) == (experiment, flags)]
        network, data = TITLES.get(experiment, (experiment, ""))
        first = group[0]
        accuracy = _spread([100 * float(row["rank1"]) for row in group], 2)
        seconds = statistics.median(float(row["seconds"]) for row in group)
        lines.append(
            f"| {network} | {data} | {int(first['parameters']):,} | {accuracy} | {len(group)} | "
            f"{seconds:.0f} | {first['device']}, {first['cores']} cores | "
            f"`python scripts/{experiment}.py{' ' + flags if flags else ''}` |"
        )
    return "\n".join(lines)


def _spread(values: list[float], digits: int) -> str:
    mean = f"{statistics.mean(values):.{digits}f}"
    return f"{mean} ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else mean


if __name__ == "__main__":
    _cli.run(main, Config)
