"""What several processes of one training agree on, bring together and hand on."""

from __future__ import annotations

import json
import platform
from typing import Any

import keras
import numpy as np

from sightkit._errors import SightkitError
from sightkit.training.environment import package_versions
from sightkit.training.group import Group
from sightkit.training.run import Run
from sightkit.training.shares import Share, Turns
from sightkit.training.state import weights_sha256

SEED_STEP = 1_000_003
"""Between the seeds of two processes: each drops other units."""


class BringTogether(keras.callbacks.Callback):
    """Gives each process the metrics of all, and the mean of their batch statistics.

    Comes first of all callbacks, which then see the same and decide the same everywhere.

    Args:
        group: of processes.
        batches: of an epoch.
        validation: what this process evaluates.
    """

    def __init__(self, group: Group, batches: int, validation: Any) -> None:
        super().__init__()
        self.group, self.batches, self.validation = group, batches, validation

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After the last batch of an epoch."""
        if batch + 1 >= self.batches:
            self._sum(self.model.metrics_variables, 1)
            self._sum(batch_statistics(self.model), self.group.size)

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After the last batch that this process evaluates."""
        if batch + 1 >= len(self.validation):
            self._sum(self.model.metrics_variables, 1)

    def _sum(self, variables: list[keras.Variable], divisor: int) -> None:
        if not self.group.averages or not variables:
            return  # on JAX variables hold nothing while a network is trained
        values = [keras.ops.convert_to_numpy(variable.value) for variable in variables]
        total = self.group.sum(np.concatenate([np.ravel(value) for value in values], dtype=float))
        pieces = np.split(total / divisor, np.cumsum([value.size for value in values])[:-1])
        for variable, value, piece in zip(variables, values, pieces, strict=True):
            variable.assign(piece.reshape(value.shape).astype(value.dtype))


def batch_statistics(model: keras.Model) -> list[keras.Variable]:
    """Return the weights that no gradient changes, of batch normalization for example."""
    return [weight for weight in model.non_trainable_weights if "float" in str(weight.dtype)]


def share_data(group: Group, train: Any, validation: Any) -> tuple[Any, Any]:
    """Return what this process reads of the data of all.

    Raises:
        SightkitError: batches that cannot be divided evenly.
    """
    if group.size == 1:
        return train, validation
    if train.batch_size % group.size:
        raise SightkitError(
            "Each process must get as many images of a batch as the others.",
            f"Give --batch-size {-(-train.batch_size // group.size) * group.size}, for example.",
            batch_size=train.batch_size,
            processes=group.size,
        )
    train = Share(train, group.rank, group.size)
    last = train.count % train.batch_size
    if not group.averages and last % group.size:
        raise SightkitError(
            "On JAX the last batch must divide among the processes too.",
            "Give another --batch-size, or leave out a few images.",
            last_batch=last,
            processes=group.size,
        )
    if group.averages and len(validation) >= group.size:
        validation = Turns(validation, group.rank, group.size)
    return train, validation


def require_agreement(group: Group, model: keras.Model, train: Any, **facts: Any) -> None:
    """Raise unless all processes are about to train the same network on the same data.

    Args:
        group: of processes.
        model: built and compiled.
        train: training data.
        **facts: what else must be equal, JSON.
    """
    if group.size == 1:
        return
    file = getattr(train, "file", None)
    mine = {
        "Python": platform.python_version(),
        **package_versions(),
        "weights": weights_sha256(model)[:12],
        "data": getattr(file or train, "sha256", "")[:12],
        "seed": getattr(train, "seed", 0),
        "batch_size": train.batch_size,
        **facts,
    }
    every = group.describe(mine)
    different = {
        name: [each[name] for each in every]
        for name in mine
        if any(each[name] != every[0][name] for each in every)
    }
    if different:
        raise SightkitError(
            "All processes must train the same network on the same data with the same packages.",
            "Give all the same command, and copy data and packages of the first to the others.",
            **different,
        )


def share_run(group: Group, run: Run, phase: str) -> None:
    """Give all processes what the first has in its run folder: they resume what it resumes."""
    if group.size == 1:
        return
    folder = run.checkpoints(phase)
    files = sorted(path for path in folder.iterdir() if path.is_file()) if group.is_first else []
    about = {"id": run.id, "resumed": run.resumed, "lengths": run.lengths}
    about["files"] = [path.name for path in files]
    found = json.loads(group.send(json.dumps(about).encode()))
    run.id, run.resumed, run.lengths = found["id"], found["resumed"], found["lengths"]
    for index, name in enumerate(found["files"]):
        content = group.send(files[index].read_bytes() if group.is_first else b"")
        if not group.is_first:
            (folder / name).write_bytes(content)


def spread_seeds(group: Group, model: keras.Model) -> None:
    """Let what is drawn at random, dropout for example, differ between the processes."""
    for variable in model.non_trainable_variables if group.averages else ():
        if str(variable.dtype) == "uint32" and tuple(variable.shape) == (2,):
            seed, drawn = keras.ops.convert_to_numpy(variable.value)
            seed = (int(seed) + SEED_STEP * group.rank) % 2**32
            variable.assign(np.array([seed, drawn], np.uint32))
