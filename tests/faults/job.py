"""A small training, always the same, and the parent that forks it: what fault tests kill.

    python tests/faults/job.py

reads requests from stdin, a line of JSON each, and answers each with a line:
``{"start": {...}}`` forks a child that trains, ``{"wait": pid}`` gives its exit status. The parent
has imported Keras and runs no operation, so that a child starts in about a second.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from power import Disk  # beside this file

from sightkit import _cli, _faults, _files, _run_files
from sightkit._errors import Interrupted, SightkitError

_cli.prepare_environment()

import keras  # noqa: E402 - TensorFlow reads its settings when it is imported
import matplotlib.figure  # noqa: E402, F401 - once, not in every child

from sightkit import experiments, training, transfer, zoo  # noqa: E402
from sightkit.callbacks import StatefulCallback  # noqa: E402
from sightkit.io import HDF5DatasetGenerator  # noqa: E402
from sightkit.preprocessing import Augment, ImageToArrayPreprocessor, Pipeline  # noqa: E402
from sightkit.training import interruption as interrupting  # noqa: E402

for lazy in training.__all__:
    getattr(training, lazy)  # imported here, not in every child
transfer.freeze_body  # noqa: B018


@dataclass(frozen=True)
class Config(experiments.Config):
    output: Path = Path("run")
    data: Path = Path("data.h5")
    epochs: int = 4
    batch_size: int = 10
    preflight: str = "off"  # it would be most of such a training's time
    network: str = "lenet"
    stop_after: int = 0
    warm_up: int = 0


def lenet() -> keras.Model:
    return zoo.LeNet((8, 8, 1), 3)


def dropout() -> keras.Model:
    """All that has a memory of its own: moving statistics and the seeds of dropout."""
    layers = keras.layers
    images = keras.Input((8, 8, 1))
    x = layers.Conv2D(6, 3, use_bias=False)(images)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.8)(x))
    x = layers.Dropout(0.3)(layers.Flatten()(x))
    x = layers.Dropout(0.3)(layers.Dense(16, activation="relu")(x))
    return keras.Model(images, layers.Dense(3, activation="softmax")(x))


def tuned() -> keras.Model:
    """A body with batch normalization under a head with dropout, by the names of surgery."""
    layers = keras.layers
    images = keras.Input((8, 8, 1))
    x = layers.Conv2D(6, 3, name="first")(images)
    x = layers.BatchNormalization(momentum=0.8, name="normalized")(x)
    x = layers.Conv2D(6, 3, activation="relu", name="last")(x)
    x = layers.Flatten(name="head_flatten")(x)
    x = layers.Dropout(0.3, name="head_dropout")(x)
    return keras.Model(images, layers.Dense(3, activation="softmax", name="logits")(x))


def send_signal(number: int, after: int) -> keras.callbacks.Callback:
    """Sends this process a signal after so many batches; with 0, after the last epoch's end."""
    batches = iter(range(1, 1000))

    def count(batch: int, logs: Any = None) -> None:
        if next(batches) == after:
            os.kill(os.getpid(), number)

    def end(logs: Any = None) -> None:
        if after == 0:
            os.kill(os.getpid(), number)

    return keras.callbacks.LambdaCallback(on_train_batch_end=count, on_train_end=end)


class SignalWhenRead(HDF5DatasetGenerator):
    """Sends this process SIGTERM when a batch is read, at the given time that it is."""

    left = 0

    def __getitem__(self, index: int) -> Any:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().__getitem__(index)


class StopAfter(StatefulCallback):
    """Ends the training after an epoch, as early stopping does."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.model.stop_training = epoch + 1 == self.epoch

    def get_state(self) -> dict[str, Any]:
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        pass


def train(
    config: Config,
    *,
    interruption: tuple[int, int] | None,
    signal_in_validation: int,
    save_every_batch: bool,
) -> dict[str, Any]:
    interrupting.SECONDS_BETWEEN = -1 if save_every_batch else 600
    with training.Run.open(config, experiment="job") as run:
        training.prepare(seed=config.seed, precision=config.precision)
        to_array = Pipeline((ImageToArrayPreprocessor(),))
        train, validation, test = (
            SignalWhenRead(
                config.data,
                config.batch_size,
                split=split,
                preprocessors=to_array,
                augment=Augment(rotation=10, translation=0.1) if split == "train" else None,
                shuffle=split == "train",
                seed=config.seed,
            )
            for split in ("train", "validation", "test")
        )
        validation.left = signal_in_validation
        network = {"lenet": lenet, "dropout": dropout, "tuned": tuned}[config.network]()
        schedule = keras.optimizers.schedules.CosineDecay(0.05, config.epochs * len(train))
        loss = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
        callbacks: list[keras.callbacks.Callback] = []
        if interruption:
            callbacks.append(send_signal(*interruption))
        if config.stop_after:
            callbacks.append(StopAfter(config.stop_after))
        common = {"run": run, "callbacks": callbacks}
        if config.warm_up:
            transfer.freeze_body(network)
            network.compile(keras.optimizers.RMSprop(0.005), **loss)
            rows = training.fit(
                network, train, validation, epochs=config.warm_up, phase="head", **common
            )
            transfer.unfreeze_from(network, "last")
            common |= {"phase": "body", "after": rows}
        network.compile(keras.optimizers.SGD(schedule, momentum=0.9), **loss)
        training.fit(network, train, validation, epochs=config.epochs, **common)
        return {
            "weights": training.weights_sha256(network),
            "history": _files.sha256(run.path(_run_files.HISTORY)),
            "metrics": network.evaluate(test, verbose=0, return_dict=True),
        }


def child(job: dict[str, Any]) -> int:
    """Train in this process; its streams go to files, what it found to ``result``."""
    folder = Path(job.pop("folder"))
    for stream, name in ((1, "stdout"), (2, "stderr")):
        file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(file, stream)
    crash = job.pop("crash", None)
    if crash:
        os.environ[_faults.CRASH_VARIABLE] = crash
    power = job.pop("power", None)
    if power:
        Disk(Path(job["output"]), Path(power)).install()
    how = {
        "interruption": job.pop("signal", None),
        "signal_in_validation": job.pop("signal_in_validation", 0),
        "save_every_batch": job.pop("save_every_batch", False),
    }
    paths = {name: Path(job.pop(name)) for name in ("output", "data")}
    try:
        result = train(Config(**paths, **job), **how)
    except Interrupted as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except SightkitError as error:
        print(error, file=sys.stderr)
        return 2
    (folder / "result").write_text(json.dumps(result))
    return 0


def serve() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            pid = os.fork()
            if pid == 0:
                code = 1
                try:
                    code = child(request["start"])
                except BaseException:
                    sys.excepthook(*sys.exc_info())
                finally:
                    sys.stdout.flush()
                    os._exit(code)
            answer = {"pid": pid}
        elif "ready" in request:  # once Keras is imported
            answer = {}
        else:
            _, status = os.waitpid(request["wait"], 0)
            answer = {"status": os.waitstatus_to_exitcode(status)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve()
