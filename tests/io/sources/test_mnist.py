"""MNIST and Fashion-MNIST: whole, or one line that says what to put where."""

from __future__ import annotations

import gzip
import os
import urllib.error

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.io import FashionMnist, fashion_mnist, mnist


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


def test_without_file_and_network_the_error_names_the_variable(keras_home, no_network):
    with pytest.raises(SightkitError, match=r"mnist\.npz.*KERAS_HOME") as refused:
        mnist()
    assert "\n" not in str(refused.value)
    assert str(keras_home / "datasets" / "mnist.npz") in str(refused.value)


def test_a_damaged_file_is_not_taken(keras_home, no_network):
    (keras_home / "datasets").mkdir()
    path = keras_home / "datasets" / "mnist.npz"
    for content in (b"<html>Please log in</html>", b"PK\x03\x04 cut off", b""):
        path.write_bytes(content)
        with pytest.raises(SightkitError, match=r"file is damaged.*mnist\.npz"):
            mnist()
        assert path.read_bytes() == content


def write_mnist(home, **changes):
    """A file of MNIST's shapes that is not MNIST."""
    (home / "datasets").mkdir(exist_ok=True)
    arrays = {}
    for part, count in (("train", 60_000), ("test", 10_000)):
        arrays[f"x_{part}"] = np.zeros((count, 28, 28), np.uint8)
        arrays[f"y_{part}"] = (np.arange(count) % 10).astype(np.uint8)
    np.savez(home / "datasets" / "mnist.npz", **{**arrays, **changes})
    return home / "datasets" / "mnist.npz"


@pytest.mark.parametrize("kind", ("pipe", "folder", "broken link"))
def test_what_is_no_file_is_named(kind, keras_home, no_network):
    (keras_home / "datasets").mkdir()
    path = keras_home / "datasets" / "mnist.npz"
    {"pipe": os.mkfifo, "folder": os.mkdir, "broken link": lambda p: p.symlink_to("x")}[kind](path)
    with pytest.raises(SightkitError, match=r"regular file.*mnist\.npz"):
        mnist()


@pytest.mark.slow
def test_a_file_that_the_user_put_there_is_used_and_stays(keras_home, no_network, capsys):
    path = write_mnist(keras_home)
    before = path.read_bytes()
    assert len(mnist()) == 70_000
    assert "mnist.npz is not the published file (SHA256" in capsys.readouterr().err
    assert path.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    (
        {"x_test": np.zeros((10_000, 28, 27), np.uint8)},
        {"x_test": np.zeros((10_000, 28, 28), np.float32)},
        {"y_test": np.full(10_000, 10)},
        {"y_test": np.full(10_000, -1)},
        {"y_test": np.zeros(10_000, np.float32)},
        {"y_test": np.array([{}] * 10_000)},
        {"y_train": np.zeros(59_999, np.uint8)},
    ),
)
def test_a_file_of_other_shapes_is_refused_and_stays(changes, keras_home, no_network):
    path = write_mnist(keras_home, **changes)
    before = path.read_bytes()
    with pytest.raises(SightkitError, match=r"file is damaged.*mnist\.npz") as refused:
        mnist()
    assert "\n" not in str(refused.value)
    assert path.read_bytes() == before


def test_the_real_file_gives_both_splits(keras_home, no_network, test_data, capsys):
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
    assert not capsys.readouterr().err


def write_fashion(home, *, train=60_000, labels=10_000, highest=9):
    """The four files as they are published: sixteen or eight bytes of header, then bytes."""
    folder = home / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    for name, count, used in (("train", train, train), ("t10k", 10_000, labels)):
        images = (np.arange(count) % 251).astype(np.uint8).repeat(784)
        classes = np.arange(used) % (10 if name == "train" else highest + 1)
        for kind, content in (
            ("images-idx3", bytes(16) + images.tobytes()),
            ("labels-idx1", bytes(8) + classes.astype(np.uint8).tobytes()),
        ):
            (folder / f"{name}-{kind}-ubyte.gz").write_bytes(gzip.compress(content, 1))
    return folder


def test_fashion_mnist_has_both_splits_and_names(keras_home, no_network):
    write_fashion(keras_home)
    source = fashion_mnist()
    assert {name: len(rows) for name, rows in source.fixed} == {"train": 60_000, "test": 10_000}
    assert len(source.class_names) == 10
    assert [source.class_names[label] for label in source.labels[:3]] == [
        "T-shirt/top",
        "Trouser",
        "Pullover",
    ]
    assert source.labels.dtype == np.int64
    image = source.read(60_007)
    assert (image.shape, image.dtype, image.min(), image.max()) == ((28, 28, 1), np.uint8, 7, 7)
    assert source.identify(5) == "fashion_mnist/5"


@pytest.mark.parametrize(
    "damage", ("missing", "cut", "too few", "half of them", "no such class", "page")
)
def test_fashion_mnist_that_is_not_whole_is_one_line(damage, keras_home, no_network):
    if damage != "missing":
        folder = write_fashion(
            keras_home,
            train=30_000 if damage == "half of them" else 60_000,
            labels=9_999 if damage == "too few" else 10_000,
            highest=10 if damage == "no such class" else 9,
        )
        path = folder / "train-images-idx3-ubyte.gz"
        if damage == "cut":
            path.write_bytes(path.read_bytes()[:-1000])
        if damage == "page":
            path.write_bytes(b"<html>Please log in</html>")
    with pytest.raises(
        SightkitError, match=r"fashion_mnist.*four \.gz files.*KERAS_HOME"
    ) as refused:
        fashion_mnist()
    assert "\n" not in str(refused.value)
    assert str(keras_home / "datasets" / "fashion-mnist") in str(refused.value)


def test_fashion_mnist_of_a_folder_is_read_and_reported(tmp_path, capsys):
    folder = write_fashion(tmp_path)
    source = FashionMnist(folder)()
    assert {name: len(rows) for name, rows in source.fixed} == {"train": 60_000, "test": 10_000}
    told = capsys.readouterr().err
    assert told.count("is not the published file (SHA256") == 4
    before = FashionMnist(folder).to_config()
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bytes(8) + bytes(10_000), 1))
    assert FashionMnist(folder).to_config() != before


def test_a_file_that_unpacks_without_end_is_refused(tmp_path):
    folder = write_fashion(tmp_path)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bytes(2**27), 9))
    with pytest.raises(SightkitError, match="fashion_mnist"):
        FashionMnist(folder)()
    with pytest.raises(SightkitError, match="fashion_mnist"):
        FashionMnist(tmp_path)()
