"""What a notebook gives to ``fit``: arrays in place of data, a path in place of a run."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from sightkit import _run_files
from sightkit._errors import SightkitError
from sightkit._network import flat_layers
from sightkit.io import ArrayBatches
from sightkit.training.environment import read_environment
from sightkit.training.measurements import layer_key, without
from sightkit.training.run import Run
from sightkit.training.run_config import RunConfig
from sightkit.training.run_folder import read_config

WAY = (
    "Give arrays: (x, y). Or build a dataset file with io.build_dataset and give "
    'io.HDF5DatasetGenerator("data.h5", 32, …).'
)


ARRAYS = "arrays in memory"


@dataclass(frozen=True)
class NotebookConfig(RunConfig):
    """What identifies a run of a notebook."""

    output: Path
    network: str
    optimizer: str
    loss: str
    batch_size: int
    seed: int
    resume: bool = True
    overwrite: bool = False

    how_to_resume = "The same call goes on."
    when_different = "Give overwrite=True to begin anew, or another folder as run=…."

    def command(self, experiment: str) -> str:
        """Return the call."""
        return f'training.fit(…, run="{self.output}")'


def as_batches(
    data: Any, name: str, *, batch_size: int | None, shuffle: bool, seed: int | None
) -> Any:
    """Return data as ``fit`` reads them: arrays as batches, batches as they are.

    Raises:
        SightkitError: data whose order cannot be restored, such as a tf.data.Dataset; a batch size
            or seed for batches, which have their own.
    """
    if isinstance(data, tuple | list):
        size = 32 if batch_size is None else batch_size
        return ArrayBatches(
            *data, batch_size=size, shuffle=shuffle, seed=seed or 0, name=f"The {name} data"
        )
    wanted = ("__len__", "__getitem__", *(("set_epoch", "rows", "batch_size") if shuffle else ()))
    if hasattr(data, "shape") or not all(hasattr(data, each) for each in wanted):
        raise SightkitError(
            f"The {name} data must be a pair of arrays, or batches by index whose order is a "
            "function of the epoch: else no run could be resumed exactly.",
            WAY,
            given=f"{type(data).__module__}.{type(data).__name__}",
        )
    own = {"batch_size": batch_size, "seed": seed} if shuffle else {}
    given = {key: value for key, value in own.items() if value is not None}
    if given:
        raise SightkitError(
            "Batch size and seed are for arrays; batches have their own.",
            "Give them to the generator.",
            **given,
        )
    return data


def open_run(
    folder: str | os.PathLike[str], model: keras.Model, train: Any, *, overwrite: bool
) -> Run:
    """Take a folder for a training of this network; one that holds it already is resumed.

    Args:
        folder: of the run.
        model: compiled.
        train: batches.
        overwrite: begin anew.
    """
    folder = Path(folder)
    rate = model.optimizer.get_config().get("learning_rate", "")
    layers = [layer_key(each) for each in flat_layers(model)]
    shown = f"{rate:g}" if isinstance(rate, float) else "a schedule"
    optimizer = _named(f"{type(model.optimizer).__name__}, {shown}", model.optimizer.get_config())
    # Steps were made before: the cell runs again, and the training may have moved the rate.
    if int(keras.ops.convert_to_numpy(model.optimizer.iterations)):
        path = folder / _run_files.CONFIG
        optimizer = read_config(folder).get("optimizer", optimizer) if path.is_file() else optimizer
    config = NotebookConfig(
        folder,
        network=_named(f"{model.count_params():,} parameters", layers),
        optimizer=optimizer,
        loss=str(getattr(model.loss, "name", getattr(model.loss, "__name__", model.loss))),
        batch_size=train.batch_size,
        seed=getattr(train, "seed", 0),
        resume=(folder / _run_files.CONFIG).is_file() and not overwrite,
        overwrite=overwrite,
    )
    return Run.open(config, experiment="notebook")


def record_data(run: Run, train: Any, validation: Any, *, always: bool) -> None:
    """Write the identity of arrays into the run's environment; with ``always`` that of any data.

    A caller who writes the environment has named data of his own.

    Raises:
        SightkitError: a resume with other data.
    """
    recorded = read_environment(run.folder).get("data", {}).get("file", ARRAYS)
    if always or recorded == ARRAYS:
        files = [getattr(data, "file", None) for data in (train, validation)]
        file = ARRAYS if files[0] is None else str(files[0].path)
        sha256 = [
            getattr(each, "sha256", "") for each in (files[0] or train, files[1] or validation)
        ]
        run.write_environment(data={"file": file, "sha256": " ".join(sha256)})


def _named(name: str, config: Any) -> str:
    """Return a name with eight digits of the hash of a configuration."""
    text = json.dumps(without(config, ("name",)), default=str, sort_keys=True)
    return f"{name} ({hashlib.sha256(text.encode()).hexdigest()[:8]})"
