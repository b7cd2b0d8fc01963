"""Data that a trained network is judged by: a split of a dataset file, or a folder of photos."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import io
from sightkit._errors import SightkitError
from sightkit.evaluation.crops import images_a_batch, steps_of, with_views
from sightkit.evaluation.folder_batches import FolderBatches, require_classes
from sightkit.evaluation.metrics import LabelledBatches
from sightkit.preprocessing import Pipeline, Preprocessor, from_config


def check_data(
    path: str | os.PathLike[str], split: str, class_names: Sequence[str]
) -> io.DatasetFile | None:
    """Check, without Keras, that data can be judged by a network of these classes.

    Args:
        path: dataset file, or folder of class folders.
        split: of the file.
        class_names: of the network, in label order.

    Returns:
        The dataset file, or None for a folder.

    Raises:
        SightkitError: neither; no such split; rows that are no images; other classes, or those in
            another order.
    """
    if Path(path).is_dir():
        names = io.FolderDataset(Path(path), fewest=1).class_names
        require_classes(names, class_names, ordered=False)
        return None
    file = io.DatasetFile.open(path)
    if file.dtype != np.uint8 or len(file.shape) != 4:
        raise SightkitError(
            "The dataset file must hold images, uint8 (N, H, W, C).",
            "Features were judged where their head was trained; judge other photos by the folder "
            "that they lie in.",
            shape=file.shape,
            dtype=str(file.dtype),
        )
    file.rows(split)
    require_classes(file.class_names, class_names, ordered=True)
    return file


@dataclass
class JudgedData:
    """What ``open_data`` opened.

    Attributes:
        batches: of images and labels, for ``evaluate``.
        known: whether it can be told which of the images the network was trained on.
        notes: what the user should know, a line each.
    """

    batches: LabelledBatches
    known: bool = False
    notes: list[str] = field(default_factory=list)
    _seen: set[Any] = field(default_factory=set)

    @property
    def trained_on(self) -> int | None:
        """How many of the images that were read the network was trained on; None: not known."""
        return len(self._seen) if self.known else None

    @property
    def bad(self) -> dict[str, str]:
        """Photos that could not be read, with the reason."""
        return getattr(self.batches, "bad", {})

    def require_all(self, judged: int) -> None:
        """Raise if photos could not be read; call it when the others are judged and written.

        Args:
            judged: how many the others are.
        """
        if self.bad:
            raise SightkitError(
                "Each photo must be readable; those that are not are named above and left out.",
                "Remove or replace them.",
                bad=len(self.bad),
                judged=judged,
            )

    def warning(self, count: int) -> str:
        """What is said of images that were trained on; empty where there are none.

        Args:
            count: images that were judged.
        """
        if self.trained_on is None:
            return (
                "Whether the network was trained on some of these images is not known: "
                "its bundle does not say, or the images were prepared in another way."
            )
        if not self.trained_on:
            return ""
        return (
            f"Warning: the network was trained on {self.trained_on:,} of these {count:,} images; "
            "the figures flatter it. Judge it by others."
        )


def open_data(
    path: str | os.PathLike[str],
    *,
    split: str,
    chain: Preprocessor,
    class_names: Sequence[str],
    input_size: tuple[int, int],
    predictor: Any,
    views: int = 1,
    training_rows: io.Manifest | None = None,
) -> JudgedData:
    """Open data as a network was trained to see them.

    Rows of a dataset file that have been through the first steps of the network's chain go through
    the rest of it; rows of another file are taken as photos, and go through all of it.

    Args:
        path: dataset file, or folder of class folders.
        split: of the file.
        chain: the network's, from decoded image to its input.
        class_names: of the network, in label order.
        input_size: (height, width) of the network's input.
        predictor: whose batch is to be filled.
        views: of each image; see ``with_views``.
        training_rows: what the network was trained on.

    Raises:
        SightkitError: as ``check_data``, or another number of views.
    """
    batch_size = images_a_batch(predictor, views, input_size)
    file = check_data(path, split, class_names)
    if file is None:
        whole = with_views(chain, input_size, views)
        return _of_folder(Path(path), class_names, whole, batch_size, training_rows)
    rest, notes = _rest_of_chain(file, chain)
    data = io.HDF5DatasetGenerator(
        file.path,
        batch_size,
        split=split,
        preprocessors=with_views(rest, input_size, views, stored=file.shape[1:3]),
    )
    judged = JudgedData(data, notes=notes)
    if training_rows is not None and _alike(training_rows.preprocessing, file.preprocessing):
        judged.known = True
        held = training_rows.holds(file.hashes()[slice(*file.rows(split))])
        judged._seen.update(np.flatnonzero(held).tolist())
    return judged


def _of_folder(
    folder: Path,
    class_names: Sequence[str],
    chain: Preprocessor,
    batch_size: int,
    training_rows: io.Manifest | None,
) -> JudgedData:
    seen: set[Any] = set()
    if training_rows is None or not training_rows.preprocessing:
        return JudgedData(FolderBatches(folder, class_names, chain, batch_size))
    prepare = from_config(training_rows.preprocessing)

    def watch(row: int, image: np.ndarray) -> None:
        if training_rows.holds_image(image, prepare):
            seen.add(row)

    data = FolderBatches(folder, class_names, chain, batch_size, watch=watch)
    return JudgedData(data, known=True, _seen=seen)


def _rest_of_chain(file: io.DatasetFile, chain: Preprocessor) -> tuple[Pipeline, list[str]]:
    """The steps that rows of a file have not been through, and a note if that is all of them."""
    steps = steps_of(chain)
    done = _steps(file.preprocessing)
    if [step.to_config() for step in steps[: len(done)]] == done:
        return Pipeline(steps[len(done) :]), []
    return Pipeline(steps), [
        "The dataset file was prepared in another way than the network's: its rows are taken as "
        "photos."
    ]


def _alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return _steps(one) == _steps(other)


def _steps(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps of a chain's config, chains within it opened; none for an empty config."""
    if not config:
        return []
    return [step.to_config() for step in steps_of(from_config(config))]
