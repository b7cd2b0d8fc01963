"""The flags of a script that a run needs, and the comparison with a stored run's."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from sightkit import _files, _folders, _scripts
from sightkit._errors import SightkitError

Engine = Literal["none", "auto", "tensorflow", "jax"]
"""What connects the processes of a training; ``auto``: Keras' backend, where there are several."""
NOT_OF_THE_RUN = (
    *("output", "resume", "overwrite", "preflight", "guard", "keep"),
    *("config", "checkpoints", "human_error", "distribute"),
)
"""Fields of where and how, not what: they may differ when a run is resumed."""


class RunConfig:
    """Base of the frozen dataclasses that ``Run.open`` takes; the values are their fields.

    A ``Config`` without one of these fields has the value given here.
    """

    output: Path
    resume: bool = False
    overwrite: bool = False
    preflight: Literal["on", "off", "full"] = "on"
    guard: Literal["on", "off"] = "on"
    keep: Literal["checkpoint", "bundle"] = "checkpoint"
    checkpoints: Literal["best", "improvements"] = "best"
    smoke: bool = False
    distribute: Engine = "none"
    compress_gradients: bool = False
    synchronize_statistics: bool = False

    how_to_resume: ClassVar[str] = "Give the same command with --resume to go on."
    when_different: ClassVar[str] = "Give the flags of the run, or another --output."

    @property
    def resumable(self) -> bool:
        """Whether a run that was stopped can be continued: there is a field ``resume``."""
        return any(field.name == "resume" for field in dataclasses.fields(self))  # type: ignore[arg-type]

    def connect(self) -> None:
        """Connect the processes that train together: for ``sightkit.start_keras``.

        Raises:
            SightkitError: what ``connect_processes`` raises.
        """
        from sightkit.training.distribute import connect_processes

        connect_processes(
            self.distribute,
            compress=self.compress_gradients,
            synchronize=self.synchronize_statistics,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the fields that define the run, as JSON; paths are absolute and follow links."""
        values = dataclasses.asdict(self)  # type: ignore[call-overload]
        values = json.loads(json.dumps(values, default=_as_text))
        return {name: value for name, value in values.items() if name not in NOT_OF_THE_RUN}

    def command(self, experiment: str) -> str:
        """Return the command line that runs the experiment with these values."""
        names = [field.name for field in dataclasses.fields(self)]  # type: ignore[arg-type]
        values = {name: getattr(self, name) for name in names}
        given = {
            name: value
            for name, value in values.items()
            if name not in ("resume", "overwrite", "config") and value != self.default_of(name)
        }
        return shlex.join([*_scripts.command(experiment), *words_of(given)])

    def default_of(self, name: str) -> Any:
        """Return the default of a flag."""
        return self.__dataclass_fields__[name].default  # type: ignore[attr-defined]


def words_of(values: Mapping[str, Any]) -> list[str]:
    """Return flags with their values as the words of a command line."""
    words = []
    for name, value in values.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            several = value if isinstance(value, tuple | list) else (value,)
            words += [f"--{flag}", *map(str, several)]
    return words


def _as_text(value: object) -> str:
    """A path as what it is now, from wherever it is read; everything else as it prints."""
    return str(value.resolve() if isinstance(value, Path) else value)


def require_same_settings(
    found: Mapping[str, Any], wanted: Mapping[str, Any], folder: Path, rule: str, next_step: str
) -> None:
    """Raise, with all differences, unless a folder's settings are those requested.

    Args:
        found: stored in the folder.
        wanted: requested.
        folder: of a run, a search or an ensemble.
        rule: first part of the message, without a full stop.
        next_step: last part.
    """
    differences = [
        f"{name}: {found.get(name)!r} there, {wanted.get(name)!r} requested"
        for name in sorted({*found, *wanted} - {"format", "schema", "id", "lengths"})
        if found.get(name) != wanted.get(name)
    ]
    if differences:
        raise SightkitError(f"{rule} ({'; '.join(differences)}).", next_step, output=str(folder))


def take_folder(
    folder: Path, file: str, kind: str, settings: Mapping[str, Any], rule: str, next_step: str
) -> None:
    """Write settings into a new folder, or compare them with those that are stored there.

    Args:
        folder: of an ensemble or a search.
        file: of its settings; what makes the folder ours.
        kind: their entry ``format``.
        settings: JSON; what is continued must have the same.
        rule: for others, see ``require_same_settings``.
        next_step: for others.

    Raises:
        SightkitError: the folder holds other settings, or other things.
    """
    _files.require_writable(folder)
    found = _folders.read_own(folder, file, kind)
    if found is not None:
        require_same_settings(found, settings, folder, rule, next_step)
        return
    folder.mkdir(parents=True, exist_ok=True)
    _files.write_json(folder / file, {"format": kind, "schema": 1, **settings})
