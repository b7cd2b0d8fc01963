"""Evaluation data: a split of a dataset file, or a folder of photos, with labels."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import io
from sightkit._errors import SightkitError
from sightkit.evaluation.crops import images_a_batch, with_views
from sightkit.evaluation.folder_batches import FileBatches, FolderBatches, labels_of
from sightkit.evaluation.predictions import LabelledBatches
from sightkit.preprocessing import (
    ColourPreprocessor,
    GrayscalePreprocessor,
    Pipeline,
    Preprocessor,
    flat_steps,
    from_config,
)

OTHERWISE_PREPARED = (
    "The dataset file was prepared in another way than the training images: its rows are taken as "
    "photos."
)
COLOUR_STEPS = (ColourPreprocessor, GrayscalePreprocessor)


def check_data(
    path: str | os.PathLike[str],
    split: str,
    class_names: Sequence[str],
    **options: Any,
) -> int:
    """Check, without Keras, that a network of these classes can be evaluated on data.

    Args:
        path: dataset file, or folder of class folders.
        split: of the file.
        class_names: of the network, in label order; the data may lack some.
        **options: of a folder: ``exclude``, ``follow_links``, see ``io.FolderDataset``.

    Returns:
        Number of images.

    Raises:
        SightkitError: neither; no such split; rows that are not images; other classes.
    """
    file = open_file(path, split, class_names, **options)
    if file is not None:
        first, last = file.rows(split)
        return last - first
    folder = io.FolderDataset(Path(path), fewest=1, **options)
    labels_of(folder.class_names, class_names)
    return len(folder())


def open_file(
    path: str | os.PathLike[str],
    split: str,
    class_names: Sequence[str],
    **options: Any,
) -> io.DatasetFile | None:
    """Open a dataset file that passes ``check_data``; None for a folder."""
    if Path(path).is_dir():
        return None
    if any(options.values()):
        raise SightkitError(
            "--exclude and --follow-links are for a folder, and the data are a file.",
            "Leave them out.",
            data=str(path),
        )
    file = io.DatasetFile.open(path)
    require_images(file)
    file.rows(split)
    labels_of(file.class_names, class_names)
    return file


def require_images(file: io.DatasetFile) -> None:
    """Raise unless the rows of a dataset file are images."""
    if file.dtype != np.uint8 or len(file.shape) != 4:
        raise SightkitError(
            "The dataset file must hold images, uint8 (N, H, W, C).",
            "Name a folder of photos, or a file that one of scripts/build_*.py wrote; a head's own "
            "features are evaluated where it is trained.",
            path=str(file.path),
            holds=file.data_key,
            shape=file.shape,
            dtype=file.dtype,
        )


@dataclass
class EvaluationData:
    """Labelled images, prepared for a network; made by ``open_data``.

    Attributes:
        batches: of images and labels, for ``evaluate``.
        path: dataset file or folder.
        split: of the file; None for a folder.
        notes: for the user, a line each.
        seen: the images, among those that were read, that the network was trained on; None where
            that is not known.
    """

    batches: LabelledBatches
    path: Path
    split: str | None = None
    notes: list[str] = field(default_factory=list)
    seen: set[int] | None = None

    @property
    def bad(self) -> dict[str, str]:
        """Photos that could not be read, with the reason."""
        return getattr(self.batches, "bad", {})

    def require_all(self, evaluated: int) -> None:
        """Raise if photos could not be read; call it when the others are evaluated and reported.

        Args:
            evaluated: number of the others.
        """
        if self.bad:
            raise SightkitError(
                "Each photo must be readable; those that are not are named above and left out.",
                "Remove or replace them.",
                bad=len(self.bad),
                evaluated=evaluated,
            )

    def notes_on(self, count: int) -> list[str]:
        """Return the notes, and a warning where images were trained on or may have been.

        Args:
            count: images that were evaluated.
        """
        if self.seen is None:
            warning = (
                "It is not known whether the network was trained on some of these images: "
                "its bundle lists none, or they were prepared in another way."
            )
        elif self.seen:
            warning = (
                f"Warning: the network was trained on {len(self.seen):,} of these {count:,} "
                "images; the figures flatter it. Evaluate it on others."
            )
        else:
            return self.notes
        return [*self.notes, warning]


def open_data(
    path: str | os.PathLike[str],
    *networks: Any,
    split: str = "test",
    views: int = 1,
    **options: Any,
) -> EvaluationData:
    """Open evaluation data, prepared as the networks' training data were.

    Rows of a dataset file that have been through the first steps of the networks' chain go through
    the rest of it; rows of another file are taken as photos, and go through all of it.

    Args:
        path: dataset file, or folder of class folders.
        networks: one, as ``training.load_bundle`` returns it, or those of an ensemble, alike in
            classes and preprocessing.
        split: of the file.
        views: of each image; see ``with_views``.
        **options: as for ``check_data``.

    Raises:
        SightkitError: as ``check_data``, or another number of views.
    """
    first, *_ = networks
    input_size = first.predictor.input_shape[1:3]
    batch_size = images_a_batch(first.predictor, views, input_size)
    seen = [network.training_rows for network in networks]
    trained = None if None in seen else io.Manifest.joined([rows for rows in seen if rows])
    file = open_file(path, split, first.class_names, **options)
    if file is None:
        chain = with_views(first.preprocessing, input_size, views)
        watch, found = watch_for(trained)
        batches = FolderBatches(path, first.class_names, chain, batch_size, watch, **options)
        return EvaluationData(batches, Path(path), seen=found)
    rest, notes = _rest_of_chain(file, first.preprocessing)
    rows = io.HDF5DatasetGenerator(
        file.path,
        batch_size,
        split=split,
        preprocessors=with_views(rest, input_size, views, stored=file.shape[1:3]),
    )
    batches = FileBatches(rows, first.class_names)
    data = EvaluationData(batches, Path(path), split, notes=notes)
    data.seen = seen_in(file, split, trained, file.preprocessing)
    return data


def watch_for(
    trained: io.Manifest | None,
) -> tuple[Callable[[int, np.ndarray], None] | None, set[int] | None]:
    """Return what looks at decoded photos, and the set of those that were trained on, to be filled.

    None and None where nothing is known of them.
    """
    if trained is None or not trained.preprocessing:
        return None, None
    prepare, found = from_config(trained.preprocessing), set[int]()

    def watch(row: int, image: np.ndarray) -> None:
        if trained.holds_image(image, prepare):
            found.add(row)

    return watch, found


def seen_in(
    file: io.DatasetFile, split: str, trained: io.Manifest | None, stored: Mapping[str, Any]
) -> set[int] | None:
    """Return the rows of a split that were trained on; None where that is not known.

    Args:
        file: whose rows they are.
        split: of the file.
        trained: the images that were trained on.
        stored: config of the chain that the rows have been through.
    """
    if trained is None or _steps(trained.preprocessing) != _steps(stored):
        return None
    held = trained.holds(file.hashes()[slice(*file.rows(split))])
    return set(np.flatnonzero(held).tolist())


def _rest_of_chain(file: io.DatasetFile, chain: Preprocessor) -> tuple[Pipeline, list[str]]:
    """Return the steps that rows of a file still need, and a note if that is all of them."""
    steps = flat_steps(chain)
    done = _steps(file.preprocessing)
    for first in (0, 1):  # the step for photos of the other kind, grey or in colour, may lead
        lead, rest = steps[:first], steps[first:]
        if all(isinstance(step, COLOUR_STEPS) for step in lead) and done == [
            step.to_config() for step in rest[: len(done)]
        ]:
            return Pipeline((*lead, *rest[len(done) :])), []
    return Pipeline(steps), [OTHERWISE_PREPARED]


def _steps(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The steps of a chain's config, chains within it opened; none for an empty config."""
    if not config:
        return []
    return [step.to_config() for step in flat_steps(from_config(config))]
