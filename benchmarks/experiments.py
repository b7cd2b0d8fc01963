"""Run an experiment with several seeds and write what it reached to the ledger.

    python benchmarks/experiments.py train_lenet_digits --seeds 5

Each seed is a run of the script in a process of its own, in runs/ledger/EXPERIMENT/seed-N; its
row is appended to benchmarks/results/experiments.csv as soon as it is done. Rows are never
removed: the tables take the newest row of each seed.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import shlex
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, _files, _run_files, _scripts
from sightkit._errors import SightkitError

ROOT = Path(__file__).parents[1]
LEDGER = ROOT / "benchmarks" / "results" / "experiments.csv"
COLUMNS: tuple[str, ...] = (
    "date",
    "experiment",
    "flags",
    "seed",
    "rank1",
    "rank5",
    "loss",
    "count",
    "validation_rank1",
    "seconds",
    "parameters",
    "weights_sha256",
    "data_sha256",
    "device",
    "cores",
    "python",
    "keras",
    "backend_version",
    "commit",
)


@dataclass(frozen=True)
class Config:
    """Measure an experiment over several seeds."""

    experiment: Annotated[str, tyro.conf.Positional]
    """Name of a script: train_lenet_digits."""
    seeds: int = 5
    """Number of seeds: 1, 2, …"""
    first_seed: int = 1
    """The first of them."""
    flags: str = ""
    """Further flags of the script, in quotes, as a shell reads them."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        if self.seeds < 1:
            raise SightkitError("--seeds must be at least 1.", seeds=self.seeds)
        try:
            shlex.split(self.flags)
        except ValueError as error:
            raise SightkitError(
                f"--flags must be what a shell reads ({error}).", flags=self.flags
            ) from error
        _scripts.find(self.experiment, ROOT / "scripts")


def main(config: Config) -> list[dict[str, Any]]:
    scripts = ROOT / "scripts"
    script = scripts / f"{_scripts.find(config.experiment, scripts)}.py"
    rows = []
    for seed in range(config.first_seed, config.first_seed + config.seeds):
        folder = ROOT / "runs" / "ledger" / config.experiment / f"seed-{seed}"
        command = [
            sys.executable,
            str(script),
            *shlex.split(config.flags),
            *("--seed", str(seed), "--output", str(folder), "--overwrite"),
        ]
        start = time.perf_counter()
        code = subprocess.run(command, check=False, cwd=ROOT).returncode
        seconds = time.perf_counter() - start
        if code:
            raise SightkitError(
                f"The run of seed {seed} ended with exit code {code}; rows of the seeds before it "
                "are in the ledger.",
                f"Its own message is above; when that is fixed, give --first-seed {seed}.",
                command=shlex.join(command),
            )
        rows.append(_row(config, seed, seconds, folder))
        _append(rows[-1])
        print(f"seed {seed}: rank-1 {rows[-1]['rank1']:.4f}, {seconds:.0f} s")
    print(f"For the docstring of scripts/{config.experiment}.py:\n{measured(config.experiment)}")
    return rows


def _row(config: Config, seed: int, seconds: float, folder: Path) -> dict[str, Any]:
    metrics = json.loads((folder / _run_files.METRICS).read_text())
    environment = json.loads((folder / _run_files.ENVIRONMENT).read_text())
    return {
        "date": datetime.date.today().isoformat(),
        "experiment": config.experiment,
        "flags": shlex.join(shlex.split(config.flags)),
        "seed": seed,
        **{name: metrics["test"][name] for name in ("rank1", "rank5", "loss", "count")},
        "validation_rank1": metrics["validation"]["rank1"],
        "seconds": round(seconds, 1),
        "parameters": metrics["parameters"],
        "weights_sha256": metrics["weights_sha256"],
        "data_sha256": environment["data"]["sha256"],
        "device": environment["device"],
        "cores": environment["cores"],
        "python": environment["python"],
        "keras": environment["versions"]["keras"],
        "backend_version": f"{environment['backend']} "
        f"{environment['versions'][environment['backend']]}",
        "commit": environment["commit"],
    }


def measured(experiment: str) -> str:
    """Return the results for an experiment's docstring: a line for each device and flags.

    Test rank-1 in % (mean ± standard deviation over the newest row of each seed), number of seeds,
    median of the minutes, device.
    """
    rows = []
    if LEDGER.is_file():
        with LEDGER.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["experiment"] == experiment]
    groups: dict[tuple[str, str, str], dict[str, dict[str, str]]] = {}
    for row in rows:
        group = groups.setdefault((row["flags"], row["device"], row["cores"]), {})
        group[row["seed"]] = row
    lines = []
    for (flags, device, cores), group in groups.items():
        values = [100 * float(row["rank1"]) for row in group.values()]
        spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
        minutes = statistics.median(float(row["seconds"]) for row in group.values()) / 60
        lines.append(
            f"Measured: {statistics.fmean(values):.2f}{spread} % (n = {len(values)}"
            f"{', ' + flags if flags else ''}), {minutes:.1f} minutes, {device}, {cores} cores."
        )
    return "\n".join(lines) or "Not measured yet."


def _append(row: dict[str, Any]) -> None:
    """Add a row; the file is replaced atomically, so that a kill leaves the ledger as it was."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    if LEDGER.is_file():
        text.write(LEDGER.read_text(encoding="utf-8"))
    else:
        writer.writeheader()
    writer.writerow(row)
    _files.write_text(LEDGER, text.getvalue())


if __name__ == "__main__":
    _cli.run(main, Config)
