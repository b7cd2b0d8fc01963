"""MiniVGGNet on CIFAR-10: 50,000 photos of 32x32 in ten classes, 10,000 more to be judged on.

    python scripts/train_minivggnet_cifar10.py --precision bfloat16

Expected: test rank-1 accuracy in README.md, "Results", as soon as it has been measured there. The
reference reports 82.36 % for this network after 40 epochs of SGD at 0.01; here the rate falls to
zero along a cosine, and training images are mirrored and shifted. bfloat16 takes half the time
where the processor has it. Batch normalization and dropout make it the hard case of a resume.

CIFAR-10 is found in datasets/cifar-10-batches-py or in KERAS_HOME (~/.keras), or downloaded by
Keras; a file that scripts/build_cifar10.py wrote is used as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightkit import _cli, training


@dataclass(frozen=True)
class Config(training.ExperimentConfig):
    """MiniVGGNet on CIFAR-10."""

    output: Path = Path("runs/minivggnet_cifar10/default")
    epochs: int = 40
    batch_size: int = 128
    data: Path = Path("datasets/cifar10.h5")
    learning_rate: float = 0.05
    """Of SGD with Nesterov momentum 0.9 at the start; falls to zero along half a cosine."""
    reg: float = 5e-4
    """Strength of L2 on all kernels."""


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with training.Run.open(config, experiment=Path(__file__).stem) as run:
        _cli.start_keras()
        import keras

        from sightkit import evaluation, inference, io
        from sightkit.preprocessing import (
            Augment,
            ColourPreprocessor,
            ImageToArrayPreprocessor,
            Pipeline,
            SimplePreprocessor,
        )
        from sightkit.zoo import MiniVGGNet

        training.prepare(seed=config.seed, precision=config.precision)

        # 1. Images to one HDF5 file; the 10,000 test images are CIFAR-10's own. A smoke run needs
        #    no download: it takes scikit-learn's digits, as colour pictures of the same size.
        colour = (ColourPreprocessor(),) if config.smoke else ()
        file = io.build_dataset(
            io.digits if config.smoke else io.FetchedCifar10(),
            config.data,
            preprocessors=Pipeline((*colour, SimplePreprocessor(32, 32))),
            fractions={"train": 0.72, "validation": 0.08, "test": 0.20},  # 45,000 and 5,000
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
            augment=Augment(horizontal_flip=True, translation=0.1, border="reflect"),
            shuffle=True,
            seed=config.seed,
        )
        judged = {
            split: io.HDF5DatasetGenerator(file.path, 256, split=split, preprocessors=to_array)
            for split in ("train", "validation", "test")
        }

        # 3. The network, and how it learns.
        network = MiniVGGNet((32, 32, 3), len(file.class_names), reg=config.reg)
        network.compile(
            optimizer=keras.optimizers.SGD(
                keras.optimizers.schedules.CosineDecay(
                    config.learning_rate, decay_steps=config.epochs * len(train)
                ),
                momentum=0.9,
                nesterov=True,
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
