"""Fine-tune a network that was trained on ImageNet on your own photos.

    python scripts/finetune.py --model mobilenetv2_0.35 --data PHOTOS --output runs/finetune/photos
    python scripts/predict.py --bundle runs/finetune/photos/bundle PHOTO.jpg

PHOTOS holds one folder a class; the dataset file made of it, datasets/PHOTOS-256-HASH.h5, may be
given in its place, or any that scripts/build_folder.py made. The classifier of the network is
replaced by a new head. Phase 1 trains the head with the body frozen (RMSprop); phase 2 lets the
last block learn too, at a small rate (SGD, falling to zero along half a cosine). Batch
normalization keeps its averages throughout. Training photos are shifted, turned, zoomed and
mirrored, so that features are computed anew each epoch; where that takes too long, extract them
once, with scripts/extract_features.py. scripts/advise.py tells whether fine-tuning will pay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from sightkit import _cli, io, training, transfer
from sightkit._errors import SightkitError


@dataclass(frozen=True)
class Config(training.ExperimentConfig):
    """A pretrained network on your own photos."""

    output: Path = Path("runs/finetune/default")
    epochs: int = 20
    """Passes over the training photos in phase 2."""
    batch_size: int = 32
    data: Path = Path("datasets/photos")
    """Folder of photos, or a dataset file (.h5)."""
    model: Annotated[
        str, tyro.conf.arg(metavar="NAME", help=f"The network: {', '.join(transfer.names())}.")
    ] = "mobilenetv2_0.35"
    warm_up: int = 20
    """Passes over the training photos in phase 1; 10 to 30 are usual."""
    warm_up_rate: float = 1e-3
    """Of RMSprop in phase 1."""
    learning_rate: float = 1e-3
    """Of SGD with momentum 0.9 at the start of phase 2."""
    unfreeze_from: str = ""
    """Layer from which on the body learns in phase 2; its last block by default."""
    hidden: int = 256
    """Neurons of the head's hidden layer; 0: none."""
    dropout: float = 0.5
    """Share dropped after the hidden layer."""
    pool: Literal["avg", "flatten"] = "avg"
    """The mean of each feature map, or every place with weights of its own, as in the books."""
    flip: bool = True
    """Training photos are mirrored too; the flag leaves that out: for letters and digits."""
    layout: Literal["folders", "names", "splits"] = "folders"
    """Where the class of a photo stands; see scripts/build_folder.py."""
    max_bad: float = 0.05
    """Share of photos that may be left out because they cannot be read; they are listed."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        transfer.source_of(self.model)
        if self.warm_up < 1 or not self.warm_up_rate > 0 or self.hidden < 0:
            raise SightkitError(
                "--warm-up must be at least 1, --warm-up-rate above 0, --hidden at least 0.",
                warm_up=self.warm_up,
                warm_up_rate=self.warm_up_rate,
                hidden=self.hidden,
            )
        super().__post_init__()

    def _shrink(self) -> None:
        super()._shrink()
        object.__setattr__(self, "warm_up", min(self.warm_up, 2))

    def _require_data(self) -> None:
        if self.data.is_dir():
            io.FolderDataset(self.data, self.layout)()  # looks into it, and raises
        else:
            super()._require_data()


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with training.Run.open(config, experiment=Path(__file__).stem) as run:
        # 1. Photos to one dataset file, larger than the network takes, for shifts and turns.
        file = transfer.photos_to_file(
            config.model,
            config.data,
            layout=config.layout,
            split_seed=config.split_seed,
            limit=config.limit,
            max_bad=config.max_bad or None,
            samples=config.smoke,
        )
        _cli.start_keras()
        import keras

        from sightkit import evaluation, inference
        from sightkit.preprocessing import Augment

        training.prepare(seed=config.seed, precision=config.precision)
        run.write_environment(data={"file": str(file.path), "sha256": file.sha256})

        # 2. Batches, by the network's own preprocessing; only training images are varied.
        chain = transfer.preprocessing_of(config.model)
        train = io.HDF5DatasetGenerator(
            file.path,
            config.batch_size,
            preprocessors=chain,
            augment=Augment(
                rotation=15, translation=0.06, zoom=0.1, horizontal_flip=config.flip, brightness=0.1
            ),
            shuffle=True,
            seed=config.seed,
        )
        judged = {
            split: io.HDF5DatasetGenerator(file.path, 64, split=split, preprocessors=chain)
            for split in ("train", "validation", "test")
        }
        steps = config.epochs * len(train)

        # 3. Surgery: the pretrained body under a new head.
        trained = not config.smoke or transfer.at_hand(config.model, include_top=False)
        if not trained:
            print(f"The weights of {config.model} are not at hand: it begins at random values.")
        network = transfer.with_new_head(
            config.model,
            len(file.class_names),
            hidden=(config.hidden,) if config.hidden else (),
            dropout=config.dropout,
            pool=config.pool,
            trained=trained,
        )
        layer = config.unfreeze_from or transfer.source_of(config.model).last_block
        transfer.unfreeze_from(network, layer)  # an unknown one is told before phase 1

        # 4. Phase 1: the head learns. Phase 2: the body's last layers learn too.
        common = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
        transfer.freeze_body(network)
        network.compile(keras.optimizers.RMSprop(config.warm_up_rate), **common)
        rows = training.fit(
            network,
            train,
            judged["validation"],
            run=run,
            epochs=config.warm_up,
            callbacks=callbacks,
            phase="head",
        )
        transfer.unfreeze_from(network, layer)
        schedule = keras.optimizers.schedules.CosineDecay(config.learning_rate, steps)
        network.compile(keras.optimizers.SGD(schedule, momentum=0.9), **common)
        training.fit(
            network,
            train,
            judged["validation"],
            run=run,
            epochs=config.epochs,
            callbacks=callbacks,
            phase="body",
            after=rows,
        )

        # 5. What it can do, and the network to keep.
        facts = {**training.facts(network, config), "unfrozen_from": layer}
        metrics = evaluation.report_run(run.folder, inference.compile(network), judged, facts)
        training.save_run_bundle(run, network, data=judged["test"], metrics=metrics)
        print(run.describe())
    return metrics


if __name__ == "__main__":
    _cli.run(main, Config)
