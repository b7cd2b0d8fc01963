"""Training any network of the zoo on photos that no script knows: flags, choices, estimates."""

from __future__ import annotations

import functools
import re
import shlex
import typing
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, make_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from sightkit import _scripts, zoo
from sightkit import io as sightkit_io
from sightkit._errors import SightkitError
from sightkit.experiments import choices
from sightkit.experiments.config import Config
from sightkit.experiments.estimate import MemoryNeed, memory_need, require_memory
from sightkit.experiments.flags.optimizer import OptimizerName
from sightkit.experiments.photo_facts import PhotoFacts, Photos, photo_facts
from sightkit.io.build.folder_file import folder_to_file, nothing_there, unpacked_once
from sightkit.io.labels import few_pictures
from sightkit.io.sources.archives import is_archive
from sightkit.io.sources.folder_dataset import TABLES
from sightkit.io.splits import shares_by_name
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    Augment,
    GrayscalePreprocessor,
    Pipeline,
    SimplePreprocessor,
)
from sightkit.training.environment import accelerators, available_memory
from sightkit.training.run_config import words_of

STORED = (64, 64)
"""Height and width of images where nothing has chosen them, in a program."""


@dataclass(frozen=True)
class PhotosConfig(Config, sightkit_io.FolderFlags):
    """Training a network on photos; a command's flags that are not given are chosen by them."""

    output: Path = Path("runs/train/default")
    epochs: int = 40
    batch_size: int = 32
    data: Path = Path("datasets/photos")
    """Photos in a folder, an archive of it or a table of labels beside them (.csv); or a dataset
    file (.h5)."""
    network: Annotated[
        str, tyro.conf.arg(metavar="NAME", help="A classifier of the zoo (docs/zoo.md).")
    ] = "minivggnet"
    optimizer: OptimizerName = "sgd"
    learning_rate: float = 0.01
    momentum: float = 0.9
    reg: float = 0.0
    """Strength of L2 on all kernels, where the network has it."""
    normalization: bool = True
    """Leave in batch normalization, where the network can do without it."""
    fit: Literal["crop", "stretch"] = "crop"
    """Keep the middle of an image, or all of it and not its shape."""
    grey: bool = False
    """Make grey images of one channel."""
    flip: bool = True
    """Mirror training images."""
    variation: Literal["letters", "shifts", "usual", "strong"] = "usual"
    """Variation of training images, beside mirroring."""
    max_bad: float = 0.05
    """Share of photos that may be left out because they cannot be read; they are listed."""
    groups: str | None = None
    """Photos of a folder that stay in one split: ``parent`` (those of a folder in it),
    ``prefix:REGEX`` (whose names begin with the same match), or a CSV file (image, group)."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        choices.require_classifier(self.network)
        if self.groups is not None:
            sightkit_io.Grouping(self.groups)
        super().__post_init__()

    @classmethod
    def with_defaults(cls, words: Sequence[str]) -> list[str]:
        """Return a command's words after those that are chosen for its photos."""
        words = super().with_defaults(words)
        if {"-h", "--help"} & {*words}:
            return words
        found, _ = tyro.cli(_unchecked(cls), args=words, return_unknown_args=True)
        if not found.data.exists():
            return words
        flags = (word[2:].partition("=")[0].replace("-", "_") for word in words if word[:2] == "--")
        named = {re.sub("^no_", "", name) for name in flags}
        given = {name: value for name, value in vars(found).items() if name in named}
        facts = photo_facts(_photos(found), shares_by_name(found.fractions))
        chosen = choices.choose(facts, found.network, given)
        own = {*given, "epochs"} if found.smoke else {*given}
        values = {name: choice.value for name, choice in chosen.items() if name not in own}
        return [*words_of(values), *words]

    @functools.cached_property
    def photos(self) -> Photos:
        """The folder, listed once, or the dataset file; of an archive what it holds."""
        return _photos(self)

    @property
    def is_divided(self) -> bool:
        """Whether the data are a dataset file, with splits of its own."""
        return self.data.is_file() and not _is_of_a_folder(self.data)

    def _require_data(self) -> None:
        if not self.data.exists() or _is_of_a_folder(self.data):
            return
        if self.data.is_dir():
            _ = self.photos.class_names  # looks into it, and raises
            return
        super()._require_data()
        for name in ("fractions", "groups", "grey"):
            if self.is_given(name):
                raise SightkitError(
                    "The images of a dataset file are divided and stored already.",
                    f"Leave out --{name}, or give it to scripts/build_folder.py.",
                    **{name: getattr(self, name)},
                )

    def augmentation(self, height: int, width: int) -> Augment:
        """Return the random variation of a training image of the stored size."""
        return Augment(**choices.VARIATIONS[self.variation], horizontal_flip=self.flip)

    def report_choices(self) -> PhotoFacts:
        """Print each choice with its reason, after what does better with few photos.

        Raises:
            SightkitError: there are no photos, or they cannot be divided into classes.
        """
        if not self.data.exists():
            if not self.smoke:
                raise nothing_there(self.data)
            self.data.mkdir(parents=True)
            sightkit_io.write_sample_photos(self.data)
        facts = photo_facts(self.photos, self.shares)
        shape = (facts.height, facts.width, 1 if facts.grey else 3)
        if line := few_pictures(facts.counts, [shape]):
            print(_scripts.as_given(line), *self._better(), sep="\n")
        print(f"{sum(facts.counts.values()):,} photos of {len(facts.counts):,} classes:")
        for name, choice in choices.choose(facts, self.network, vars(self)).items():
            print(f"  {name:<14} {_shown(choice.value)}: {choice.reason}")
        return facts

    def require_memory(self, facts: PhotoFacts) -> None:
        """Print the memory that the training takes; raise where that is not available.

        Raises:
            SightkitError: the network does not fit, or cannot be built for these images.
        """
        size = self.size or (facts.height, facts.width) if facts.stored else self.size or STORED
        channels = 1 if (facts.grey if facts.stored else self.grey) else 3

        def need_at(size: tuple[int, ...]) -> MemoryNeed:
            shape, arguments = (*size, channels), self.builder_arguments
            return memory_need(
                lambda: self.build(shape, len(facts.counts), **arguments),
                self.batch_size,
                self.optimizer,
            )

        available = available_memory()
        smallest = choices.smallest_side(self.network)
        if accelerators():  # their own memory is not known
            need = need_at(size)
        else:
            need = require_memory(need_at, (size[0], size[1]), smallest, available)
        print(f"memory: {need}, of {available / 2**30:.1f} GiB that are available")

    def file(self) -> sightkit_io.DatasetFile:
        """Build the dataset file of the photos, or open it."""
        if isinstance(self.photos, sightkit_io.DatasetFile):
            return self.photos
        fit = AspectAwarePreprocessor if self.fit == "crop" else SimplePreprocessor
        colour = (GrayscalePreprocessor(),) if self.grey else ()
        height, width = self.size or STORED
        return folder_to_file(
            self.photos,
            (height, width),
            preprocessors=Pipeline((*colour, fit(width, height))),
            fractions=self.shares,
            split_seed=self.split_seed,
            limit=self.limit,
            max_bad=self.max_bad or None,
            groups=self.groups,
        )

    def build(self, input_shape: Sequence[int], classes: int, **arguments: Any) -> Any:
        """Build the network, with L2 and without batch normalization as the flags say.

        Raises:
            SightkitError: a flag that the network's builder has no argument for, or an image that
                is too small for it.
        """
        import inspect

        from sightkit.zoo.registry import builder_of

        takes = inspect.signature(builder_of(self.network)).parameters
        if not self.normalization and "normalization" in takes:
            arguments = {"normalization": None, **arguments}
        if "reg" in takes:
            arguments = {"reg": self.reg, **arguments}
        elif self.reg:
            raise SightkitError(
                f"{self.network} has no L2 on its kernels.", "Leave out --reg.", reg=self.reg
            )
        return zoo.build(self.network, input_shape=input_shape, classes=classes, **arguments)

    def _better(self) -> list[str]:
        """Return the commands of features and logistic regression on the same photos."""
        given = {name: value for name, value in self.options.items() if self.is_given(name)}
        data = self.data
        if isinstance(self.photos, sightkit_io.FolderDataset):
            data, labels = self.photos.folder, self.photos.labels
            given |= {"labels": labels} if labels else {}
        model = ["--model", "mobilenetv2_0.35", "--data", str(data)]
        head = ["--features", "features.h5", "--output", "runs/features"]
        lines = (
            [*_scripts.command("extract_features"), *model, *words_of(given)],
            [*_scripts.command("train_logistic"), *head],
        )
        lines[0].extend(["--output", "features.h5"])
        return [f"  {shlex.join(line)}" for line in lines]


def _is_of_a_folder(data: Path) -> bool:
    """Return whether a file is an archive or a table of photos."""
    return data.suffix.lower() in TABLES or is_archive(data)


def _photos(flags: Any) -> Photos:
    """Return the photos of a command's flags: unpacked, and beside their table."""
    data, options = unpacked_once(flags.data), flags.options
    if data.is_file() and data.suffix.lower() in TABLES:
        data, options = data.parent, {**options, "labels": data}
    if data.is_file():
        return sightkit_io.DatasetFile.open(data)
    return sightkit_io.FolderDataset(data, **options)


def _unchecked(cls: type[PhotosConfig]) -> type:
    """Return a class of the same flags that checks none: others are chosen by them first."""
    kinds = typing.get_type_hints(cls, include_extras=True)
    flags = [(each.name, kinds[each.name], field(default=each.default)) for each in fields(cls)]
    bases = (sightkit_io.FolderFlags,)
    return make_dataclass(cls.__name__, flags, bases=bases, frozen=True, kw_only=True)


def _shown(value: Any) -> str:
    if not isinstance(value, tuple):
        return str(value)
    return ("x" if value and isinstance(value[0], int) else " ").join(map(str, value))
