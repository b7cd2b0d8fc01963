"""Photos, a small network with weights as they are drawn, and its features."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sightkit import io, transfer
from sightkit.transfer import FeatureNetwork, Features


@pytest.fixture(scope="session")
def small_network() -> FeatureNetwork:
    """MiniVGGNet for 32x32, ten views of each photo: three photos a batch."""
    return transfer.open_network("minivggnet", random=True, crops=10)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve pictures of a temple and twelve of a flower."""
    place = tmp_path / "photos"
    place.mkdir()
    io.write_sample_photos(place)
    return place


@pytest.fixture
def write_features(tmp_path: Path) -> Callable[..., Path]:
    """Write a feature file without a network: ``write_features("a.h5", layer="b")``."""

    def write(
        file: str = "features.h5",
        *,
        count: int = 60,
        dimensions: int = 8,
        classes: tuple[str, ...] = ("cats", "dogs", "panda"),
        splits: dict[str, int] | None = None,
        change: Callable[[np.ndarray], object] | None = None,
        labels: np.ndarray | None = None,
        photo: str = "photo",
        **identity: object,
    ) -> Path:
        rng = np.random.default_rng(0)
        given = np.arange(count) % len(classes) if labels is None else labels
        centres = rng.normal(size=(len(classes), dimensions))
        rows = (2 * centres[given] + rng.normal(size=(count, dimensions))).astype(np.float32)
        if change is not None:
            change(rows)
        network = {
            "name": "net",
            "layer": "a",
            "pool": "avg",
            "crops": 1,
            "weights_sha256": "0" * 64,
            "preprocessing": {},
            "network": {"builder": "lenet", "arguments": {}},
            "dimensions": dimensions,
            "origin": {},
            "engine": "keras",
            "precision": "float32",
            **identity,
        }
        with io.HDF5DatasetWriter(
            rows.shape,
            tmp_path / file,
            class_names=classes,
            splits=splits,
            data_key="features",
            dtype="float32",
            recipe={"kind": "features", "network": network, "data": {}, "before": None},
        ) as writer:
            writer.add(rows, given, [f"{photo} {row}" for row in range(count)])
        return tmp_path / file

    return write


@pytest.fixture
def open_rows(write_features: Callable[..., Path]) -> Callable[..., Features]:
    """The same, opened."""

    def opened(*arguments: object, **options: object) -> Features:
        return transfer.open_features([write_features(*arguments, **options)])

    return opened
