"""Experiments whose classifier is fitted in one go, on all images at once."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files, training
from sightkit import io as sightkit_io
from sightkit._keras import start_keras
from sightkit.experiments import ledger
from sightkit.experiments.config import SMOKE_IMAGES
from sightkit.experiments.data import open_built
from sightkit.preprocessing import ColourPreprocessor, Pipeline, SimplePreprocessor

SMOKE_FRACTIONS = {"train": 0.7, "validation": 0.15, "test": 0.15}


@dataclass(frozen=True)
class EstimatorConfig(training.RunConfig):
    """Flags of such an experiment: override the defaults, add fields.

    Raises:
        SightkitError: data that exist and are no dataset file.
    """

    output: Path
    """Folder of the run: everything that it writes is in it."""
    data: Path
    """Dataset file (.h5) with images for training, validation and test."""
    seed: int = 1
    """Seed of what is random."""
    overwrite: bool = False
    """Delete the run in the output folder and begin anew."""
    smoke: bool = False
    """Take a few digits, where there are no data; the result means nothing."""

    def __post_init__(self) -> None:
        """Check the data before any work is done."""
        _files.as_paths(self)
        if self.smoke and self.output == type(self).output:
            object.__setattr__(self, "output", self.output.with_name("smoke"))
            object.__setattr__(self, "overwrite", True)
        if self.data.exists():
            sightkit_io.DatasetFile.open(self.data)


@dataclass(frozen=True)
class Fitting:
    """One run of such a script; made by ``start_fitting``.

    Attributes:
        run: its folder.
        file: its images.
        smoke: whether the result means nothing, and comes into no ledger.
    """

    run: training.Run
    file: sightkit_io.DatasetFile
    smoke: bool

    def images(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Return all images of a split, uint8 (N, H, W, C), and labels, int64 (N,)."""
        rows = slice(*self.file.rows(split))
        return self.file.read(rows), self.file.labels[rows]

    def best(self, right: Mapping[Any, float]) -> Any:
        """Return the setting with the largest share of right validation images; print it."""
        found = max(right, key=lambda setting: right[setting])
        name = found if isinstance(found, str) else ", ".join(map(str, found))
        print(f"Best on the validation images: {name} ({100 * right[found]:.1f} %).")
        return found

    def report(self, predict: Callable[[np.ndarray], np.ndarray], **facts: Any) -> dict[str, Any]:
        """Evaluate every split, the test images once; write the report.

        Args:
            predict: images, uint8 (N, H, W, C), to probabilities, (N, classes).
            **facts: further entries of metrics.json, JSON.

        Returns:
            The contents of metrics.json.
        """
        from sightkit import evaluation

        path = self.file.path
        splits = {
            name: sightkit_io.HDF5DatasetGenerator(path, 256, split=name, preprocessors=Pipeline())
            for name in self.file.splits
        }
        metrics = evaluation.report_run(self.run.folder, predict, splits, facts, fitted=True)
        self.run.tidy()
        if not self.smoke:
            ledger.record_run(self.run.folder)
        print(self.run.describe())
        return metrics


@contextlib.contextmanager
def start_fitting(config: EstimatorConfig, script: str | os.PathLike[str]) -> Iterator[Fitting]:
    """Lock the run folder and open the data, whose hash is recorded.

    Args:
        config: the script's.
        script: ``__file__``; its name is the experiment's.

    Raises:
        SightkitError: as ``training.Run.open``, or a file without one of the three splits.
    """
    with (
        training.Run.open(config, experiment=Path(script).stem) as run,
        tempfile.TemporaryDirectory() as scratch,
    ):
        if config.data.exists() or not config.smoke:
            file = open_built(config)
        else:
            file = sightkit_io.build_dataset(
                sightkit_io.digits,
                Path(scratch) / "digits.h5",
                preprocessors=Pipeline((ColourPreprocessor(), SimplePreprocessor(32, 32))),
                fractions=SMOKE_FRACTIONS,
                split_seed=42,
                limit=SMOKE_IMAGES,
            )
        for name in SMOKE_FRACTIONS:
            file.rows(name)
        start_keras()  # which the report needs: quietly
        run.write_environment(data={"file": str(file.path.resolve()), "sha256": file.sha256})
        yield Fitting(run, file, config.smoke)
