"""Networks that are trained in a second, for smoke runs of scripts that need some."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sightkit import io as sightkit_io
from sightkit import zoo
from sightkit.preprocessing import (
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    Pipeline,
    SimplePreprocessor,
    from_config,
)
from sightkit.training.bundle_writer import save_bundle
from sightkit.training.preparation import prepare

SIDE, IMAGES = 16, 200


def smoke_bundles(folder: Path, count: int = 1) -> tuple[Path, list[Path]]:
    """Write a dataset file of scikit-learn's digits, and bundles of small networks trained on it.

    Args:
        folder: for the files.
        count: networks, which differ by their seed.

    Returns:
        The dataset file, with the splits train, validation and test, and the bundles' folders.
    """
    file = sightkit_io.build_dataset(
        sightkit_io.digits,
        folder / "digits.h5",
        preprocessors=Pipeline((GrayscalePreprocessor(), SimplePreprocessor(SIDE, SIDE))),
        fractions={"train": 0.6, "validation": 0.2, "test": 0.2},
        limit=IMAGES,
    )
    return file.path, [
        _bundle(folder / f"bundle-{seed}", file, seed) for seed in range(1, count + 1)
    ]


def _bundle(folder: Path, file: sightkit_io.DatasetFile, seed: int) -> Path:
    to_array = Pipeline((ImageToArrayPreprocessor(),))
    train: Any = sightkit_io.HDF5DatasetGenerator(
        file.path, 32, preprocessors=to_array, shuffle=True, seed=seed
    )
    prepare(seed=seed)
    network = zoo.MLP((SIDE, SIDE, 1), len(file.class_names), hidden=(32,))
    network.compile("adam", "sparse_categorical_crossentropy")
    network.fit(train, epochs=5, verbose=0)
    return save_bundle(
        folder,
        network,
        preprocessing=Pipeline((from_config(file.preprocessing), to_array)),
        class_names=file.class_names,
        canary=file.memmap()[0],
        training={"seed": seed, "smoke": True},
        training_rows=sightkit_io.Manifest.of(file),
    )
