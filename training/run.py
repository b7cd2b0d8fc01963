"""The run folder: whose it is, who may write to it, what is in it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from sightkit import _files, _run_files, _scripts
from sightkit._errors import SightkitError
from sightkit.training.environment import (
    adopt_threads,
    describe_environment,
    require_same_environment,
)
from sightkit.training.run_config import RunConfig

FORMAT = "sightkit-run"
SCHEMA = 1
MINIMUM_BYTES = 64 * 2**20
"""Pictures, report and a small network; ``fit`` asks for what its checkpoints need."""
CONTENTS = {
    _run_files.REPORT: "open it in a browser",
    _run_files.BUNDLE: "the network, for scripts/predict.py and training.load_bundle",
    _run_files.METRICS: "the numbers",
    _run_files.PER_CLASS: "precision, recall and F1 of each class",
    _run_files.CROSS_VALIDATION: "the accuracy of each setting that was tried for a head",
    _run_files.CONFUSION: "true class by predicted class",
    _run_files.RELIABILITY: "whether it is right as often as it says",
    _run_files.MISTAKES: "the worst mistakes on one sheet",
    _run_files.HISTORY: "loss, accuracy and learning rate of each epoch",
    _run_files.HISTORY_JSON: "the same, a list for each",
    _run_files.CURVES: "the same as a picture",
    _run_files.UPDATES: "update to weight ratio of each layer, share of dead ReLUs",
    _run_files.UPDATES_PICTURE: "the same as a picture",
    _run_files.CHECKPOINTS: "best weights, and the state that --resume continues from",
    _run_files.CONFIG: "the flags",
    _run_files.ENVIRONMENT: "command, versions, device, commit, data",
}
"""All that runs write, with what it is for."""


class Run:
    """One training's folder, held by one process at a time; use it as a context manager.

    Made by ``Run.open``.

    Attributes:
        folder: where everything is written.
        config: what defines the run, JSON.
        command: the command line that does the same.
        resumed: whether there was a run to continue.
        preflight: whether ``fit`` checks data and network before the first epoch.
        guard: whether ``fit`` stops a training that does not come back.
        smoke: whether the result means nothing.
    """

    def __init__(self, config: RunConfig, *, experiment: str, resumed: bool) -> None:
        self.folder = folder = config.output
        self.config = {"experiment": experiment, **config.to_json()}
        self.command = config.command(experiment)
        self.resumed = resumed
        self.preflight = config.preflight
        self.guard = config.guard == "on"
        self.smoke = config.smoke
        self._lock = _files.FileLock(folder / _run_files.LOCK, f"the run {folder.name}")

    @classmethod
    def open(cls, config: RunConfig, *, experiment: str) -> Run:
        """Take the folder ``config.output`` for a run.

        A new or empty folder becomes the run's, and so does that of a run which never finished an
        epoch: there is nothing to lose. A folder that holds this very run is taken with
        ``resume``, any run's with ``overwrite``. Files that no run writes are never deleted. A
        resume takes over the number of threads that the run was begun with.

        What is overwritten is put aside until the new run starts (``start``): if that fails before,
        or is killed, the old run comes back.

        Args:
            config: flags of the experiment; see ``RunConfig``.
            experiment: name of the script; a run is resumed by its own experiment only.

        Raises:
            SightkitError: the folder is something else, another configuration's, in use, not
                writable, or the disk is too small. Nothing has been changed then.
        """
        folder = config.output
        _files.require_writable(folder)
        _files.require_free_space(folder, MINIMUM_BYTES, f"the run {folder.name}")
        _recover(folder)
        wanted = {"experiment": experiment, **config.to_json()}
        found = _claim(folder, wanted, config)
        folder.mkdir(parents=True, exist_ok=True)
        resumed = found is not None and config.resume
        run = cls(config, experiment=experiment, resumed=resumed)
        run._lock.acquire()
        try:
            _claim(folder, wanted, config)  # another process may have had it in between
            checkpoints = folder / _run_files.CHECKPOINTS
            phases = checkpoints.iterdir() if checkpoints.is_dir() else ()
            for part in (folder, checkpoints, *filter(Path.is_dir, phases)):
                _files.remove_partial(part)
            if resumed:
                adopt_threads(run._recorded_environment())
            else:
                if config.resume:
                    print(f"There is nothing to resume in {folder}: the run begins.")
                run._begin()
        except BaseException:
            run.__exit__(*sys.exc_info())
            raise
        return run

    def __enter__(self) -> Run:
        return self

    def __exit__(self, kind: object = None, *rest: object) -> None:
        try:
            if kind is not None:
                _put_back(self.folder)
            self.start()
        finally:
            self._lock.release()

    def start(self) -> None:
        """Delete the run that this one replaces: it has something to continue from now."""
        aside = self.path(_run_files.REPLACED)
        if aside.is_dir():
            going = aside.with_name(f".{os.getpid()}{_files.PARTIAL}.{aside.name}")
            aside.rename(going)
            shutil.rmtree(going)

    def close(self) -> None:
        """Give the folder back."""
        self.__exit__()

    def path(self, name: str) -> Path:
        """A file of the folder; the names are constants of ``sightkit._files``."""
        return self.folder / name

    def checkpoints(self, phase: str = "") -> Path:
        """Folder of the checkpoints, or of those of a phase; it is there."""
        folder = self.path(_run_files.CHECKPOINTS) / phase
        folder.mkdir(exist_ok=True)
        return folder

    def describe(self) -> str:
        """Return what is in the folder: a line a file, for the terminal."""
        lines = [f"Everything is in {self.folder}:"]
        for name, what in CONTENTS.items():
            if self.path(name).exists():
                lines.append(f"  {name:<22}{what}")
        return _scripts.as_given("\n".join(lines))

    def write_environment(self, **facts: Any) -> None:
        """Write what the run runs on: versions, device, commit, and further facts as JSON.

        A resumed run keeps what it was begun on, and adds an entry to ``resumed``.

        Args:
            **facts: what else must not change in between; ``data`` is the dataset file's name and
                ``sha256``.

        Raises:
            SightkitError: a resume with other data, another backend, or other threads.
        """
        path = self.path(_run_files.ENVIRONMENT)
        now = {"command": self.command, **describe_environment(), **facts}
        recorded = self._recorded_environment() if self.resumed else {}
        if recorded:
            differences = require_same_environment(recorded, now)
            resumes = [*recorded.get("resumed", ()), {"commit": now["commit"], **differences}]
            now = {**recorded, "resumed": resumes}
        _files.write_json(path, now)

    def _recorded_environment(self) -> dict[str, Any]:
        path = self.path(_run_files.ENVIRONMENT)
        found = _files.read_json(path) if path.is_file() else {}
        return found if isinstance(found, dict) else {}

    def _begin(self) -> None:
        """Put aside what an earlier run left and write the configuration.

        The old configuration goes last: killed before, what is left is still that run's; killed
        after, all that is there is new.
        """
        self.start()
        aside = self.path(_run_files.REPLACED)
        keep = _holds_work(self.folder)
        if keep:
            aside.mkdir()
        for path in reversed(_parts(self.folder)):
            if not keep:
                _files.remove(path)
            elif path.exists():
                path.rename(aside / path.name)
        self.path(_run_files.CHECKPOINTS).mkdir()
        about = {"format": FORMAT, "schema": SCHEMA, **self.config}
        _files.write_json(self.path(_run_files.CONFIG), about)


def _parts(folder: Path) -> list[Path]:
    """Return all that runs write, the configuration first."""
    return [folder / name for name in sorted(CONTENTS, key=lambda name: name != _run_files.CONFIG)]


def _recover(folder: Path) -> None:
    """Put back a run whose successor was killed before it started."""
    if not (folder / _run_files.REPLACED).is_dir():
        return
    with _files.FileLock(folder / _run_files.LOCK, f"the run {folder.name}"):
        _put_back(folder)


def _put_back(folder: Path) -> None:
    """Undo ``_begin``, wherever it or this was killed; nothing if there is nothing aside.

    A successor that has made something without ``start`` (a loop of one's own) stays.
    """
    aside = folder / _run_files.REPLACED
    if not aside.is_dir() or ((aside / _run_files.CONFIG).exists() and _holds_work(folder)):
        return
    if (aside / _run_files.CONFIG).exists():  # all of the old run is aside, what is here is new
        for path in _parts(folder):
            _files.remove(path)
    for path in _parts(aside):
        if path.exists():
            path.rename(folder / path.name)
    aside.rmdir()


def _claim(folder: Path, wanted: dict[str, Any], config: RunConfig) -> dict[str, Any] | None:
    """Return the configuration to continue, or None; raise if the folder may not be taken."""
    found = _found_in(folder)
    if found is None:
        return None
    if not (config.resume or config.overwrite):
        resume = "--resume to continue it, " if "resume" in vars(config) else ""
        raise SightkitError(
            "The output folder holds a run already.",
            f"Give {resume}--overwrite to delete it, or another --output.",
            output=str(folder),
        )
    if config.resume:
        _require_same(folder, found, wanted)
    return found


def _found_in(folder: Path) -> dict[str, Any] | None:
    """Return the configuration of a folder's run; None if there is none, or nothing to lose."""
    names = os.listdir(folder) if folder.is_dir() else ()
    entries = {name for name in names if not _files.is_partial(name)}
    # A run that was killed before its configuration was written is no run yet.
    leftovers = {_run_files.LOCK, _run_files.CHECKPOINTS, _run_files.REPLACED}
    if _run_files.CONFIG not in entries:
        if entries - leftovers:
            raise SightkitError(
                "The output folder holds files that are no run's.",
                "Choose a new or an empty folder; neither --resume nor --overwrite touches others.",
                output=str(folder),
                found=sorted(entries - leftovers)[:3],
            )
        return None
    found = _files.read_json(folder / _run_files.CONFIG)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise SightkitError(
            f"The output folder holds a {_run_files.CONFIG} that is no run's.",
            "Choose another --output.",
            output=str(folder),
        )
    if found.get("schema", 0) > SCHEMA:
        raise SightkitError("The run was written by a newer version.", "Update sightkit.")
    if not _holds_work(folder):
        return None
    return {key: value for key, value in found.items() if key not in ("format", "schema")}


def _holds_work(folder: Path) -> bool:
    """Whether an epoch was finished there, or anything made of it."""
    made = (_run_files.METRICS, _run_files.REPORT, _run_files.BUNDLE)
    return any((folder / name).exists() for name in made) or any(
        (folder / _run_files.CHECKPOINTS).rglob(_run_files.CHECKPOINT_PATTERN)
    )


def _require_same(folder: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    differences = [
        f"{key}: {found.get(key)!r} there, {wanted.get(key)!r} requested"
        for key in sorted(set(found) | set(wanted))
        if found.get(key) != wanted.get(key)
    ]
    if differences:
        raise SightkitError(
            f"A run is resumed with its own configuration ({'; '.join(differences)}).",
            "Give the flags of the run, or another --output.",
            output=str(folder),
        )
