"""LeNet on the 1,797 handwritten digits that come with scikit-learn.

    python scripts/train_lenet_digits.py

Expected: test rank-1 accuracy in README.md, "Results" (mean ± sd over five seeds), in half a
minute on two CPU cores. The reference trains LeNet (20-50-500) on MNIST; this is its smallest real
data set, and needs no download. Test images are never looked at before the last line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, training


@dataclass(frozen=True)
class Config(training.ExperimentConfig):
    """LeNet on scikit-learn's handwritten digits."""

    output: Path = Path("runs/lenet_digits/default")
    epochs: int = 20
    batch_size: int = 32
    data: Path = Path("datasets/digits.h5")
    learning_rate: float = 1e-3
    """Of Adam at the start; falls to zero along half a cosine."""


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with training.Run.open(config, experiment=Path(__file__).stem) as run:
        _cli.start_keras()
        import keras

        from sightkit import evaluation, inference, io
        from sightkit.preprocessing import (
            Augment,
            GrayscalePreprocessor,
            ImageToArrayPreprocessor,
            Pipeline,
            SimplePreprocessor,
        )
        from sightkit.zoo import LeNet

        training.prepare(seed=config.seed, precision=config.precision)

        # 1. Images to one HDF5 file: grey, 28x28, uint8, split into three.
        file = io.build_dataset(
            io.digits,
            config.data,
            preprocessors=Pipeline((GrayscalePreprocessor(), SimplePreprocessor(28, 28))),
            fractions={"train": 0.70, "validation": 0.15, "test": 0.15},
            split_seed=config.split_seed,
            limit=config.limit,
        )
        run.write_environment(data={"file": str(file.path), "sha256": file.sha256})

        # 2. Batches: floats in [0, 1]; only training images are shuffled and varied.
        to_array = Pipeline((ImageToArrayPreprocessor(),))
        train = io.HDF5DatasetGenerator(
            file.path,
            config.batch_size,
            preprocessors=to_array,
            augment=Augment(rotation=10, translation=0.1, zoom=0.1, border="black"),
            shuffle=True,
            seed=config.seed,
        )
        judged = {
            split: io.HDF5DatasetGenerator(file.path, 256, split=split, preprocessors=to_array)
            for split in ("train", "validation", "test")
        }

        # 3. The network, and how it learns.
        network = LeNet(input_shape=(28, 28, 1), classes=len(file.class_names))
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
