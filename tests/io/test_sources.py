"""MNIST without a file and without a network: one line that says what to put where."""

from __future__ import annotations

import urllib.error

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.io import mnist


@pytest.fixture
def keras_home(tmp_path, monkeypatch):
    """An empty Keras home; Keras has read the variable when it was imported, so both are set."""
    import keras.src.backend.config as config

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(config, "_KERAS_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def no_network(monkeypatch):
    def unreachable(*args, **kwargs):
        raise urllib.error.URLError("Temporary failure in name resolution")

    import keras.src.utils.file_utils as file_utils

    monkeypatch.setattr(file_utils, "urlretrieve", unreachable)


def test_without_file_and_network_the_error_names_file_and_variable(keras_home, no_network):
    with pytest.raises(SightkitError, match=r"mnist\.npz.*KERAS_HOME") as refused:
        mnist()
    assert "\n" not in str(refused.value)
    assert str(keras_home / "datasets" / "mnist.npz") in str(refused.value)


def test_a_damaged_file_is_not_taken(keras_home, no_network):
    (keras_home / "datasets").mkdir()
    (keras_home / "datasets" / "mnist.npz").write_bytes(b"<html>Please log in</html>")
    with pytest.raises(SightkitError, match=r"mnist\.npz"):
        mnist()


def test_the_real_file_gives_both_splits(keras_home, no_network, test_data):
    (keras_home / "datasets").mkdir()
    (keras_home / "datasets" / "mnist.npz").symlink_to(
        test_data.absolute() / "keras" / "datasets" / "mnist.npz"
    )
    source = mnist()
    assert len(source) == 70_000
    assert {name: len(rows) for name, rows in source.fixed} == {"train": 60_000, "test": 10_000}
    assert np.bincount(source.labels[60_000:])[:3].tolist() == [980, 1135, 1032]
    assert source.read(0).shape == (28, 28, 1)
    assert source.labels[:5].tolist() == [5, 0, 4, 1, 9]
