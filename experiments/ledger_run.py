"""Measuring what the ledger lacks: runs in processes of their own, stopped and resumed."""

from __future__ import annotations

import contextlib
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from typing_extensions import TypedDict

from sightkit import _files, _run_files, _schema
from sightkit._errors import Interrupted, SightkitError
from sightkit._schema import Whole
from sightkit._scripts import warn
from sightkit.experiments import ledger
from sightkit.experiments.ledger_wanted import Checkout, Command, Wanted, minutes_of, missing
from sightkit.io import DatasetFile
from sightkit.training.environment import read_environment

SECONDS_BETWEEN = 0.2
"""Between two looks at a run."""
EPOCHS_TO_TIME = 2
"""Of a run that is begun only for the time of an epoch: the second has no compilation in it."""


class Progress(TypedDict):
    """How far a run is that was begun; beside its folder."""

    seconds: float
    epochs: Whole
    epoch_seconds: float | None


def measure_missing(checkout: Checkout, *, minutes: float | None = None, only: str = "") -> None:
    """Measure the missing runs, one after the other, and add a row to the ledger for each.

    A run that was begun comes first. One that will not end in time is not begun; one that runs when
    the time is over is stopped by SIGTERM, and resumed by the next call.

    Args:
        checkout: whose ledger it is.
        minutes: after which nothing runs any more; None for as long as it takes.
        only: one experiment alone.

    Raises:
        SightkitError: a damaged ledger or list, or a recipe whose flags its script refuses, before
            anything runs; runs that failed, after all others.
        Interrupted: a signal came; the run is saved.
    """
    end = float("inf") if minutes is None else time.monotonic() + 60 * minutes
    failed: set[tuple[str, str, int]] = set()
    checkout.require_flags(each for each, _ in missing(checkout.wanted(only), checkout.rows()))
    while True:
        rows = checkout.rows()
        candidates = [
            (wanted, seed)
            for wanted, seed in missing(checkout.wanted(only), rows)
            if (*wanted.series, seed) not in failed
        ]
        chosen = choose(checkout, candidates, rows, end - time.monotonic())
        if chosen is None:
            break
        try:
            _measure(checkout, *chosen, end)
        except SightkitError as error:
            warn(error)
            failed.add((*chosen[0].series, chosen[1]))
    left = len(candidates) + len(failed)
    print(f"{left} run(s) are left for another call." if left else "Nothing is left to measure.")
    if failed:
        raise SightkitError(
            "Every run must end without an error; the others were measured.",
            "The lines above name the reasons; give the same command again when they are gone.",
            failed=sorted(f"{experiment} ({recipe}), seed {n}" for experiment, recipe, n in failed),
        )


def choose(
    checkout: Checkout,
    candidates: Sequence[tuple[Wanted, int]],
    rows: Sequence[ledger.Row],
    seconds: float,
) -> tuple[Wanted, int] | None:
    """Return the run to measure next; None where none will end in time.

    Args:
        checkout: in whose folder of runs are those that were begun.
        candidates: the most valuable first.
        rows: of the ledger, which knows how long runs take.
        seconds: that are left.
    """
    if seconds <= 0:
        return None
    for wanted, seed in candidates:
        if wanted.here and read_progress(checkout.folder(wanted, seed)) is not None:
            return wanted, seed
    for wanted, seed in candidates:
        known = minutes_of(wanted, rows) if wanted.here else None
        if known is None or 60 * known <= seconds:
            return wanted, seed
    return None


def read_progress(folder: Path) -> Progress | None:
    """Return how far a run is; None for one that was not begun."""
    path = _progress_file(folder)
    return _schema.read(path, Progress, "Remove it.") if path.is_file() else None


def _progress_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.json")


def _measure(checkout: Checkout, wanted: Wanted, seed: int, end: float) -> None:
    folder, command = checkout.folder(wanted, seed), checkout.command(wanted, seed)
    print(f"{command}", flush=True)
    finished, begun = is_finished(folder), read_progress(folder) is not None
    again = finished and not begun  # it has had its row, perhaps by other settings
    running = Running(folder, command.words(folder, again=again), checkout.root)
    if again or not finished:  # else it was killed between its end and its row
        running.watch(end, epochs=None if wanted.here else EPOCHS_TO_TIME)
    if not wanted.here:
        row = _not_run(command, running)
    elif running.stopped:
        print(f"Stopped after {running.epochs} epochs: the next call resumes it.")
        return
    else:
        row = ledger.row_of_run(folder, running.minutes)
    facts = {"reference": wanted.reference, "source": wanted.source, "command": str(command)}
    named = {"experiment": wanted.experiment, "recipe": wanted.recipe, "seed": seed}
    row = {**row, **facts, **named}
    if running.epoch is not None:
        row.setdefault("epoch_seconds", round(running.epoch, 2))
    ledger.append(checkout.results, row)
    _files.remove(_progress_file(folder))
    print(describe(wanted, {**row, "metrics": row.get("metrics") or {}}), flush=True)


