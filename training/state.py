"""A checkpoint: the whole state of a training in one file, restored whole or not at all."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit.callbacks import StatefulCallback
from sightkit.training.config import ExperimentConfig

SCHEMA = 1
KEPT = 2


class TrainingState:
    """Weights, optimizer, seed generators and callbacks of a training, saved after an epoch.

    One file holds all of it (arrays, and JSON with their SHA-256), so that nothing can be half
    new; the last two are kept, so that a damaged one costs one epoch.

    Args:
        model: compiled; its optimizer's variables are built here.
        callbacks: those whose memory is part of the state.
        folder: of the checkpoints.

    Attributes:
        finished: whether a callback ended the training with the epoch that was restored
            (``model.stop_training``).
    """

    def __init__(
        self, model: keras.Model, callbacks: Sequence[StatefulCallback], folder: Path
    ) -> None:
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        self.model = model
        self.folder = folder
        self.callbacks = list(callbacks)
        self.finished = False
        self._variables = [*model.variables, *model.optimizer.variables]

    def require_space(self) -> None:
        """Raise unless the disk has room for all that is kept, with what is being written.

        That is one checkpoint more than are kept, and the weights four times: best, former best,
        the bundle, and one of them being replaced.
        """
        state = sum(_bytes(variable) for variable in self._variables)
        weights = sum(_bytes(variable) for variable in self.model.weights)
        needed = (KEPT + 1) * state + 4 * weights - self._held()
        _files.require_free_space(self.folder, needed, "the run's checkpoints and bundle")

    def _held(self) -> int:
        """Bytes of a resumed run that lie there already."""
        return sum(path.stat().st_size for path in self.folder.iterdir() if path.is_file())

    def save(self, epoch: int) -> Path:
        """Save the state after an epoch (its number, from 0)."""
        arrays = {
            f"{index:05d}": keras.ops.convert_to_numpy(variable.value)
            for index, variable in enumerate(self._variables)
        }
        state = {
            "schema": SCHEMA,
            "epoch": epoch,
            "finished": bool(self.model.stop_training),
            "sha256": _digest(arrays),
            "callbacks": [[type(c).__name__, c.get_state()] for c in self.callbacks],
        }
        path = self.folder / f"epoch-{epoch + 1:05d}.npz"
        with _files.replacing(path) as temporary:
            encoded = np.frombuffer(json.dumps(state, allow_nan=False).encode(), np.uint8)
            np.savez(temporary, allow_pickle=False, state=encoded, **arrays)
        for old in self._paths()[KEPT:]:
            old.unlink()
        return path

    def restore_latest(self) -> int | None:
        """Restore the newest checkpoint that is whole; a damaged one is named and passed over.

        Returns:
            The epoch (from 0) after which it was saved; None if there is none.
        """
        for path in self._paths():
            try:
                state, arrays = _read(path)
            except Exception as error:  # zipfile and NumPy raise what they like on damaged bytes
                reason = str(error) or type(error).__name__
                print(
                    f"The checkpoint {path.name} is damaged ({reason}); trying the one before.",
                    file=sys.stderr,
                )
                continue
            self._restore(path, state, arrays)
            return state["epoch"]
        return None

    def _paths(self) -> list[Path]:
        """Checkpoints, newest first."""
        return sorted(self.folder.glob(_files.CHECKPOINT_PATTERN), reverse=True)

    def _restore(self, path: Path, state: dict[str, Any], arrays: list[np.ndarray]) -> None:
        if state["schema"] > SCHEMA:
            raise SightkitError(
                "The checkpoint was written by a newer version.", "Update sightkit.", path=str(path)
            )
        shapes = [tuple(variable.shape) for variable in self._variables]
        kinds = [type(callback).__name__ for callback in self.callbacks]
        if [array.shape for array in arrays] != shapes or kinds != [
            name for name, _ in state["callbacks"]
        ]:
            raise SightkitError(
                "The checkpoint belongs to another network, optimizer or list of callbacks.",
                "Give the flags of that run, or another --output.",
                path=str(path),
                callbacks=kinds,
            )
        for variable, array in zip(self._variables, arrays, strict=True):
            variable.assign(array)
        for callback, (_, value) in zip(self.callbacks, state["callbacks"], strict=True):
            callback.set_state(value)
        self.finished = state["finished"]


def facts(model: keras.Model, config: ExperimentConfig) -> dict[str, Any]:
    """What metrics.json says of the network itself: parameters, weights_sha256, seed."""
    return {
        "parameters": model.count_params(),
        "weights_sha256": weights_sha256(model),
        "seed": config.seed,
    }


def weights_sha256(model: keras.Model) -> str:
    """SHA-256 over names, shapes and bytes of a network's weights."""
    return _digest({w.path: keras.ops.convert_to_numpy(w.value) for w in model.weights})


def _bytes(variable: keras.Variable) -> int:
    return math.prod(variable.shape) * np.dtype(variable.dtype).itemsize


def _read(path: Path) -> tuple[dict[str, Any], list[np.ndarray]]:
    with np.load(path, allow_pickle=False) as file:
        state = json.loads(file["state"].tobytes())
        arrays = {name: file[name] for name in sorted(file.files) if name != "state"}
    if state["sha256"] != _digest(arrays):
        raise ValueError("its contents do not match their hash")
    return state, list(arrays.values())


def _digest(arrays: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
