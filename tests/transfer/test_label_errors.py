"""Wrong labels among real photos, found by heads that were not trained on them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from sightkit import transfer

DATA = os.environ.get("SIGHTKIT_TEST_DATA")


@pytest.mark.slow
@pytest.mark.skipif(not DATA, reason="SIGHTKIT_TEST_DATA is not set")
@pytest.mark.parametrize("name", ("animals", pytest.param("flowers17", marks=pytest.mark.faults)))
def test_four_in_five_label_errors_are_in_the_first_tenth(name, tmp_path, monkeypatch):
    home = str(Path(str(DATA)) / "keras")
    monkeypatch.setenv("KERAS_HOME", home)
    monkeypatch.setattr("keras.src.utils.file_utils.config.keras_home", lambda: home, raising=False)
    network = transfer.open_network("mobilenetv2_0.35")
    photos = transfer.open_photos(Path(str(DATA)) / name)
    features = transfer.extract_features(network, photos, tmp_path / "f.h5")
    count, classes = features.shape[0], len(features.class_names)
    shares = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        wrong = rng.choice(count, count // 20, replace=False)
        labels = features.labels.copy()
        labels[wrong] = (labels[wrong] + rng.integers(1, classes, len(wrong))) % classes
        first = transfer.suspicious_labels(features, labels=labels)[: count // 10]
        shares.append(np.isin(wrong, [one["row"] for one in first]).mean())
    assert np.mean(shares) >= 0.8