def describe(wanted: Wanted, row: Mapping[str, Any]) -> str:
    """Return a row in a line for the terminal."""
    if row["status"] == ledger.NOT_RUN:
        return f"Not run here: {row['epochs']} epochs of {row['epoch_seconds']:.0f} s."
    value = ledger.metric(row, wanted.metric)
    shown = "none" if value is None else f"{value:.4f}"
    return f"seed {row['seed']}: {wanted.metric} {shown}, {row['minutes']:.1f} minutes"


def is_finished(folder: Path) -> bool:
    """Return whether a run has its metrics and its bundle, which is written last."""
    return (folder / _run_files.METRICS).is_file() and (folder / _run_files.BUNDLE).is_dir()


def _not_run(command: Command, running: Running) -> dict[str, Any]:
    """Return the row of what takes too long: the time of an epoch, and of all, extrapolated."""
    wanted, environment = command.wanted, read_environment(running.folder)
    if running.epoch is None or not environment:
        raise SightkitError(
            f"The time of an epoch of {wanted.name} must be measured, and none has ended.",
            "Give more --minutes.",
        )
    data, epochs, seconds = environment["data"], command.config.epochs, running.epoch
    first, last = DatasetFile.open(data["file"]).rows("train")
    if wanted.images is not None:
        seconds *= wanted.images / (last - first)
    known = ledger.row_of({"test": {"count": None}}, environment)
    return {
        **known,
        "status": ledger.NOT_RUN,
        "train_images": wanted.images or last - first,
        "epochs": epochs,
        "epoch_seconds": round(seconds, 2),
        "minutes": round(epochs * seconds / 60, 2),
    }


@dataclass
class Running:
    """A run in a process of its own, from the outside.

    Attributes:
        folder: of the run.
        words: of the command.
        root: the folder that it runs in.
        stopped: whether it was stopped before its end.
    """

    folder: Path
    words: Sequence[str]
    root: Path
    stopped: bool = False
    _seconds: float = 0.0
    _intervals: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Take over how far it was."""
        self._found = read_progress(self.folder)
        self._before = self._found["seconds"] if self._found else 0.0

    @property
    def minutes(self) -> float:
        """Of all its parts; what a kill cost is not in them."""
        return (self._before + self._seconds) / 60

    @property
    def epochs(self) -> int:
        """Rows of its history: epochs that have ended."""
        path = self.folder / _run_files.HISTORY
        return max(0, path.read_text(encoding="utf-8").count("\n") - 1) if path.is_file() else 0

    @property
    def epoch(self) -> float | None:
        """Seconds of an epoch, the median; None before the first has ended."""
        if self._intervals:
            return statistics.median(self._intervals[1:] or self._intervals)
        return self._found["epoch_seconds"] if self._found else None

    def watch(
        self,
        end: float = float("inf"),
        epochs: int | None = None,
        require: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        """Run it until it ends, or a limit is reached.

        Args:
            end: time of ``time.monotonic`` at which it is stopped.
            epochs: after which it is stopped.
            require: called with file and hash of its data once it has opened them; where it
                raises, the run is stopped.

        Raises:
            SightkitError: it failed; its own message is above.
            Interrupted: a signal came; the run was stopped first.
        """
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        begun, done, start = time.monotonic(), self.epochs, time.time()
        last = begun
        process = subprocess.Popen(self.words, cwd=self.root, start_new_session=True)
        with _stopping(process):
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(SECONDS_BETWEEN)
                if require and (data := self._data(since=start)):
                    require(data)
                    require = None
                now = time.monotonic()
                self._seconds = now - begun
                if (ended := self.epochs) > done:
                    self._intervals.append((now - last) / (ended - done))
                    last, done = now, ended
                    self._write(done)
                if not self.stopped and (now > end or (epochs and done >= epochs)):
                    self.stopped = True
                    process.send_signal(signal.SIGTERM)
        self._write(self.epochs)
        self.stopped = self.stopped and process.returncode != 0
        if process.returncode and not self.stopped:
            raise SightkitError(
                f"The run in {self.folder} ended with exit code {process.returncode}.",
                "Its own message is above.",
            )

    def _data(self, since: float) -> Mapping[str, Any] | None:
        path = self.folder / _run_files.ENVIRONMENT
        if path.is_file() and path.stat().st_mtime >= since:
            return read_environment(self.folder).get("data")
        return None

    def _write(self, done: int) -> None:
        progress = Progress(
            seconds=self._before + self._seconds, epochs=done, epoch_seconds=self.epoch
        )
        _files.write_json(_progress_file(self.folder), progress)


@contextlib.contextmanager
def _stopping(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Stop a process by SIGTERM, and wait for it, where an error or a signal comes meanwhile."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        raise Interrupted(f"Stopped by {name}. The same command continues.", 128 + number)

    before = {n: signal.signal(n, interrupt) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except (SightkitError, Interrupted):
        process.send_signal(signal.SIGTERM)
        process.wait()
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
