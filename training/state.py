"""A checkpoint: the whole state of a training in one file, restored completely or not at all."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NotRequired

import keras
import numpy as np
from typing_extensions import TypedDict

from sightkit import _arrays, _files, _run_files, _schema
from sightkit._errors import SightkitError
from sightkit._schema import Count, Name, Sha256, Whole
from sightkit._scripts import warn
from sightkit.callbacks import StatefulCallback
from sightkit.training.group import ALONE, Group

SCHEMA = 2
CHECKPOINTS = 2


@dataclass(frozen=True, order=True)
class Position:
    """Progress of a training: whole epochs, and batches of the epoch after them."""

    epoch: int = 0
    batch: int = 0

    def __str__(self) -> str:
        rest = (
            f" and {self.batch} {'batch' if self.batch == 1 else 'batches'}" if self.batch else ""
        )
        return f"epoch {self.epoch}{rest}"

    def before(self, epochs: int) -> str:
        """Return a line on what is left to do up to a number of epochs."""
        if self.epoch < epochs:
            return f"Resuming after {self} of {epochs} epochs."
        done = f"The run is trained for {self.epoch} epochs already"
        return f"{done}, and {epochs} are requested: nothing is left to do."

    @property
    def file(self) -> str:
        """Name of the checkpoint."""
        rest = f"-batch-{self.batch:06d}" if self.batch else ""
        return f"epoch-{self.epoch:05d}{rest}.npz"

    @classmethod
    def of(cls, path: Path) -> Position:
        """Return the position in a checkpoint's name."""
        numbers = [int(number) for number in re.findall(r"\d+", path.name)]
        return cls(*numbers[:2])


class TrainingState:
    """Weights, optimizer, seed generators and callbacks of a training, saved between two batches.

    One file holds all of it (arrays, and JSON with their SHA-256), so that nothing can be half
    new; the last two are stored, so that a damaged one costs little. Within an epoch the sums
    behind its loss and metrics are saved too.

    Args:
        model: compiled; its optimizer's variables are built here.
        callbacks: those whose state is saved.
        folder: of the checkpoints.
        start: where the training begins; a later phase counts the epochs of those before it.
        owner: the run and its phase: what another's checkpoint is known by.
        group: processes that train together; the first writes, also what differs between them.

    Attributes:
        position: of the checkpoint that was restored; the start where none was.
        metrics: sums of the epoch that was left, to go on with once Keras has set them to zero.
        finished: whether a callback ended the training with the epoch that was restored
            (``model.stop_training``).
        of_as_many: whether as many processes train as saved what was restored.
    """

    def __init__(
        self,
        model: keras.Model,
        callbacks: Sequence[StatefulCallback],
        folder: Path,
        start: Position = Position(),
        owner: str = "",
        group: Group = ALONE,
    ) -> None:
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        self.model = model
        self.folder = folder
        self.owner = owner
        self.group = group
        self.callbacks = list(callbacks)
        self.position = start
        self.metrics: list[np.ndarray] = []
        self.finished = False
        self.of_as_many = True
        self._variables = [*model.variables, *model.optimizer.variables]
        trained = {id(variable) for variable in model.trainable_variables}
        own = range(len(model.variables)) if group.averages else ()
        self._own = [index for index in own if id(model.variables[index]) not in trained]

    def require_space(self) -> None:
        """Raise unless the disk has room for all that is stored, with what is being written."""
        present = sum(path.stat().st_size for path in self.folder.iterdir() if path.is_file())
        needed = bytes_needed(self.model) - present
        _files.require_free_space(self.folder, needed, "the run's checkpoints and bundle")

    def save(self, position: Position, metrics: Sequence[np.ndarray] = ()) -> Path:
        """Save the state; within an epoch with the values of the metrics' variables."""
        values = present_values(self.model, self._variables)
        arrays = {f"variable-{index:05d}": value for index, value in enumerate(values)}
        arrays |= {f"metric-{index:05d}": value for index, value in enumerate(metrics)}
        if self.group.averages:
            arrays |= {f"own-{index:05d}": self.group.gather(values[index]) for index in self._own}
            arrays |= {
                f"metric-{index:05d}": self.group.gather(value)
                for index, value in enumerate(metrics)
            }
        state = {
            "schema": SCHEMA,
            "owner": self.owner,
            "position": [position.epoch, position.batch],
            "finished": bool(self.model.stop_training),
            "sha256": _arrays.sha256_of(sorted(arrays.items())),
            "callbacks": [[type(c).__name__, c.get_state()] for c in self.callbacks],
            **({"processes": self.group.size} if self.group.averages else {}),
        }
        path = self.folder / position.file
        if not self.group.is_first:
            return path
        with _files.replacing(path) as temporary:
            encoded = np.frombuffer(json.dumps(state, allow_nan=False).encode(), np.uint8)
            np.savez(temporary, allow_pickle=False, state=encoded, **arrays)
        for old in self._paths()[CHECKPOINTS:]:
            old.unlink()
        return path

    def restore_latest(self) -> None:
        """Restore the newest complete checkpoint; a damaged one is reported and passed over.

        Where there is none, nothing changes: the training begins at its beginning.
        """
        for path in self._paths():
            try:
                state, arrays = _read_checkpoint(path)
            except _schema.NewerVersion as error:
                raise SightkitError(
                    f"The checkpoint cannot be read: {error}.", "Update sightkit.", path=str(path)
                ) from error
            except ValueError as error:
                warn(f"The checkpoint {path.name} is damaged ({error}); trying the one before.")
                continue
            self._restore(path, state, arrays)
            return

    def restore_metrics(self) -> None:
        """Set the sums of the epoch that was left."""
        variables = self.model.metrics_variables
        wanted = [(tuple(each.shape), np.dtype(each.dtype)) for each in variables]
        if [(each.shape, each.dtype) for each in self.metrics] != wanted:
            raise SightkitError(
                "The checkpoint holds sums of other metrics.",
                "Delete it: the one before is taken then.",
                path=str(self.folder / self.position.file),
            )
        for variable, value in zip(variables, self.metrics, strict=True):
            variable.assign(value)

    def _paths(self) -> list[Path]:
        """Return checkpoints, newest first."""
        paths = self.folder.glob(_run_files.CHECKPOINT_PATTERN)
        return sorted(paths, key=Position.of, reverse=True)

    def _restore(self, path: Path, state: _Head, arrays: dict[str, np.ndarray]) -> None:
        if state["owner"] != self.owner or Position(*state["position"]) != Position.of(path):
            raise SightkitError(
                "A checkpoint must be of this run, and of the step in its name.",
                "It was copied or renamed: delete it, or bring back what was there.",
                path=str(path),
                step=Position(*state["position"]),
            )
        values = [array for name, array in arrays.items() if name.startswith("variable-")]
        wanted = [(tuple(each.shape), np.dtype(each.dtype)) for each in self._variables]
        kinds = [type(callback).__name__ for callback in self.callbacks]
        if [(value.shape, value.dtype) for value in values] != wanted or kinds != [
            name for name, _ in state["callbacks"]
        ]:
            raise SightkitError(
                "The checkpoint belongs to another network, optimizer or list of callbacks.",
                "Give the flags of that run, or another --output.",
                path=str(path),
                callbacks=kinds,
            )
        size = state.get("processes", 1)
        self.of_as_many = size == (self.group.size if self.group.averages else 1)
        for index in self._own if self.of_as_many else ():
            values[index] = arrays[f"own-{index:05d}"][self.group.rank]
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)
        for callback, (name, value) in zip(self.callbacks, state["callbacks"], strict=True):
            try:
                callback.set_state(value)
            except (TypeError, ValueError, LookupError, AttributeError) as error:
                raise SightkitError(
                    f"The checkpoint holds no state of {name} ({error!r}).",
                    "Delete it: the one before is taken then.",
                    path=str(path),
                ) from error
        self.position = Position.of(path)
        self.metrics = [array for name, array in arrays.items() if name.startswith("metric-")]
        if self.of_as_many and size > 1:
            self.metrics = [rows[self.group.rank] for rows in self.metrics]
        elif not self.of_as_many:  # the first takes over what all had
            total = [rows.sum(axis=0) if size > 1 else rows for rows in self.metrics]
            self.metrics = [each * self.group.is_first for each in total]
        self.finished = state["finished"]


