"""Measure the cost of checkpoints and curves, as shares of an epoch's time.

    python benchmarks/saving.py [--quick] [--json FILE]

MiniVGGNet is trained by ``training.fit`` on 45,000 pictures of CIFAR-10's form, with all that a
script has: the state and the best weights are written and synced after each epoch, history and
curves too. Their seconds are taken where they are spent, within the same epochs that they are
compared with; of the thread that draws, the processor's seconds.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import measure
import numpy as np

from sightkit import _cli, experiments, training

CHECKPOINT_BAR, MONITOR_BAR = 2.0, 1.0
"""Percent of an epoch."""


@dataclass(frozen=True)
class Config:
    """Measure what checkpoints and curves cost."""

    quick: bool = False
    """Few pictures and two epochs: a smoke test whose shares mean little."""
    json: Path | None = None
    """File to write the rows to."""


@dataclass(frozen=True)
class Training(experiments.Config):
    """Stand in for a script's flags."""

    output: Path = Path("run")
    data: Path = Path("pictures.h5")
    epochs: int = 3
    batch_size: int = 128
    preflight: Literal["on", "off", "full"] = "off"


def main(config: Config) -> list[measure.Row]:
    images, epochs = (2_560, 2) if config.quick else (45_000, 3)
    with tempfile.TemporaryDirectory() as folder:
        flags = Training(Path(folder, "run"), epochs, data=Path(folder, "pictures.h5"))
        spent = _train(flags, images)
    epoch = statistics.median(spent["epoch"])
    share = {name: 100 * statistics.median(values) / epoch for name, values in spent.items()}
    against = f"an epoch of {epoch:.1f} s"
    rows = [
        measure.at_most(
            "% for state and best weights", against, share["checkpoint"], CHECKPOINT_BAR
        ),
        measure.at_most("% for history and curves", against, share["monitor"], MONITOR_BAR),
    ]
    rows = [{**row, "images": images, "epochs": epochs} for row in rows]
    measure.report(rows, config.json)
    return rows


def _train(flags: Training, images: int) -> dict[str, list[float]]:
    """Seconds of each epoch, of its checkpoint, and of its history and picture."""
    _cli.start_keras()
    import keras

    from sightkit import callbacks, io
    from sightkit.callbacks.drawing import Drawing
    from sightkit.preprocessing import Augment, ImageToArrayPreprocessor, Pipeline
    from sightkit.training.state import TrainingState
    from sightkit.zoo import MiniVGGNet

    spent: dict[str, list[float]] = {"epoch": [], "checkpoint": [], "monitor": []}
    _timed(TrainingState, "save", spent["checkpoint"])
    best, drawn = [], []
    _timed(callbacks.BestCheckpoint, "on_epoch_end", best)
    _timed(callbacks.TrainingMonitor, "on_epoch_end", spent["monitor"])
    _timed(Drawing, "_run", drawn, clock=time.thread_time)

    _write_images(flags.data, images)
    with training.Run.open(flags, experiment="saving") as run:
        training.prepare(seed=1)
        chain = Pipeline((ImageToArrayPreprocessor(),))
        augment = Augment(horizontal_flip=True, translation=0.1, border="reflect")
        train = io.HDF5DatasetGenerator(
            flags.data, flags.batch_size, preprocessors=chain, augment=augment, shuffle=True, seed=1
        )
        validation = io.HDF5DatasetGenerator(
            flags.data, 256, split="validation", preprocessors=chain
        )
        network = MiniVGGNet((32, 32, 3), 10)
        network.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        clock = Clock(spent["epoch"])
        training.fit(
            network,
            train,
            validation,
            run=run,
            epochs=flags.epochs,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=clock.tick)],
        )
        clock.tick()
    spent["checkpoint"] = [a + b for a, b in zip(spent["checkpoint"], best, strict=True)]
    spent["monitor"] = [value + sum(drawn) / flags.epochs for value in spent["monitor"]]
    return spent


class Clock:
    """Seconds between its ticks."""

    def __init__(self, seconds: list[float]) -> None:
        self.seconds = seconds
        self.last: float | None = None

    def tick(self, epoch: int = 0, logs: Any = None) -> None:
        """Write down how long ago the last tick was."""
        now = time.perf_counter()
        if self.last is not None:
            self.seconds.append(now - self.last)
        self.last = now


def _timed(
    owner: type, name: str, seconds: list[float], clock: Callable[[], float] = time.perf_counter
) -> None:
    """Let a method write down how long it takes."""
    method = getattr(owner, name)

    def timed(*args: Any, **more: Any) -> Any:
        begun = clock()
        result = method(*args, **more)
        seconds.append(clock() - begun)
        return result

    setattr(owner, name, timed)


def _write_images(path: Path, images: int) -> None:
    from sightkit import io

    rng = np.random.default_rng(0)
    splits = {"train": images, "validation": images // 9}
    total = sum(splits.values())
    names = tuple("0123456789")
    with io.HDF5DatasetWriter((total, 32, 32, 3), path, class_names=names, splits=splits) as writer:
        for start in range(0, total, 1_000):
            labels = np.arange(start, min(start + 1_000, total)) % 10
            pictures = rng.integers(0, 100, (len(labels), 32, 32, 3), dtype=np.uint8)
            writer.add(pictures + (15 * labels[:, None, None, None]).astype(np.uint8), labels)


if __name__ == "__main__":
    _cli.run(main, Config)
