"""Loss series of trainings without a guard: what ``callbacks.StopOnDivergence`` is measured by.

    SIGHTKIT_TEST_DATA=FOLDER python benchmarks/divergence.py [--seeds 3]

Bare Keras ``fit`` with nothing that stops it: eight networks x four optimizers x three data sets,
at Keras' default learning rates (healthy, where they end 5 points above chance), and with the rate
x100 to x1,000,000 (planted divergences, where they end within 5 points of chance or in NaN).
tests/callbacks/test_divergence.py replays all of them. A series goes to results/divergence.json.gz
as soon as it has ended, and one that is there is not recorded again: the command can be ended and
given again.

A record has the loss of each batch (of 32; four digits), the accuracy on validation images after
the last epoch, and of each epoch's end whether one class is predicted for all of 64 training images
(1), with the same probabilities (2). What has become NaN is not continued. Series of one network,
optimizer and data set share a compiled network: weights and the optimizer's memory are set anew.
``side`` is that of the images: as small as the network takes, where more would take minutes.

The file of 2026-11-29 has 266 series, 218 at Keras' rates, of which 201 are healthy (SqueezeNet
learns in none of twelve within four epochs of digits). Still to be recorded: ResNet-20; photos for
MiniVGGNet and SqueezeNet; CIFAR-10 for all but the MLP.
"""

from __future__ import annotations

import gzip
import itertools
import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import numpy as np

from sightkit import _cli, _files
from sightkit._errors import SightkitError

RESULTS = Path(__file__).parent / "results" / "divergence.json.gz"
NETWORKS = (
    *("mlp", "shallownet", "lenet", "lenet5", "minialexnet", "minivggnet", "squeezenet"),
    "resnet20",
)
OPTIMIZERS = ("sgd", "momentum", "adam", "rmsprop")
DATA = ("digits", "animals", "cifar10")
EPOCHS = {"digits": 4, "animals": 4, "cifar10": 2}
PLANTED_EPOCHS = {"digits": 2, "animals": 4, "cifar10": 2}
SIDES = {"digits": 8, "animals": 64, "cifar10": 16}
FLAT, AT_LEAST_32 = ("mlp", "shallownet"), ("lenet5", "squeezenet")
FACTORS = (1e2, 1e3, 1e4, 1e6)
BATCH, PROBE = 32, 64


@dataclass(frozen=True)
class Config:
    """Record loss series of trainings without a guard."""

    seeds: int = 3
    """Healthy trainings of each network and optimizer on digits; a third of them on other data."""


def main(config: Config) -> None:
    """Record what is missing, a series at a time."""
    import sightkit

    sightkit.start_keras()
    records, measured = read(), measure.facts()
    for data, network, optimizer in itertools.product(DATA, NETWORKS, OPTIMIZERS):
        wanted = [
            series
            for series in _series(network, data, optimizer, config.seeds)
            if not any(series.items() <= record.items() for record in records)
        ]
        for record in _record(network, data, optimizer, wanted):
            records.append(record)
            _write_records(records, measured)
            print(*list(record.values())[:5], record["accuracy"], flush=True)


def read() -> list[dict[str, Any]]:
    """The series that are recorded."""
    if not RESULTS.is_file():
        return []
    return json.loads(gzip.decompress(RESULTS.read_bytes()))["series"]


def _write_records(records: list[dict[str, Any]], measured: dict[str, Any]) -> None:
    text = json.dumps({"measured": measured, "series": records}, separators=(",", ":"))
    with _files.replacing(RESULTS) as temporary:
        Path(temporary).write_bytes(gzip.compress(text.encode(), mtime=0))


