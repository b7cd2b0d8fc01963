"""The flags that every training script has. No Keras here: ``--help`` must answer at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from sightkit import _files
from sightkit import io as sightkit_io
from sightkit._errors import SightkitError, require_at_least, require_numbers
from sightkit.experiments.flags.base import Flags
from sightkit.experiments.flags.inputs import InputFlags
from sightkit.experiments.flags.labels import LabelFlags, require_end
from sightkit.experiments.flags.network import NetworkFlags
from sightkit.experiments.flags.observation import ObservationFlags
from sightkit.experiments.flags.optimizer import OptimizerFlags
from sightkit.experiments.flags.recipe import with_defaults
from sightkit.experiments.flags.schedule import require_rate_left
from sightkit.preprocessing import Pipeline, SimplePreprocessor
from sightkit.training import RunConfig
from sightkit.training.run_config import Engine

SMOKE_IMAGES, SMOKE_EPOCHS = 200, 2


@dataclass(frozen=True)
class RunFlags(Flags, RunConfig, sightkit_io.SizeFlags):
    """The flags of run and data."""

    output: Path
    """Folder of the run: everything that it writes is in it."""
    epochs: int
    """Passes over the training images; more than a finished run had prolong it, with --resume."""
    batch_size: int
    """Images a step."""
    data: Path
    """Dataset file (.h5) to train on."""
    size: tuple[int, ...] = field(default=(), kw_only=True)
    """Height and width of the network's input, pixels, or one number for both; as stored by
    default."""
    validation_split: str = "validation"
    """Split of the data, of its own images, that is evaluated after each epoch; the best weights
    are chosen by it."""
    seed: int = 1
    """Seed of weights, order and augmentation."""
    split_seed: int = 42
    """Seed of the division into training, validation and test images; of a file that is divided
    already, in the same shares anew."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Arithmetic; weights are float32 in both."""
    augment: bool = True
    """Vary training images at random, as the script says how."""
    preflight: Literal["on", "off", "full"] = "on"
    """Checks of data, labels, network and disk before the first epoch; ``full``: gradients against
    finite differences too."""
    guard: Literal["on", "off"] = "on"
    """Stop a training whose loss is NaN or does not come back; ``off`` trains on."""
    keep: Literal["checkpoint", "bundle"] = "checkpoint"
    """Files of a finished run: its bundle and one checkpoint, or the bundle alone."""
    distribute: Engine = "auto"
    """What connects the processes that TF_CONFIG, Slurm or SkyPilot names, or ``sightkit launch``
    starts, to one training: Keras' backend; ``none`` trains in this process alone."""
    compress_gradients: bool = False
    """Send gradients between processes as bfloat16, half the bytes."""
    synchronize_statistics: bool = False
    """Let batch normalization take the statistics of all processes' images of a batch."""
    resume: bool = False
    """Continue the run in the output folder, wherever its data are now."""
    overwrite: bool = False
    """Delete the run in the output folder and begin anew."""
    smoke: bool = False
    """Run everything on little data, 200 images of each split at most and 2 epochs by default; the
    result means nothing."""
    config: Path | None = None
    """The config.json of a run of this experiment: its flags are the defaults."""


@dataclass(frozen=True)
class Config(ObservationFlags, LabelFlags, OptimizerFlags, NetworkFlags, InputFlags, RunFlags):
    """Base of a training script's ``Config``: override the defaults, add fields.

    Flags that are given win over those of a recipe, which win over those of ``--config``; in a
    program, too: ``Config(recipe="reference", epochs=3)``.

    Raises:
        SightkitError: a number below 1, a negative seed, flags that contradict each other, an
            unknown recipe, resume together with overwrite, or data that exist and are no dataset
            file.
    """

    builder: ClassVar[str] = ""
    """Script that has built the dataset file of an experiment that builds none of its own."""
    source: ClassVar[Any] = None
    """Images of an experiment that builds its own, a function of a module (``staticmethod``)."""

    def __post_init__(self) -> None:
        """Check the values before any work is done; a path may be given as a string."""
        Flags.__post_init__(self)
        sightkit_io.SizeFlags.__post_init__(self)
        _files.as_paths(self)
        require_numbers(self)
        super().__post_init__()
        require_at_least(self, epochs=1, batch_size=1)
        if self.resume and self.overwrite:
            raise SightkitError("--resume continues a run, --overwrite deletes it: give one.")
        if self.builder and self.is_given("fractions"):
            raise SightkitError(
                "The images of --data are divided already.",
                f"Give --fractions to scripts/{self.builder}.py.",
                fractions=self.fractions,
            )
        if self.validation_split in ("train", "test"):
            raise SightkitError(
                "The best weights must be chosen on images that are neither trained on nor tested.",
                "Leave --validation-split out, or name another split of the data.",
                validation_split=self.validation_split,
            )
        if not self.is_given("data"):
            object.__setattr__(self, "data", self._default_data())
        if self.smoke:
            self._shrink()
        require_rate_left(self, self.learning_rate, self.epochs)
        self._require_data()

    @classmethod
    def with_defaults(cls, words: Sequence[str]) -> list[str]:
        """Return a command's words after those of its ``--config`` and its ``--recipe``."""
        return with_defaults(cls, words)

    @property
    def is_divided(self) -> bool:
        """Whether the images of ``data`` are divided into splits before the run."""
        return bool(self.builder)

    @property
    def limit(self) -> int | None:
        """Largest number of images of a split: None, or few with ``--smoke``."""
        return SMOKE_IMAGES if self.smoke else None

    @property
    def preprocessors(self) -> Pipeline:
        """What becomes of an image before it is stored, by default: all of it, resized."""
        return Pipeline((SimplePreprocessor(self.width, self.height),))

    def augmentation(self, height: int, width: int) -> Any:
        """Return the random variation of a training image of the stored size; None for none."""
        return None

    def _shrink(self) -> None:
        """Make a smoke run short, with a folder of its own."""
        if not self.is_given("epochs"):
            object.__setattr__(self, "epochs", min(self.epochs, SMOKE_EPOCHS))
        if not self.is_given("precision"):  # bfloat16 takes minutes where a processor lacks it
            object.__setattr__(self, "precision", "float32")
        if not self.is_given("output"):
            object.__setattr__(self, "output", self.output.with_name("smoke"))
            object.__setattr__(self, "overwrite", not self.resume)

    def _default_data(self) -> Path:
        """Return the default of ``--data``, with the flags that a script builds another file by."""
        fields, words = type(self).__dataclass_fields__, [self.data.stem]
        built_here = self.data.suffix and not self.builder
        for name in ("fractions", "size", "split_seed") if built_here else ():
            if (value := getattr(self, name)) != fields[name].default:
                values = value if isinstance(value, tuple) else (value,)
                words += [name.replace("_", "-"), *map(str, values)]
        return self.data.with_stem("-".join([*words, *["training-smoke"] * self.smoke]))

    def _require_data(self) -> None:
        """Check ``--data`` where it exists; scripts that take folders override it."""
        try:
            self.data.stat()
        except FileNotFoundError:
            return
        except OSError as error:
            rule = f"--data must name a dataset file (.h5): {error.strerror}."
            raise SightkitError(rule, "Check the path.", data=str(self.data)) from error
        require_end(self, len(sightkit_io.DatasetFile.open(self.data).class_names))
