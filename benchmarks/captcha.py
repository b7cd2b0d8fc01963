"""Draw the learning curves of captchas that are read whole, from the ledger's rows.

sightkit ledger run --only train_captcha_text    # measures what is missing
python benchmarks/captcha.py                     # draws docs/captcha_curve.png
python benchmarks/tables.py                      # writes the tables of docs/captcha.md
"""

from __future__ import annotations

import shlex
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, _files
from sightkit.experiments import ledger

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "experiments.csv"
EXPERIMENT = "train_captcha_text"
METHODS = {"ctc": "CTC", "heads": "four heads"}
ALL = 797
"""Pictures of the 4-character set that are not tested."""

Series = dict[tuple[str, int], list[dict[str, float]]]
"""Method and pictures to the metrics of each seed."""


@dataclass(frozen=True)
class Config:
    """Draw the learning curves."""

    output: Path = ROOT / "docs" / "captcha_curve.png"
    """Picture to write."""


def main(config: Config) -> None:
    import matplotlib.pyplot as plt

    found = series(ledger.read(RESULTS))
    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for method, name in METHODS.items():
        counts = sorted(pictures for each, pictures in found if each == method)
        values = [[100 * row["texts_right"] for row in found[method, n]] for n in counts]
        (line,) = axes.plot(counts, [*map(statistics.fmean, values)], marker="o", label=name)
        for count, each in zip(counts, values, strict=True):
            axes.plot([count] * len(each), each, ".", color=line.get_color(), alpha=0.5)
    axes.axhline(98, color="grey", linewidth=0.8, linestyle="--")
    axes.set_xscale("log")
    every = sorted({pictures for _, pictures in found})
    axes.set_xticks(every, [*map(str, every)])
    axes.minorticks_off()
    axes.set(xlabel="pictures for training and validation", ylabel="whole texts right, %")
    axes.set_ylim(top=100.5)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    _files.save_figure(config.output, figure)
    print(config.output)


def series(rows: Sequence[Mapping[str, Any]]) -> Series:
    """Group the rows of the ledger by method and number of pictures."""
    found: Series = defaultdict(list)
    for row in rows:
        if row["experiment"] == EXPERIMENT and row["status"] == ledger.MEASURED:
            _, *words = shlex.split(row["recipe"])
            flags = dict(zip(words[::2], words[1::2], strict=True))
            key = flags.get("--method", "ctc"), int(flags.get("--pictures", ALL))
            found[key].append(row["metrics"])
    return dict(found)


def curve_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table: whole texts right by method and number of pictures."""
    found = series(rows)
    lines = ["| pictures | " + " | ".join(f"{name}, %" for name in METHODS.values()) + " |"]
    lines.append("|---" * (1 + len(METHODS)) + "|")
    for count in sorted({pictures for _, pictures in found}):
        cells = [_mean([row["texts_right"] for row in found.get((m, count), [])]) for m in METHODS]
        lines.append(f"| {count} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def refusal_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table: what is answered by the seeds with all pictures, and what it costs."""
    lines = [
        "| | parameters | runs | whole texts right, % | answered, % | of them wrong | "
        "right at least, % | CPU seconds / 2 | minutes |",
        "|---" * 9 + "|",
    ]
    for method, name in METHODS.items():
        own = series(rows).get((method, ALL), [])
        if not own:
            continue
        parameters = {row["parameters"] for row in rows if _is(row, method)}
        wrong, given = (sum(int(r[f"refusal.{k}"]) for r in own) for k in ("wrong", "answered"))
        bounds = [100 * row["refusal.right_at_least"] for row in own]
        cells = [
            name,
            ", ".join(f"{each:,}" for each in parameters),
            str(len(own)),
            _mean([row["texts_right"] for row in own]).partition(" (")[0],
            _mean([row["refusal.share"] for row in own]).partition(" (")[0],
            f"{wrong} of {given}",
            f"{min(bounds):.1f}–{max(bounds):.1f}",
            f"{statistics.fmean(row['training_cpu_seconds'] for row in own) / 2:.0f}",
            f"{statistics.fmean(row['training_seconds'] for row in own) / 60:.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _is(row: Mapping[str, Any], method: str) -> bool:
    recipe = "best" if method == "ctc" else f"best --method {method}"
    return row["experiment"] == EXPERIMENT and row["recipe"] == recipe


def _mean(shares: Sequence[float]) -> str:
    """Mean ± standard deviation of shares, in %, and of how many."""
    values = [100 * share for share in shares]
    if len(values) < 2:
        return f"{values[0]:.1f}" if values else "–"
    return f"{statistics.fmean(values):.2f} ± {statistics.stdev(values):.2f} (n = {len(values)})"


if __name__ == "__main__":
    _cli.run(main, Config)
