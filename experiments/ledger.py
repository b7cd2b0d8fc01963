"""The ledger: a row for each evaluation on a test set. No Keras here.

``benchmarks/results/experiments.csv`` in a checkout is written by ``scripts/ledger.py run`` alone;
every other evaluation on a test set adds a row to ``runs/ledger.csv``, with the same columns.
"""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import json
import math
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, MinLen
from typing_extensions import TypedDict

from sightkit import _csv, _files, _locks, _run_files, _schema, _scripts, zoo
from sightkit._errors import SightkitError, in_a_line, visible
from sightkit._regular_file import read_regular_file
from sightkit._schema import Name
from sightkit._scripts import warn
from sightkit.io import DatasetFile
from sightkit.training.environment import describe_environment, read_environment

LOCAL = Path("runs/ledger.csv")
"""Where evaluations go that ``scripts/ledger.py run`` did not begin."""
MEASURED, NOT_RUN = "measured", "not run here"
PACKAGES = ("keras", "tensorflow", "jax", "numpy", "opencv-python")
MOST_BYTES = 2**26
MOST_METRICS = 20
"""Further metrics of a group (those of each class, for example) that a row holds."""
TRAINING_SECONDS = "training_seconds"
"""Metric of a run that was never resumed: seconds of ``training.fit``, all that it does."""
SECONDS = (TRAINING_SECONDS, "training_cpu_seconds")
"""The same of the processor, all cores together, where the script measured them."""
PATIENCE = 10.0
"""Seconds that an evaluation waits for another process that writes the same file."""
AT_LEAST_0, AT_LEAST_1 = Ge(0), Ge(1)
Share = Annotated[float, Ge(0), Le(1)]


class Row(TypedDict):
    """A row; None where it is not known. Metrics are 0–1, epochs and losses as they are."""

    date: Annotated[str, MinLen(10)]
    status: Literal["measured", "not run here"]
    experiment: Name
    recipe: Name
    command: str
    network: str
    parameters: Annotated[int, AT_LEAST_0] | None
    data: str
    data_sha256: str
    train_images: Annotated[int, AT_LEAST_1] | None
    test_images: Annotated[int, AT_LEAST_1] | None
    seed: Annotated[int, AT_LEAST_0] | None
    rank1: Share | None
    rank5: Share | None
    loss: float | None
    validation_rank1: Share | None
    metrics: dict[str, float]
    epochs: Annotated[int, AT_LEAST_1] | None
    epoch_seconds: Annotated[float, AT_LEAST_0] | None
    minutes: Annotated[float, AT_LEAST_0] | None
    device: str
    cores: Annotated[int, AT_LEAST_1] | None
    versions: str
    commit: str
    weights_sha256: str
    reference: float | None
    source: str


COLUMNS = tuple(Row.__annotations__)
TEXTS = ("date", "status", "experiment", "recipe", "command", "network", "data", "data_sha256")
TEXTS += ("device", "versions", "commit", "weights_sha256", "source")
OWN_METRICS = ("rank1", "rank5", "loss", "count")


