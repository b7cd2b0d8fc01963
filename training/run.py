"""The run folder: its owner, its lock, its environment."""

from __future__ import annotations

import contextlib
import copy
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sightkit import _files, _folders, _locks, _run_files, _scripts
from sightkit._errors import SightkitError
from sightkit._faults import crash_point
from sightkit.training.cluster import find_cluster
from sightkit.training.environment import (
    adopt_threads,
    describe_environment,
    read_environment,
    require_same_environment,
    script_of,
)
from sightkit.training.run_config import RunConfig
from sightkit.training.run_folder import (
    CONTENTS,
    FORMAT,
    SCHEMA,
    bytes_of,
    claim,
    drop_checkpoints,
    lengths,
    parts,
    put_back,
    read_config,
)

MINIMUM_BYTES = 64 * 2**20
"""Pictures, report and a small network; ``fit`` asks for what its checkpoints need."""


class Run:
    """One training's folder, held by one process at a time; use it as a context manager.

    Made by ``Run.open``.

    Attributes:
        folder: where everything is written.
        config: what defines the run, JSON.
        command: the command line that does the same.
        resumed: whether there was a run to continue.
        preflight: whether ``fit`` checks data and network before the first epoch: ``"on"``,
            ``"off"``, or ``"full"`` for gradients against finite differences too.
        checkpoint_style: weights that ``fit`` saves: those of the ``"best"`` epoch, or of all
            ``"improvements"``.
        guard: whether ``fit`` stops a training that does not come back.
        keep: what ``tidy`` leaves: ``"checkpoint"``, one beside the bundle, or ``"bundle"``.
        smoke: whether the result means nothing.
        how_to_resume: next step after an interruption.
        id: by which its checkpoints know it.
        lengths: of a run that was prolonged, its epochs at first, and those it was given since.
    """

    def __init__(self, config: RunConfig, *, experiment: str) -> None:
        self.folder = folder = Path(config.output)
        self.config = {"experiment": experiment, **config.to_json()}
        self.command = config.command(experiment)
        self.resumed = False
        self.preflight = config.preflight
        self.checkpoint_style = config.checkpoints
        self.guard = config.guard == "on"
        self.keep = config.keep
        self.smoke = config.smoke
        self.how_to_resume = config.how_to_resume
        self._lock = _locks.FileLock(folder / _run_files.LOCK, f"the run {folder.name}")
        self._script = script_of(config)
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self.lengths: list[int] = []
        self.id = secrets.token_hex(8)

    @classmethod
    def open(cls, config: RunConfig, *, experiment: str) -> Run:
        """Take the folder ``config.output`` for a run.

        A new or empty folder becomes the run's, and so does that of a run which never finished an
        epoch: there is nothing to lose. A folder that holds this very run is taken with
        ``resume``, also where its data were moved, or where more epochs are wanted of a finished
        one; with ``overwrite`` that of any run of the experiment. Files that no run writes are
        never deleted. A resume takes over the number of threads that the run was begun with.

        Of several processes (``config.distribute``) the first has this folder, the others one of
        their own until they end.

        What is overwritten is put aside until the new run has a checkpoint (``start``, which
        ``fit`` calls) or ends without an error: if it fails before, or is killed, the old run comes
        back, at once or when the folder is opened next, whatever the new one has written.

        Args:
            config: flags of the experiment; see ``RunConfig``.
            experiment: name of the script; a run is resumed by its own experiment only.

        Raises:
            SightkitError: the folder is something else, another configuration's, in use, not
                writable, or the disk is too small. Nothing has been changed then.
        """
        scratch = None
        if config.distribute != "none" and (found := find_cluster()) and found.rank:
            scratch, config = elsewhere(config)
        folder = Path(config.output)
        _files.require_writable(folder)
        _files.require_free_space(folder, MINIMUM_BYTES, f"the run {folder.name}")
        run = cls(config, experiment=experiment)
        run._scratch = scratch
        if _files.is_own_folder(run.path(_run_files.REPLACED)):  # its successor never started
            with run._lock:
                put_back(folder)
        claim(config, experiment)
        folder.mkdir(parents=True, exist_ok=True)
        run._lock.acquire()
        try:
            put_back(folder)  # another process may have had it in between
            kept = claim(config, experiment)
            run.resumed = kept and config.resume
            checkpoints = folder / _run_files.CHECKPOINTS
            phases = checkpoints.iterdir() if checkpoints.is_dir() else ()
            for part in (folder, checkpoints, *filter(Path.is_dir, phases)):
                _folders.remove_partial(part)
            if run.resumed:
                run._require_checkpoints()
                adopt_threads(read_environment(folder))
                run._prolong()
            else:
                if config.resume:
                    print(f"There is nothing to resume in {folder}: the run begins.")
                run._begin(keep=kept)
        except BaseException:
            run.__exit__(*sys.exc_info())
            raise
        return run

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: object = None, *rest: object) -> None:
        try:
            if kind is None:
                self.start()
            else:
                put_back(self.folder)
        finally:
            self._lock.release()
            if self._scratch:
                self._scratch.cleanup()

    def start(self) -> None:
        """Delete the run that this one replaces.

        Call it in a training loop without ``fit``, once there is something to continue from.
        """
        crash_point("run.start")
        _folders.drop(self.path(_run_files.REPLACED))

    def close(self) -> None:
        """Give the folder back."""
        self.__exit__()

    def path(self, name: str) -> Path:
        """Return the path of a file in the folder; names are constants of ``_run_files``."""
        return self.folder / name

    def checkpoints(self, phase: str = "") -> Path:
        """Return the folder of the checkpoints, or of those of a phase; made where missing."""
        folder = self.path(_run_files.CHECKPOINTS) / phase
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def tidy(self) -> None:
        """Delete what a finished run needs no more, once its bundle is written.

        Of the checkpoints that is all but the newest of each phase, and with ``--keep bundle``
        every one.
        """
        if self.keep == "bundle":
            drop_checkpoints(self.folder)
            return
        checkpoints = self.path(_run_files.CHECKPOINTS)
        for folder in (checkpoints, *checkpoints.glob("*/")):
            for old in sorted(folder.glob(_run_files.CHECKPOINT_PATTERN))[:-1]:
                old.unlink()
        if checkpoints.is_dir() and not any(checkpoints.iterdir()):
            checkpoints.rmdir()  # of a run that trains by other means

    def describe(self, bundle: str = CONTENTS[_run_files.BUNDLE]) -> str:
        """List the files in the folder, a line each, for the terminal; the report comes last.

        Args:
            bundle: what the bundle is for, where it is no classifier's.
        """
        lines = [f"Everything is in {self.folder}, {bytes_of(self.folder) / 1e6:,.1f} MB:"]
        for name, what in CONTENTS.items():
            if self.path(name).exists():
                lines.append(f"  {name:<22}{bundle if name == _run_files.BUNDLE else what}")
        if self.path(_run_files.REPORT).exists():
            lines.append(_run_files.report_line(self.folder))
        return _scripts.as_given("\n".join(lines))

    def write_environment(self, **facts: Any) -> None:
        """Write versions, device, commit and further facts as JSON.

        A resumed run keeps those that it was begun on, and adds an entry to ``resumed``.

        Args:
            **facts: what else must not change in between; ``data`` is the dataset file's name and
                ``sha256``.

        Raises:
            SightkitError: a resume with other data, another backend, or other threads.
        """
        path = self.path(_run_files.ENVIRONMENT)
        where = {"command": self.command, "script": self._script, "folder": os.getcwd()}
        now = {**where, **describe_environment(), **facts}
        recorded = read_environment(self.folder) if self.resumed else {}
        if recorded:
            differences = require_same_environment(recorded, now)
            resumes = [*recorded.get("resumed", ()), {"commit": now["commit"], **differences}]
            now = {**recorded, "resumed": resumes}
        _files.write_json(path, now)

    @contextlib.contextmanager
    def timed(self) -> Iterator[None]:
        """Write the seconds that a block of training takes, see ``write_training_seconds``."""
        begin, cpu = time.monotonic(), time.process_time()
        yield
        self.write_training_seconds(time.monotonic() - begin, time.process_time() - cpu)

    def write_training_seconds(self, seconds: float, cpu_seconds: float | None = None) -> None:
        """Add the seconds that training took to environment.json; not of a resumed run.

        Args:
            seconds: by the clock, beside whatever else the machine did.
            cpu_seconds: of the processor, of all cores together.
        """
        if not self.resumed:
            took = {"training_seconds": seconds, "training_cpu_seconds": cpu_seconds}
            known = {name: round(each, 2) for name, each in took.items() if each is not None}
            path = self.path(_run_files.ENVIRONMENT)
            _files.write_json(path, {**read_environment(self.folder), **known})

    def _require_checkpoints(self) -> None:
        """Raise where a finished run has nothing to continue from: it would begin anew."""
        finished = self.path(_run_files.BUNDLE).exists()
        if finished and not self.path(_run_files.CHECKPOINTS).exists():
            raise SightkitError(
                "The run is finished, and its checkpoints were deleted (--keep bundle).",
                "Give --overwrite to train it anew, or another --output.",
                output=str(self.folder),
            )

    def _prolong(self) -> None:
        """Take over the lengths that the run had, and add one where more epochs are wanted."""
        path = self.path(_run_files.CONFIG)
        found = read_config(self.folder)
        before, wanted = lengths(found), self.config.get("epochs", 0)
        if wanted != before[-1]:
            before = [*before, wanted]
            _files.write_json(path, {**found, "epochs": wanted, "lengths": before})
        self.lengths = before if len(before) > 1 else []
        self.id = found["id"]

    def _begin(self, *, keep: bool) -> None:
        """Put aside what an earlier run left, or remove it, and write the configuration.

        The old configuration goes last: killed before, what is left is still that run's; killed
        after, all that exists is new.
        """
        aside = self.path(_run_files.REPLACED)
        if keep:
            aside.mkdir()
        for path in reversed(parts(self.folder)):
            if not keep:
                _files.remove(path)
            elif path.exists():
                path.rename(aside / path.name)
        about = {"format": FORMAT, "schema": SCHEMA, "id": self.id, **self.config}
        _files.write_json(self.path(_run_files.CONFIG), about)
        self.path(_run_files.CHECKPOINTS).mkdir()


def elsewhere(config: RunConfig) -> tuple[tempfile.TemporaryDirectory[str], RunConfig]:
    """Return a new folder, and the flags with it in place of the run's."""
    scratch = tempfile.TemporaryDirectory(prefix="sightkit-", ignore_cleanup_errors=True)
    config = copy.copy(config)
    for name, value in (("output", Path(scratch.name)), ("resume", False), ("overwrite", False)):
        object.__setattr__(config, name, value)
    return scratch, config