def _series(network: str, data: str, optimizer: str, seeds: int) -> Iterator[dict[str, Any]]:
    """Name a series: seeds at Keras' rate, one multiple of it."""
    names = {"network": network, "data": data, "optimizer": optimizer}
    rate = 0.01 if optimizer in ("sgd", "momentum") else 0.001
    for seed in range(1, (seeds if data == "digits" else max(1, seeds // 3)) + 1):
        yield {**names, "rate": rate, "seed": seed}
    turn = NETWORKS.index(network) + DATA.index(data) + OPTIMIZERS.index(optimizer)
    yield {**names, "rate": rate * FACTORS[turn % len(FACTORS)], "seed": 1}


def _side(network: str, data: str) -> int:
    """Pixels: as many as the network needs, or as take seconds."""
    if network in AT_LEAST_32:
        return max(32, SIDES[data])
    if network in FLAT:
        return max(16, SIDES[data]) if data != "cifar10" else 32
    return 32 if data == "animals" and network in ("minivggnet", "resnet20") else SIDES[data]


def _record(
    network: str, data: str, optimizer: str, wanted: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Train once for each of ``wanted``."""
    import keras

    from sightkit import zoo

    if not wanted:
        return
    side = _side(network, data)
    x, y, held_x, held_y = _arrays(data, side)
    classes = int(y.max()) + 1
    build = {"input_shape": x.shape[1:], "classes": classes}
    model = zoo.build(network, **build)
    chosen = {"sgd": "SGD", "momentum": "SGD", "adam": "Adam", "rmsprop": "RMSprop"}[optimizer]
    options = {"momentum": 0.9} if optimizer == "momentum" else {}
    model.compile(
        getattr(keras.optimizers, chosen)(**options),
        "sparse_categorical_crossentropy",
        jit_compile=False,
    )
    model.optimizer.build(model.trainable_variables)
    fresh = [variable.numpy() for variable in model.optimizer.variables]
    for series in wanted:
        keras.utils.set_random_seed(series["seed"])
        model.set_weights(zoo.build(network, **build).get_weights())
        for variable, value in zip(model.optimizer.variables, fresh, strict=True):
            variable.assign(value)
        model.optimizer.learning_rate = series["rate"]
        planted = series["rate"] > 0.01
        epochs = (PLANTED_EPOCHS if planted else EPOCHS)[data]
        seen = _recorder(x[:PROBE])
        model.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0, callbacks=[seen])
        answers = [model(part, training=False).numpy() for part in np.array_split(held_x, 8)]
        answers = np.concatenate(answers)
        broken = not np.isfinite(answers).all() or not math.isfinite(seen.losses[-1])
        yield {
            **series,
            "side": side,
            "classes": classes,
            "steps": math.ceil(len(x) / BATCH),
            "losses": [float(f"{loss:.4g}") for loss in seen.losses],
            "one_class": seen.one_class,
            "accuracy": None if broken else float(np.mean(answers.argmax(1) == held_y)),
        }


def _recorder(probe: np.ndarray) -> Any:
    import keras

    class Recorder(keras.callbacks.Callback):
        """Keep the loss of each batch (Keras' mean is begun anew after each), probe each epoch."""

        def __init__(self) -> None:
            super().__init__()
            self.losses: list[float] = []
            self.one_class = ""

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.losses.append(float(logs["loss"]))
            self.model.reset_metrics()
            self.model.stop_training = not math.isfinite(self.losses[-1])

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            answers = self.model(probe, training=False).numpy()
            one = bool((answers.argmax(1) == answers[0].argmax()).all())
            same = one and bool(np.ptp(answers, axis=0).max() < 1e-3)
            self.one_class += str(one + same)

    return Recorder()


def _arrays(data: str, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training and validation images, 0 to 1, float32, and their labels; classes equally many."""
    from sightkit import io
    from sightkit.preprocessing import SimplePreprocessor

    folder = os.environ.get("SIGHTKIT_TEST_DATA")
    if data != "digits" and not folder:
        raise SightkitError(
            "SIGHTKIT_TEST_DATA must name the folder that holds animals/ and cifar10/.",
            SIGHTKIT_TEST_DATA=folder,
        )
    each, held = {"digits": (144, 30), "animals": (95, 24), "cifar10": (300, 50)}[data]
    if data == "digits":
        source = io.digits()
    elif data == "animals":
        source = io.FolderDataset(Path(str(folder)) / "animals")()
    else:
        source = io.Cifar10(Path(str(folder)) / "cifar10")()
    resize = SimplePreprocessor(side, side)
    rng = np.random.default_rng(1)
    rows = [rng.permutation(np.flatnonzero(source.labels == k)) for k in np.unique(source.labels)]
    parts = [np.concatenate([r[:held] for r in rows])]
    parts.insert(0, rng.permutation(np.concatenate([r[held : held + each] for r in rows])))
    found = []
    for part in parts:
        small = [resize(_coloured(source.read(int(i)), data)) for i in part]
        found += [np.stack(small).astype(np.float32) / 255, source.labels[part]]
    return found[0], found[1], found[2], found[3]


def _coloured(image: np.ndarray, data: str) -> np.ndarray:
    """A few of the photos are grey."""
    return np.repeat(image, 3, axis=2) if data != "digits" and image.shape[2] == 1 else image


if __name__ == "__main__":
    _cli.run(main, Config)
