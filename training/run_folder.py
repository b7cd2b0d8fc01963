"""The files of a run folder: found, claimed, put aside and brought back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from sightkit import _files, _folders, _run_files, _schema
from sightkit._errors import SightkitError, few
from sightkit._schema import Count, Name
from sightkit._scripts import warn
from sightkit.training.bundle_format import require_no_other_files
from sightkit.training.run_config import RunConfig, require_same_settings

FORMAT = "sightkit-run"
SCHEMA = 2
CONTENTS = {
    _run_files.REPORT: "open it in a browser",
    _run_files.EXPLANATION: "its worst mistakes explained",
    _run_files.BUNDLE: "the network, for scripts/predict.py and transfer.load",
    _run_files.METRICS: "the numbers",
    _run_files.PER_CLASS: "precision, recall and F1 of each class",
    _run_files.CROSS_VALIDATION: "the accuracy of each setting that was tried for a head",
    _run_files.CONFUSION: "true class by predicted class",
    _run_files.RELIABILITY: "accuracy by confidence",
    _run_files.MISTAKES: "the worst mistakes on one sheet",
    _run_files.MISTAKES_TABLE: "the file of each mistake, the worst first",
    _run_files.BOXES: "training pictures and their boxes as a detector gets them",
    _run_files.SAMPLES: "samples of a generator after each epoch",
    _run_files.SAMPLES_SHEET: "samples that were evaluated",
    _run_files.CAPTIONS: "test pictures with what was read in them",
    _run_files.SEGMENTED: "test pictures with their masks, true and found",
    _run_files.WALK: "walks from one sample to another",
    _run_files.WALK_GIF: "the same, moving",
    _run_files.READER: "the classifier that reads samples",
    _run_files.HISTORY: "loss, accuracy and learning rate of each epoch",
    _run_files.HISTORY_JSON: "the same, a list for each",
    _run_files.CURVES: "the same as a picture",
    _run_files.UPDATES: "update to weight ratio of each layer, share of dead ReLUs",
    _run_files.UPDATES_PICTURE: "the same as a picture",
    _run_files.CHECKPOINTS: "best weights, and the state that --resume continues from",
    _run_files.CONFIG: "the flags",
    _run_files.ENVIRONMENT: "command, versions, device, commit, data",
}
"""All that runs write, and what for."""
CHECKPOINT_FILES = re.compile(
    r"([A-Za-z0-9_-]+/)?"  # a phase
    r"(epoch-\d+(-batch-\d+)?\.npz|(former-)?(best|(best-)?epoch-\d+)\.weights\.h5|plan\.json)"
)
"""Paths of the files below ``checkpoints/``."""


class _Lengths(TypedDict):
    lengths: NotRequired[list[Count]]


class RunDescription(_Lengths):
    """What the config.json of a run holds beside its flags."""

    format: Literal["sightkit-run"]
    schema: Literal[2]
    id: Name
    experiment: Name
    epochs: NotRequired[Count]


def read_config(folder: Path) -> dict[str, Any]:
    """Return the config.json of a run."""
    path = folder / _run_files.CONFIG
    return dict(_schema.read(path, RunDescription, "Begin anew with --overwrite.", more=True))


def parts(folder: Path) -> list[Path]:
    """Return all that runs write, the configuration first."""
    return [folder / name for name in sorted(CONTENTS, key=lambda name: name != _run_files.CONFIG)]


def put_back(folder: Path) -> None:
    """Bring back the run that is aside: its successor, which never started, goes with all it wrote.

    It ends what ``_begin`` or a call of this began, wherever they were killed.
    """
    aside = folder / _run_files.REPLACED
    if not _files.is_own_folder(aside):
        return
    if (aside / _run_files.CONFIG).exists():  # all of the old run is aside, what is here is new
        for path in parts(folder):
            _files.remove(path)
    for path in parts(aside):
        if path.exists():
            path.rename(folder / path.name)
    aside.rmdir()


def claim(config: RunConfig, experiment: str) -> bool:
    """Return whether the folder holds a run worth keeping; raise if it may not be taken."""
    folder = Path(config.output)
    found = _folders.read_own(folder, _run_files.CONFIG, FORMAT)
    if found is None:
        return False
    if not config.overwrite:
        found = read_config(folder)
    own = found.get("experiment") == experiment
    held = holds_work(folder, resumable=config.resumable or not own)
    if held and not (config.resume or config.overwrite):
        raise SightkitError(
            "The output folder holds a run already.",
            ("give --resume to continue it", "--overwrite to delete it", "another --output"),
            output=str(folder),
        )
    if held and config.overwrite and not own:
        raise SightkitError(
            "A run is replaced by its own experiment only.",
            "Choose another --output.",
            output=str(folder),
            found=found.get("experiment"),
            experiment=experiment,
        )
    if config.overwrite or not held:
        require_no_other_files(folder / _run_files.BUNDLE)
        checkpoints = folder / _run_files.CHECKPOINTS
        _folders.require_no_others(checkpoints, _folders.others(checkpoints, CHECKPOINT_FILES))
    if held and config.resume:
        wanted = {"experiment": experiment, **config.to_json()}
        free = ["data"]  # write_environment compares their hash, wherever they are
        free += ["epochs"] if prolongs(found, wanted, folder) else []
        require_same_settings(
            {**found, **{name: wanted[name] for name in free if name in found and name in wanted}},
            wanted,
            folder,
            "A run is resumed with its own configuration",
            config.when_different,
        )
    return held


def prolongs(found: Mapping[str, Any], wanted: Mapping[str, Any], folder: Path) -> bool:
    """Return whether more epochs are wanted of a run that is finished and has a checkpoint."""
    before, after = found.get("epochs", 0), wanted.get("epochs", 0)
    path, checkpoints = folder / _run_files.METRICS, folder / _run_files.CHECKPOINTS
    if after <= before:
        return False
    if not path.is_file() or not any(checkpoints.rglob(_run_files.CHECKPOINT_PATTERN)):
        return False
    metrics = _schema.read(path, _Lengths, more=True)
    *_, reported = metrics.get("lengths") or lengths(found)[:1]
    return reported == before


def lengths(found: Mapping[str, Any]) -> list[int]:
    """Return the epochs that a run had first, and those that it was prolonged to."""
    return found.get("lengths") or [found.get("epochs", 0)]


def holds_work(folder: Path, *, resumable: bool) -> bool:
    """Return whether an epoch was finished there, or anything made of it.

    What cannot be resumed is worth keeping when it is complete: its bundle is written last.
    """
    if not resumable:
        return (folder / _run_files.BUNDLE).exists()
    made = (_run_files.METRICS, _run_files.REPORT, _run_files.BUNDLE)
    return any((folder / name).exists() for name in made) or any(
        (folder / _run_files.CHECKPOINTS).rglob(_run_files.CHECKPOINT_PATTERN)
    )


def drop_checkpoints(folder: Path) -> None:
    """Delete a run's checkpoints all at once: killed in between, none of them is left.

    Where files that no run writes are among them, nothing is deleted.
    """
    checkpoints = folder / _run_files.CHECKPOINTS
    if found := _folders.others(checkpoints, CHECKPOINT_FILES):
        warn(f"The checkpoints stay: {checkpoints} holds other files too ({few(found)}).")
    else:
        _folders.drop(checkpoints)
    _folders.remove_partial(folder)


def bytes_of(folder: Path) -> int:
    """Return the bytes of all files in a folder and below it."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())
