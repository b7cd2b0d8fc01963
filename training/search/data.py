"""Dataset files for a search or an ensemble, made of the one that an experiment's script builds."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from keras.callbacks import LambdaCallback

from sightkit import _files
from sightkit import io as sightkit_io
from sightkit._errors import SightkitError


def write_folds(
    dataset: Path, folder: Path, folds: int, *, seed: int, validation: str = "validation"
) -> list[Path]:
    """Write the files that trials are trained on.

    With one fold it is the dataset's own split into training and validation images; with more,
    both are divided anew, stratified, equal images and groups in one fold, and each fold is once
    the validation split. A script evaluates its network on the split test at its end: here that
    holds the validation images again, so that no choice depends on a test image.

    The recipe is that of the dataset, so that a script opens the file as its own; the key
    ``search`` describes the fold.

    Args:
        dataset: file with the splits train and that for validation.
        folder: where the files are written; one that exists is used.
        folds: at least 1.
        seed: of the division.
        validation: name of the split for validation, in the dataset and in the files.

    Returns:
        The files, in the order of the folds.

    Raises:
        SightkitError: a file without these splits, or classes too small for so many folds.
    """
    file = sightkit_io.DatasetFile.open(dataset)
    own = [np.arange(*file.rows(split)) for split in ("train", validation)]
    pool = np.concatenate(own)
    if folds == 1:
        parts = [own[1]]
    else:
        dealt = sightkit_io.split(
            file.labels[pool],
            {f"fold {number}": 1 / folds for number in range(1, folds + 1)},
            seed=seed,
            groups=sightkit_io.together(file)[pool].tolist(),
            class_names=file.class_names,
        )
        parts = [np.sort(pool[rows]) for rows in dealt.values()]
    paths = []
    for number, held in enumerate(parts, start=1):
        about = {"fold": number, "folds": folds, "seed": seed, "dataset_sha256": file.sha256}
        about["test"] = "the validation images again: there is no test image in this file"
        rows = {"train": np.setdiff1d(pool, held), validation: held, "test": held}
        paths.append(folder / f"fold-{number}-of-{folds}.h5")
        derive(paths[-1], file, rows, search=about)
    return paths


def derive(
    path: Path,
    file: sightkit_io.DatasetFile,
    rows: Mapping[str, np.ndarray],
    **about: dict[str, Any],
) -> None:
    """Write a dataset file of another's rows; one that exists is used if it was made alike.

    Args:
        path: of the new file.
        file: whose rows are taken.
        rows: of each split.
        **about: how they were chosen, JSON by the name of its entry in the recipe.

    Raises:
        SightkitError: the file exists, and was made of another dataset or with another seed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file():
        sightkit_io.write_rows(path, file, rows, recipe=about)
    elif not about.items() <= sightkit_io.DatasetFile.open(path).recipe.items():
        raise SightkitError(
            "The file was made from another dataset, or with another seed.",
            "Choose another --output.",
            path=str(path),
        )


def ensure_data(main: Callable[..., Any], config: Any, folder: Path) -> None:
    """Let a script build its dataset file where it is missing, and stop before it trains.

    Args:
        main: the script's.
        config: the script's; ``data`` names the file.
        folder: for what the script prints and begins.
    """
    if config.data.exists():
        return
    only_data = dataclasses.replace(
        config, output=folder / "preparation", resume=False, overwrite=True, preflight="off"
    )
    with contextlib.suppress(DatasetBuilt), quiet(folder / "preparation.log"):
        main(only_data, callbacks=[LambdaCallback(on_train_begin=_stop_before_training)])
    _files.remove(only_data.output)


class DatasetBuilt(Exception):
    """A script has built its dataset and would begin to train."""


def _stop_before_training(logs: dict[str, Any] | None = None) -> None:
    raise DatasetBuilt


@contextlib.contextmanager
def quiet(path: Path) -> Iterator[None]:
    """Redirect to a file what a script prints."""
    with (
        io.TextIOWrapper(_files.open_to_append(path), "utf-8", write_through=True) as file,
        contextlib.redirect_stdout(file),
    ):
        yield