def read(path: Path) -> list[Row]:
    """Read a ledger; no rows where there is no file.

    Raises:
        SightkitError: it cannot be read, has other columns, or a damaged row, by its number.
    """
    if not path.exists():
        return []
    step = "Take the file of the last commit, or remove what is damaged."
    try:
        text = read_regular_file(path, MOST_BYTES).decode("utf-8")
        table = csv.reader(io.StringIO(text, newline=""), strict=True)
        if tuple(next(table, ())) != COLUMNS:
            raise ValueError("its columns are not those of a ledger")
        return [_row(table.line_num, cells) for cells in table]
    except (OSError, ValueError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise SightkitError(
            f"{path.name} must be as it was written: {reason}.", step, path=str(path)
        ) from error


def _row(line: int, cells: list[str]) -> Row:
    where = f"line {line}"
    try:
        if len(cells) != len(COLUMNS):
            raise ValueError(f"{len(cells)} values in place of {len(COLUMNS)}")
        values: dict[str, Any] = dict(zip(COLUMNS, cells, strict=True))
        for name, cell in values.items():
            where = f"line {line}, {name} {cell!r}"
            known = _csv.without_apostrophe(cell)
            values[name] = known if name in TEXTS else json.loads(known or "null")
            if name == "date":
                datetime.date.fromisoformat(known)
        where = f"line {line}"
        row = _schema.checked({**values, "metrics": values["metrics"] or {}}, Row)
        given = re.search(r"--seed\W(\d+)", row["command"])
        if given and int(given[1]) != row["seed"]:
            raise ValueError(f"its command has seed {given[1]}, its row {row['seed']}")
        return row
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{where[:100]} is no number") from error
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def append(path: Path, row: Mapping[str, Any]) -> None:
    """Add a row to a ledger, under a lock; a kill leaves the file as it was.

    Raises:
        SightkitError: other columns, a folder that cannot be written to, or another process that
            holds the lock for more than ten seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    filled = {**dict.fromkeys(COLUMNS), **row}
    metrics = filled["metrics"]
    filled["metrics"] = _files.json_text(metrics) if metrics else None
    with _held(_locks.FileLock(path.with_name(f".{path.name}.lock"), f"the ledger {path.name}")):
        _csv.append_row(path, filled, COLUMNS)


@contextlib.contextmanager
def _held(lock: _locks.FileLock) -> Iterator[None]:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            lock.acquire()
            break
        except SightkitError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
    try:
        yield
    finally:
        lock.release()


def record_run(folder: Path, minutes: float | None = None) -> None:
    """Add a finished run to ``runs/ledger.csv``, as ``record``."""
    record(lambda: row_of_run(folder, minutes))


def record(make: Callable[[], Mapping[str, Any]]) -> None:
    """Add the row that ``make()`` returns to ``runs/ledger.csv``.

    An evaluation does not fail for it: where it cannot be added, a line on stderr says why.
    """
    try:
        append(LOCAL, make())
    except Exception as error:
        reason = str(error) if isinstance(error, SightkitError) else in_a_line(error)
        warn(f"The evaluation is not in {LOCAL}: {reason}")


def record_evaluation(
    experiment: str, metrics: Mapping[str, Any], data: Path, split: str = "test", **facts: Any
) -> None:
    """Add an evaluation that is no run's to ``runs/ledger.csv``, as ``record``.

    Args:
        experiment: name of the script.
        metrics: as in metrics.json.
        data: dataset file, or folder.
        split: of the file; those of training and validation add no row.
        **facts: further columns.
    """
    if data.is_file() and split in ("train", "validation"):
        return

    def make() -> dict[str, Any]:
        sha256 = None
        if data.is_file():  # of annotations, or a dataset file
            table = data.suffix in (".json", ".csv")
            sha256 = _files.sha256(data) if table else DatasetFile.open(data).sha256
        command = shlex.join(sys.argv) if _scripts.command_line else ""
        where = {"command": command, "data": {"file": str(data), "sha256": sha256}}
        row = row_of(metrics, {**describe_environment(), **where})
        return {**row, "experiment": experiment, **facts}

    record(make)


def row_of_run(folder: Path, minutes: float | None = None) -> dict[str, Any]:
    """Return the row of a finished run, from the files in its folder."""
    config = _files.stored_json(folder / _run_files.CONFIG)
    bundle = _files.stored_json(folder / _run_files.BUNDLE / "bundle.json")
    metrics = _files.stored_json(folder / _run_files.METRICS)
    environment = read_environment(folder)
    if features := config.get("features"):  # of a head
        hashes = " ".join(metrics["data_sha256"])
        environment["data"] = {"file": Path(features[0]).name, "sha256": hashes}
    row = row_of(metrics, environment)
    known = () if environment.get("resumed") else environment.keys() & {*SECONDS}
    return {
        **row,
        "metrics": {**row["metrics"], **{name: environment[name] for name in sorted(known)}},
        "experiment": config["experiment"],
        "recipe": config.get("recipe", "best"),
        "network": zoo.name_of(bundle["network"]) if bundle.get("network") else "",
        "seed": config.get("seed"),
        "epochs": config.get("epochs"),
        "minutes": minutes if minutes is None else round(minutes, 2),
    }


def row_of(metrics: Mapping[str, Any], environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return what metrics and environment of an evaluation give a row.

    Args:
        metrics: those of metrics.json.
        environment: that of environment.json.
    """
    test, data = metrics["test"], environment.get("data") or {}
    packages = {**environment["versions"], "python": environment["python"]}
    names = [name for name in PACKAGES if name in ("keras", environment["backend"])]
    names += [name for name in PACKAGES if name not in ("keras", "tensorflow", "jax")]
    return {
        "date": datetime.date.today().isoformat(),
        "status": MEASURED,
        "recipe": "best",
        "command": environment.get("command", ""),
        "parameters": metrics.get("parameters"),
        "data": Path(data.get("file") or "").name,
        "data_sha256": data.get("sha256") or "",
        "train_images": metrics.get("train", {}).get("count", metrics.get("training_photos")),
        "test_images": test.get("count", test.get("pictures")),
        "rank1": test.get("rank1"),
        "rank5": test.get("rank5"),
        "loss": test.get("loss"),
        "validation_rank1": metrics.get("validation", {}).get("rank1"),
        "metrics": _further(test),
        "device": environment["device"],
        "cores": environment["cores"],
        "versions": ", ".join(f"{name} {packages.get(name)}" for name in ("python", *names)),
        "commit": environment.get("commit") or "",
        "weights_sha256": metrics.get("weights_sha256", ""),
    }


def _further(test: Mapping[str, Any]) -> dict[str, float]:
    """Return a test's numbers beside those that have a column; ``macro.f1`` is one of a group.

    Of each class there is the recall, ``recall.dog``, where it is defined.
    """
    found: dict[str, float] = {}
    classes = test.get("per_class", ())
    recall = {visible(row["class"]): row["recall"] for row in classes}
    for name, value in {**test, "recall": recall}.items():
        if isinstance(value, Mapping) and name != "intervals" and len(value) <= MOST_METRICS:
            group = {f"{name}.{key}": each for key, each in value.items()}
        else:
            group = {name: value}
        numbers = {key: each for key, each in group.items() if isinstance(each, int | float)}
        found |= {key: each for key, each in numbers.items() if math.isfinite(each)}
    return {name: value for name, value in found.items() if name not in OWN_METRICS}


def metric(row: Mapping[str, Any], name: str) -> float | None:
    """Return a metric of a row, from its column or among the further ones."""
    return row[name] if name in OWN_METRICS[:3] else row["metrics"].get(name)