def present_values(model: keras.Model, variables: Sequence[keras.Variable]) -> list[np.ndarray]:
    """Return the values of a network's variables while it is trained; JAX holds them elsewhere."""
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()
    return [keras.ops.convert_to_numpy(variable.value) for variable in variables]


def bytes_needed(model: keras.Model) -> int:
    """Return the bytes that a new run's checkpoints and bundle take, with what is being written.

    That is one checkpoint more than are stored; best, former best and one of them being replaced,
    which Keras writes with the optimizer; and the bundle, beside a former one.
    """
    weights = sum(map(_bytes, model.weights))
    seeds = sum(map(_bytes, model.variables)) - weights
    if model.optimizer.built:
        optimizer = sum(map(_bytes, model.optimizer.variables))
    else:  # two numbers a weight, as Adam keeps
        optimizer = 2 * sum(map(_bytes, model.trainable_variables))
    return (CHECKPOINTS + 1 + 3) * (weights + seeds + optimizer) + 2 * weights


def facts(model: keras.Model, *, seed: int) -> dict[str, Any]:
    """Return the network's part of metrics.json: parameters, weights_sha256, seed, penalty.

    The penalty is what regularization adds to the loss of training and validation.
    """
    return {
        "parameters": model.count_params(),
        "weights_sha256": weights_sha256(model),
        "seed": seed,
        "penalty": float(sum(float(loss) for loss in model.losses)),
    }


def weights_sha256(model: keras.Model) -> str:
    """Return the SHA-256 over names, shapes and bytes of a network's weights."""
    return _arrays.sha256_of((w.path, keras.ops.convert_to_numpy(w.value)) for w in model.weights)


def _bytes(variable: keras.Variable) -> int:
    return math.prod(variable.shape) * np.dtype(variable.dtype).itemsize


class _Head(TypedDict):
    """The JSON of a checkpoint."""

    schema: Literal[2]
    owner: str
    position: tuple[Whole, Whole]
    finished: bool
    processes: NotRequired[Count]
    sha256: Sha256
    callbacks: list[tuple[Name, Any]]


def _read_checkpoint(path: Path) -> tuple[_Head, dict[str, np.ndarray]]:
    arrays = dict(sorted(_arrays.read_npz(path).items()))
    state = _schema.parse(arrays.pop("state", np.empty(0)).tobytes(), _Head)
    if state["sha256"] != _arrays.sha256_of(arrays.items()):
        raise ValueError("its contents do not match their hash")
    return state, arrays
