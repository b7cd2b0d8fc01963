"""MiniVGGNet on your own photos, as scripts/build_folder.py put them into a dataset file.

    python scripts/build_folder.py --data PHOTOS --output datasets/photos.h5
    python scripts/train_minivggnet_photos.py --data datasets/photos.h5
    python scripts/predict.py --bundle runs/minivggnet_photos/default/bundle PHOTO.jpg

A network that begins with random weights wants thousands of photos of each class; with some
hundreds it gives a first figure to beat, by a network that has seen other photos before. Without
batch normalization, whose averages need more steps than some hundreds of photos give. The size of
the network's input is that of the file's images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, io, training


@dataclass(frozen=True)
class Config(training.ExperimentConfig):
    """MiniVGGNet on your own photos."""

    output: Path = Path("runs/minivggnet_photos/default")
    epochs: int = 40
    batch_size: int = 32
    data: Path = Path("datasets/photos.h5")
    learning_rate: float = 1e-3
    """Of Adam at the start; falls to zero along half a cosine."""


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with training.Run.open(config, experiment=Path(__file__).stem) as run:
        if not config.smoke:
            io.DatasetFile.open(config.data)  # what is wrong with it is told before Keras starts
        _cli.start_keras()
        import keras

        from sightkit import evaluation, inference
        from sightkit.preprocessing import (
            Augment,
            ColourPreprocessor,
            ImageToArrayPreprocessor,
            Pipeline,
            SimplePreprocessor,
        )
        from sightkit.zoo import MiniVGGNet

        training.prepare(seed=config.seed, precision=config.precision)

        # 1. The dataset file stands already; a smoke run without one makes itself one of
        #    scikit-learn's digits.
        if config.smoke and not config.data.exists():
            io.build_dataset(
                io.digits,
                config.data,
                preprocessors=Pipeline((ColourPreprocessor(), SimplePreprocessor(32, 32))),
                fractions={"train": 0.70, "validation": 0.15, "test": 0.15},
                limit=config.limit,
            )
        file = io.DatasetFile.open(config.data)
        run.write_environment(data={"file": str(file.path), "sha256": file.sha256})

        # 2. Batches: floats in [0, 1]; only training images are shuffled and varied.
        to_array = Pipeline((ImageToArrayPreprocessor(),))
        train = io.HDF5DatasetGenerator(
            file.path,
            config.batch_size,
            preprocessors=to_array,
            augment=Augment(rotation=15, translation=0.1, zoom=0.15, horizontal_flip=True),
            shuffle=True,
            seed=config.seed,
        )
        judged = {
            split: io.HDF5DatasetGenerator(file.path, 256, split=split, preprocessors=to_array)
            for split in ("train", "validation", "test")
        }

        # 3. The network, and how it learns.
        network = MiniVGGNet(file.shape[1:], len(file.class_names), normalization=None, reg=5e-4)
        network.compile(
            optimizer=keras.optimizers.Adam(
                keras.optimizers.schedules.CosineDecay(
                    config.learning_rate, decay_steps=config.epochs * len(train)
                )
            ),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        training.fit(
            network,
            train,
            judged["validation"],
            run=run,
            epochs=config.epochs,
            callbacks=callbacks,
        )

        # 4. What it can do, and the network to keep.
        metrics = evaluation.report_run(
            run.folder, inference.compile(network), judged, facts=training.facts(network, config)
        )
        training.save_run_bundle(run, network, data=judged["test"], metrics=metrics)
        print(run.describe())
    return metrics


if __name__ == "__main__":
    _cli.run(main, Config)
