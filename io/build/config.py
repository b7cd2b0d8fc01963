"""The common part of all build scripts: flags, data, and the report at the end."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from sightkit import _files
from sightkit._errors import SightkitError, few, require_numbers, visible
from sightkit._scripts import as_given
from sightkit.io.arguments import share
from sightkit.io.build.dataset import ENDINGS, build_dataset, check_place
from sightkit.io.build.recipe import OtherRecipe
from sightkit.io.build.shards import build_shards
from sightkit.io.chain import Chain
from sightkit.io.data_sets import DATA_SETS
from sightkit.io.groups import Grouping
from sightkit.io.hdf5.file import DatasetFile
from sightkit.io.hdf5.shards import shard_path
from sightkit.io.labels import class_counts, few_pictures
from sightkit.io.left_out import counted
from sightkit.io.size import SizeFlags
from sightkit.io.sources.archives import unpacked
from sightkit.io.sources.image_source import ImageSource
from sightkit.io.sources.sample_photos import SampleLayout, write_sample_photos
from sightkit.io.splits import shares_by_name

TEST_DATA_VARIABLE = "SIGHTKIT_TEST_DATA"
SMOKE_IMAGES = 50
SHOWN_CLASSES = 10


@dataclass(frozen=True)
class BuildConfig(SizeFlags):
    """Base of a build script's ``Config``: override the defaults, add fields.

    Raises:
        SightkitError: a size below 1, shares that do not add up to 1, a negative seed, a share of
            bad images that is none, or an output that is a folder or has another ending.
    """

    published: ClassVar[str] = ""
    """The data set that the script is for, as ``data_sets.DATA_SETS`` names it."""
    test_data: ClassVar[str] = ""
    """What ``--smoke`` looks for in the folder of test data; else it takes sample photographs."""
    sample_layout: ClassVar[SampleLayout] = "folders"
    endings: ClassVar[tuple[str, ...]] = ENDINGS

    data: Path
    """Folder of the images, or an archive of it (zip, tar, tar.gz, tar.bz2, tar.xz)."""
    output: Path
    """Dataset file (.h5) to write."""
    size: tuple[int, ...] = field(default=(64, 64), kw_only=True)
    """Height and width of the images in the file, pixels; one number for both."""
    fractions: tuple[float | str, ...] = (0.60, 0.15, 0.25)
    """Shares of train, validation, test, 0 for none; four, with train_validation second, for the
    whole diagnosis; or NAME=SHARE of any splits, train first. A test split of the data set's own
    stays."""
    split_seed: int = 42
    """Seed of the division into training, validation and test images."""
    max_bad: float = 0.0
    """Share of images that may be left out (unreadable, hidden, without a class); 0: none."""
    groups: str | None = None
    """Images that stay in one split: ``parent`` (those of a folder), ``prefix:REGEX`` (whose names
    begin with the same match), or a CSV file (image, group)."""
    overwrite: bool = False
    """Build the file again if it exists."""
    smoke: bool = False
    """Store 50 images of each split at most; a few sample pictures where no data are named."""

    def __post_init__(self) -> None:
        """Check the values before any work is done; a path may be given as a string."""
        _files.as_paths(self)
        super().__post_init__()
        shares_by_name(self.fractions)
        require_numbers(self)
        share("max_bad", self.max_bad)
        if self.groups is not None:
            Grouping(self.groups)
        check_place(self.output, self.endings)  # build_dataset comes after an archive was unpacked
        default = type(self).__dataclass_fields__["output"].default
        if self.smoke and self.output == default:
            object.__setattr__(self, "output", self.output.with_stem(f"{self.output.stem}-smoke"))
            object.__setattr__(self, "overwrite", True)

    @contextlib.contextmanager
    def folder(self, otherwise: Callable[[], Path] | None = None) -> Iterator[Path]:
        """The folder of the data; an archive is unpacked beside the output and removed again.

        Args:
            otherwise: gives data where the default of ``--data`` does not exist.
        """
        if self._takes_samples:
            with self._smoke_data() as folder:
                yield folder
            return
        data = self.data
        if otherwise is not None and self._is_default and not data.exists():
            data = otherwise()
        if self.published:
            published = DATA_SETS[self.published]
            if not data.exists():
                raise SightkitError(
                    f"--data must name {published.title}, as a folder or an archive.",
                    f"{published.way}, and give --data its path.",
                    data=str(data),
                )
            published.report(data)
        with unpacked(data, beside=self.output) as folder:
            yield folder

    def build(
        self,
        source: Callable[[], ImageSource],
        preprocessors: Chain,
        *,
        classes: Sequence[str] = (),
        shards: int = 0,
    ) -> dict[str, Any]:
        """Build the dataset file and print what it holds.

        Args:
            source: as for ``build_dataset``.
            preprocessors: as for ``build_dataset``.
            classes: those of the data set, if the script knows it: other data are refused, save
                the pictures of a smoke run.
            shards: files that the dataset is divided into, see ``build_shards``; 0: one file.

        Returns:
            ``output``, ``images``, ``shape``, ``classes`` (name to count), ``splits`` (name to
            count), ``left_out``, ``near_copies`` (in words), ``mean``, ``bytes``, ``seconds`` and
            ``sha256``.
        """
        start = time.perf_counter()
        if classes and not self._takes_samples:
            _check_classes(source().class_names, classes, self.data)
        parts = [shard_path(self.output, k, shards) for k in range(shards)]
        existed = not self.overwrite and all(each.exists() for each in (self.output, *parts))
        try:
            building = functools.partial(build_shards, shards=shards) if shards else build_dataset
            file = building(
                source,
                self.output,
                preprocessors=preprocessors,
                fractions=shares_by_name(self.fractions),
                split_seed=self.split_seed,
                limit=SMOKE_IMAGES if self.smoke else None,
                max_bad=self.max_bad or None,
                groups=self.groups,
                overwrite=self.overwrite,
            )
        except OtherRecipe as error:
            raise SightkitError(
                error.rule,
                "Give --overwrite to build it anew, or another --output.",
                **error.received,
            ) from error
        result = _facts(file, time.perf_counter() - start)
        print(_summary(result, file.left_out, existed))
        if not self.smoke and (line := few_pictures(result["classes"], [file.shape[1:]])):
            print(as_given(line))
        return result

    @property
    def _is_default(self) -> bool:
        return self.data == type(self).__dataclass_fields__["data"].default

    @property
    def _takes_samples(self) -> bool:
        return self.smoke and self._is_default

    @contextlib.contextmanager
    def _smoke_data(self) -> Iterator[Path]:
        shared = Path(os.environ.get(TEST_DATA_VARIABLE, ""), self.test_data)
        if os.environ.get(TEST_DATA_VARIABLE) and self.test_data and shared.is_dir():
            yield shared
            return
        with tempfile.TemporaryDirectory() as folder:
            write_sample_photos(Path(folder), self.sample_layout)
            yield Path(folder)


def _check_classes(found: Sequence[str], wanted: Sequence[str], data: Path) -> None:
    """Raise unless the data have the classes of the data set that a script is for."""
    strange = sorted(set(found) - set(wanted))
    missing = sorted(set(wanted) - set(found))
    if strange or missing:
        raise SightkitError(
            f"The data must be those that this script is for, with the classes {few(wanted)}.",
            "Check --data; scripts/build_folder.py takes photos of any classes.",
            data=str(data),
            classes=few(found),
            missing=few(missing),
        )


def _facts(file: DatasetFile, seconds: float) -> dict[str, Any]:
    return {
        "output": str(file.path),
        "images": file.shape[0],
        "shape": list(file.shape[1:]),
        "classes": class_counts(file.labels, file.class_names),
        "splits": {name: last - first for name, (first, last) in file.splits.items()},
        "left_out": sum(file.left_out.values()),
        "near_copies": file.recipe.get("near_copies", {}).get("text", ""),
        "mean": [round(value, 3) for value in file.mean.tolist()],
        "bytes": sum(each.stat().st_size for each in file.files),
        "seconds": round(seconds, 3),
        "sha256": file.sha256,
    }


def _summary(result: dict[str, Any], left_out: dict[str, int], existed: bool) -> str:
    counts, channels = result["classes"], "RGB" if len(result["mean"]) == 3 else "grey"
    shape = "x".join(map(str, result["shape"]))
    speed = f"{result['images'] / max(result['seconds'], 1e-9):,.0f} images/s"
    reasons = dict(Counter(left_out).most_common(5))
    more = "; …" * (len(left_out) > 5)
    lines = {
        "images": f"{result['images']:,} of {shape}, {channels}, 0–255",
        "classes": f"{len(counts):,}: {_counted(counts)}",
        "splits": ", ".join(f"{name} {count:,}" for name, count in result["splits"].items()),
        "left out": f"{result['left_out']:,}: {counted(reasons)}{more}" if reasons else "nothing",
        "copies": result["near_copies"],
        "mean": f"{', '.join(f'{value:.1f}' for value in result['mean'])} over the training images",
        "file": f"{result['output']}, {result['bytes'] / 1e6:,.1f} MB",
        "time": "exists already, built by the same recipe"
        if existed
        else f"{result['seconds']:,.1f} s, {speed}",
    }
    return "\n".join(f"{name:<10}{text}" for name, text in lines.items())


def _counted(counts: dict[str, int]) -> str:
    if len(counts) <= SHOWN_CLASSES:
        return ", ".join(f"{visible(name)} {count:,}" for name, count in counts.items())
    if len(set(counts.values())) == 1:
        return f"{next(iter(counts.values())):,} images each"
    fewest, most = min(counts, key=lambda name: counts[name]), max(counts, key=lambda n: counts[n])
    least, rest = f"{counts[fewest]:,} ({visible(fewest)})", f"{counts[most]:,} images"
    return f"from {least} to {rest} ({visible(most)})"
