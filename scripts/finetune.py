"""Fine-tune a network that was trained on ImageNet, or your own, on your own photos.

    python scripts/finetune.py --model mobilenetv2_0.35 --data PHOTOS --output runs/finetune/photos
    python scripts/predict.py --bundle runs/finetune/photos/bundle PHOTO.jpg

PHOTOS holds one folder a class; the dataset file made of it, datasets/PHOTOS-256-HASH.h5, may be
given in its place, or any that scripts/build_folder.py made. The classifier of the network is
replaced by a new head. Phase 1 trains the head with the body frozen (RMSprop); phase 2 lets the
last block learn too, at a small rate (SGD, falling to zero along half a cosine). Batch
normalization keeps its averages throughout. Training photos are shifted, turned, zoomed and
mirrored, so that features are computed anew each epoch; where that takes too long, extract them
once, with scripts/extract_features.py. scripts/advise.py estimates whether fine-tuning will pay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from sightkit import _cli, experiments, io, transfer
from sightkit._errors import SightkitError, require_at_least
from sightkit.preprocessing import Augment


@dataclass(frozen=True)
class Config(experiments.Config, io.FolderFlags):
    """A pretrained network on your own photos."""

    output: Path = Path("runs/finetune/default")
    epochs: int = 20
    """Passes over the training photos in phase 2."""
    batch_size: int = 32
    data: Path = Path("datasets/photos")
    """Folder of photos, or a dataset file (.h5)."""
    model: Annotated[
        str,
        tyro.conf.arg(
            metavar="NAME", help=f"The network: {', '.join(transfer.names())}; or RUN/bundle."
        ),
    ] = "mobilenetv2_0.35"
    warm_up: int = 20
    """Passes over the training photos in phase 1; 10 to 30 are usual."""
    warm_up_rate: float = 1e-3
    """Rate of RMSprop in phase 1."""
    optimizer: experiments.OptimizerName = "sgd"
    learning_rate: float = 1e-3
    """Learning rate of phase 2."""
    momentum: float = 0.9
    unfreeze_from: str = ""
    """First layer of the body that learns in phase 2; its last block by default."""
    hidden: int = 256
    """Neurons of the head's hidden layer; 0: none."""
    dropout: float = 0.5
    """Share dropped after the hidden layer."""
    pool: Literal["avg", "flatten"] = "avg"
    """Mean of each feature map, or every position with weights of its own, as in the books."""
    flip: bool = True
    """Mirror training photos too: not for letters and digits."""
    max_bad: float = 0.05
    """Share of photos that may be left out because they cannot be read; they are listed."""
    groups: str | None = None
    """Photos of a folder that stay in one split: ``parent`` (those of a folder in it),
    ``prefix:REGEX`` (whose names begin with the same match), or a CSV file (image, group)."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        transfer.check_network(self.model)
        require_at_least(self, warm_up=1, hidden=0)
        if not self.warm_up_rate > 0:
            raise SightkitError("--warm-up-rate must be above 0.", warm_up_rate=self.warm_up_rate)
        if self.groups is not None:
            io.Grouping(self.groups)
        for name in ("arguments", "end", "initializer", "mean", "weights"):
            if self.is_given(name):
                raise SightkitError(
                    f"--{name} cannot be given: network, weights and mean are those of --model.",
                    "Leave it out; --model takes a RUN/bundle too.",
                    **{name: getattr(self, name)},
                )
        super().__post_init__()

    def _shrink(self) -> None:
        super()._shrink()
        object.__setattr__(self, "warm_up", min(self.warm_up, 2))

    def _require_data(self) -> None:
        if self.data.is_dir():
            io.FolderDataset(self.data, **self.options)()  # looks into it, and raises
        else:
            super()._require_data()
            if self.is_given("fractions") and self.data.is_file():
                raise SightkitError(
                    "The images of a dataset file are divided already.",
                    "Leave out --fractions, or give it to scripts/build_folder.py.",
                    fractions=self.fractions,
                )

    def augmentation(self, height: int, width: int) -> Augment:
        """Return the random variation of a training image of the stored size."""
        light = {"horizontal_flip": self.flip, "brightness": 0.1}
        return Augment(rotation=15, translation=0.06, zoom=0.1, **light)


def main(config: Config, *, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    with experiments.start(config, __file__, keras=False) as run:
        # 1. Photos to one dataset file, larger than the network takes, for shifts and turns.
        file = transfer.photos_to_file(
            config.model,
            config.data,
            size=config.size,
            fractions=config.shares,
            split_seed=config.split_seed,
            limit=config.limit,
            max_bad=config.max_bad or None,
            groups=config.groups,
            samples=config.smoke,
            **config.options,
        )
        run.start_keras()
        import keras

        data = run.use(file)
        data.chain, data.evaluation_batch = transfer.preprocessing_of(config.model, config.size), 64
        train = run.training()

        # 2. Surgery: the pretrained body under a new head.
        trained = not config.smoke or transfer.weights_available(config.model, include_top=False)
        network = transfer.with_new_head(
            config.model,
            data.classes,
            size=config.size,
            hidden=(config.hidden,) if config.hidden else (),
            dropout=config.dropout,
            pool=config.pool,
            trained=trained,
        )
        layer = config.unfreeze_from or transfer.last_block(config.model, network)
        transfer.unfreeze_from(network, layer)  # an unknown one is refused before phase 1

        # 3. Phase 1: the head learns. Phase 2: the body's last layers learn too.
        transfer.freeze_body(network)
        run.compile(network, train, keras.optimizers.RMSprop(config.warm_up_rate))
        rows = run.fit(network, train, epochs=config.warm_up, callbacks=callbacks, phase="head")
        transfer.unfreeze_from(network, layer)
        run.compile(network, train)
        run.fit(network, train, callbacks=callbacks, phase="body", after=rows)
        return run.report(network, pretrained=trained, unfrozen_from=layer)


if __name__ == "__main__":
    _cli.run(main, Config)
