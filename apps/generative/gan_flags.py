"""The flags of the training of a GAN. No Keras here: ``--help`` answers at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from sightkit import io, training
from sightkit._errors import SightkitError, require_at_least
from sightkit.apps.generative.gan_pictures import Pictures, read_gan_pictures


@dataclass(frozen=True, kw_only=True)
class GanFlags(training.TrainingFlags, io.SizeFlags):
    """Base of the script's ``Config``.

    Raises:
        SightkitError: a number out of range, a size that 4 does not divide, or resume together with
            overwrite.
    """

    smoke_values: ClassVar = {
        **{"data": Path("digits"), "size": (16, 16), "epochs": 2, "pictures": 256},
        **{"samples": 60, "filters": (8, 8), "classifier_epochs": 1},
    }

    output: Path = Path("runs/dcgan/default")
    data: Path = Path("mnist")
    """``mnist``, ``fashion``, ``digits`` (scikit-learn's), ``smiles`` (in datasets/SMILEs), or a
    folder of pictures."""
    size: tuple[int, ...] = field(default=(), kw_only=True)
    """Height and width of the pictures, pixels, multiples of 4; by default those of the data set,
    and 32 for faces and folders, which are scaled and cut."""
    pictures: int | None = None
    """Training pictures to take; all by default."""
    epochs: int = 5
    batch_size: int = 64
    """Real pictures a step; as many are generated."""
    learning_rate: float = 5e-4
    """Learning rate of Adam (beta 0.5), of both networks."""
    discriminator_rate: float = 1.0
    """Factor of the discriminator's learning rate."""
    average: float = 0.998
    """Decay of the mean of the weights that draws in the end, an exponential one; 0: the last
    weights draw."""
    latent: int = 100
    """Numbers of a latent vector."""
    noise: Literal["normal", "uniform"] = "normal"
    """Distribution of latent vectors."""
    filters: tuple[int, ...] = (64, 32)
    """Filters of the generator's two maps; the discriminator has them the other way round."""
    dense: int = 0
    """Neurons of a dense layer in both networks; 0: none, as Radford advises."""
    kernel: int = 4
    """Side of the kernels; one that the stride, 2, divides, draws no chequerboard."""
    normalize_discriminator: bool = False
    """Batch normalization in the discriminator too, in all layers but the first: Radford's way."""
    dropout: float = 0.3
    """Share dropped after each convolution of the discriminator."""
    label_noise: float = 0.05
    """The most that is taken from the target 1 of a real picture and added to the 0 of a sample."""
    smoothing: float = 0.0
    """Taken from the target 1 of real pictures."""
    classifier: Path | None = None
    """Bundle of a classifier that reads the samples; by default a LeNet is trained on the labels
    of the data, where they have any."""
    classifier_epochs: int = 2
    """Passes of that LeNet's training."""
    samples: int = 5_000
    """Samples that are drawn to be evaluated, at least 2."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        io.SizeFlags.__post_init__(self)
        super().__post_init__()
        require_at_least(
            self, batch_size=2, latent=1, dense=0, kernel=2, samples=2, pictures=2,
            classifier_epochs=1,
        )  # fmt: skip
        _require(self.discriminator_rate > 0, self, "discriminator_rate", "above 0")
        for name in ("average", "dropout", "label_noise", "smoothing"):
            _require(0 <= getattr(self, name) < 1, self, name, "at least 0 and below 1")
        if self.label_noise + self.smoothing >= 0.5:
            raise SightkitError(
                "--label-noise and --smoothing together must leave a real picture's target above "
                "that of a sample: below 0.5.",
                "Give --label-noise 0.05, for example.",
                label_noise=self.label_noise,
                smoothing=self.smoothing,
            )
        if any(side % 4 for side in self.size):
            raise SightkitError(
                "--size must be multiples of 4: the generator doubles its first map twice.",
                "Give --size 32, for example.",
                size=self.size,
            )
        if len(self.filters) != 2 or min(self.filters) < 1:
            raise SightkitError(
                "--filters must be two numbers above 0.", "Give --filters 64 32.",
                filters=self.filters,
            )  # fmt: skip
        if self.classifier is not None:
            training.check_bundle(self.classifier, training.ALONE)

    def read_pictures(self) -> Pictures:
        """Read the pictures, and say what they are."""
        found = read_gan_pictures(self.data, self.size, pictures=self.pictures)
        print(found, flush=True)
        return found


def _require(holds: bool, config: GanFlags, name: str, rule: str) -> None:
    if not holds:
        flag = f"--{name.replace('_', '-')}"
        raise SightkitError(
            f"{flag} must be {rule}.",
            f"Give {flag} {config.default_of(name):g}, the default, for example.",
            **{name: getattr(config, name)},
        )
