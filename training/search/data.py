"""Dataset files for a search: folds of training and validation images, without test images."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sightkit import io as sightkit_io
from sightkit._errors import SightkitError


def write_folds(dataset: Path, folder: Path, folds: int, *, seed: int) -> list[Path]:
    """Write the files that trials are trained on.

    With one fold it is the dataset's own split into training and validation images; with more,
    both are divided anew, stratified, equal images in one fold, and each fold is once the
    validation split. A script evaluates its network on the split test at its end: here that holds
    the validation images again, so that no choice depends on a test image.

    The recipe is that of the dataset, so that a script opens the file as its own; the key
    ``search`` describes the fold.

    Args:
        dataset: file with the splits train and validation.
        folder: where the files are written; one that exists is used.
        folds: at least 1.
        seed: of the division.

    Returns:
        The files, in the order of the folds.

    Raises:
        SightkitError: a file without these splits, or classes too small for so many folds.
    """
    file = sightkit_io.DatasetFile.open(dataset)
    own = [np.arange(*file.rows(split)) for split in ("train", "validation")]
    pool = np.concatenate(own)
    if folds == 1:
        parts = [own[1]]
    else:
        dealt = sightkit_io.split(
            file.labels[pool],
            {f"fold {number}": 1 / folds for number in range(1, folds + 1)},
            seed=seed,
            groups=[row.tobytes() for row in file.hashes()[pool]],
            class_names=file.class_names,
        )
        parts = [np.sort(pool[rows]) for rows in dealt.values()]
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, validation in enumerate(parts, start=1):
        path = folder / f"fold-{number}-of-{folds}.h5"
        train = np.setdiff1d(pool, validation)
        about = {"fold": number, "folds": folds, "seed": seed, "dataset_sha256": file.sha256}
        if path.is_file():
            _require_same(path, about)
        else:
            _write_fold(path, file, train, validation, about)
        paths.append(path)
    return paths


def _write_fold(
    path: Path,
    file: sightkit_io.DatasetFile,
    train: np.ndarray,
    validation: np.ndarray,
    about: dict[str, int | str],
) -> None:
    about = {**about, "test": "the validation images again: there is no test image in this file"}
    parts = {"train": train, "validation": validation, "test": validation}
    sightkit_io.write_rows(path, file, parts, recipe={"search": about})


def _require_same(path: Path, about: dict[str, int | str]) -> None:
    found = sightkit_io.DatasetFile.open(path).recipe.get("search", {})
    if any(found.get(name) != value for name, value in about.items()):
        raise SightkitError(
            "The folds were made from another dataset or with another seed.",
            "Choose another --output.",
            path=str(path),
        )
