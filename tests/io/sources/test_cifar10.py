"""CIFAR-10 is read where its hash is known; nothing in other files is run."""

from __future__ import annotations

import os
import pickle
import urllib.error

import numpy as np
import pytest

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit.io import Cifar10, keras_cifar10
from sightkit.io.sources import cifar10 as module
from sightkit.io.sources.sample_photos import pickled_batch, write_sample_photos


@pytest.fixture
def batches(tmp_path):
    """Batches of the published form, of three pictures each."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 3, 32, 32, 3)).astype(np.uint8)
    folder = tmp_path / module.FOLDER
    folder.mkdir()
    for name, part in zip(module.SHA256, images, strict=True):
        (folder / name).write_bytes(pickled_batch(part, [0, 9, 3]))
    return folder, images.reshape(18, 32, 32, 3)


def hashes(folder):
    return {path.name: _files.sha256(path) for path in folder.iterdir()}


def test_batches_become_rgb_images_with_a_test_split(batches):
    folder, images = batches
    for given in (folder, folder.parent):
        source = Cifar10(given, hashes(folder))()
        assert np.array_equal(np.stack([source.read(row) for row in range(18)]), images)
        assert source.labels.tolist() == [0, 9, 3] * 6
        assert source.class_names[9] == "truck"
        assert {name: rows.tolist() for name, rows in source.fixed} == {
            "train": list(range(15)),
            "test": [15, 16, 17],
        }


def test_python_itself_reads_the_same_from_them(batches):
    """The writer of sample batches writes what the published files hold."""
    with open(batches[0] / "data_batch_1", "rb") as file:
        batch = pickle.load(file, encoding="bytes")
    assert batch[b"data"].dtype == np.uint8
    assert np.array_equal(
        batch[b"data"].reshape(3, 3, 32, 32).transpose(0, 2, 3, 1), batches[1][:3]
    )
    assert batch[b"labels"] == [0, 9, 3]


def test_other_files_than_the_published_ones_are_refused_unread(batches, monkeypatch):
    monkeypatch.setattr(module.pickle, "loads", lambda *_, **__: pytest.fail("it was read"))
    for named in (None, {}, {"test_batch": hashes(batches[0])["test_batch"]}):
        with pytest.raises(SightkitError, match=r"not the one.*published.*data_batch_1"):
            Cifar10(batches[0], named)()


def test_files_that_are_not_those_named_are_refused(batches):
    with pytest.raises(SightkitError, match=r"not the one.*published.*test_batch"):
        Cifar10(batches[0], {**hashes(batches[0]), "test_batch": "0" * 64})()
    with pytest.raises(SightkitError, match=r"not the one.*published.*data_batch_1"):
        Cifar10(batches[0], {"test_batch": hashes(batches[0])["test_batch"]})()


def test_the_config_names_the_content_and_not_the_place(batches):
    published = Cifar10(batches[0]).to_config()
    assert published["sha256"]["test_batch"] == module.SHA256["test_batch"]
    other = Cifar10(batches[0], hashes(batches[0])).to_config()
    assert other["sha256"].keys() == published["sha256"].keys()
    assert other["sha256"] != published["sha256"]
    assert str(batches[0]) not in str(other)


class Exploit:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", (0, 1, 2, 3, 4, 5))
def test_a_hostile_pickle_is_refused_and_does_nothing(protocol, batches, tmp_path):
    marker = tmp_path / "marker"
    known = hashes(batches[0])
    data = pickle.dumps({b"data": 1, b"labels": Exploit(f"touch {marker}")}, protocol)
    pickle.loads(data)
    assert marker.exists()  # Python's own reader runs it
    marker.unlink()
    (batches[0] / "data_batch_2").write_bytes(data)
    with pytest.raises(SightkitError, match=r"not the one.*data_batch_2") as refused:
        Cifar10(batches[0], known)()
    assert "\n" not in str(refused.value) and not marker.exists()


def test_a_missing_file_a_pipe_and_a_huge_one_are_refused(batches, monkeypatch):
    monkeypatch.setattr(module, "MAXIMUM_BYTES", 100_000)
    cifar = Cifar10(batches[0], hashes(batches[0]))
    path = batches[0] / "data_batch_3"
    path.write_bytes(bytes(100_001))
    with pytest.raises(SightkitError, match="more than 100,000 bytes"):
        cifar()
    path.unlink()
    with pytest.raises(SightkitError, match=r"No such file.*data_batch_3"):
        cifar()
    os.mkfifo(path)
    with pytest.raises(SightkitError, match="data_batch_3"):
        cifar()
    (batches[0] / "test_batch").unlink()
    with pytest.raises(SightkitError, match=r"python version of CIFAR-10.*cifar-10-batches-py"):
        cifar()


def test_sample_batches_are_read(tmp_path):
    write_sample_photos(tmp_path, "cifar10")
    source = Cifar10(tmp_path, hashes(tmp_path))()
    assert len(source) == 6 * 24
    assert set(source.labels.tolist()) == set(range(10))


def test_without_archive_and_network_one_line_names_the_place(tmp_path, monkeypatch):
    import keras.src.backend.config as config
    import keras.src.utils.file_utils as file_utils

    def unreachable(*args, **kwargs):
        raise urllib.error.URLError("Temporary failure in name resolution")

    monkeypatch.setattr(file_utils, "urlretrieve", unreachable)
    monkeypatch.setattr(config, "_KERAS_DIR", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(
        SightkitError, match=r"must be available.*--data.*cifar-10-python\.tar\.gz"
    ) as refused:
        keras_cifar10()
    assert "\n" not in str(refused.value)
    assert str(tmp_path / "datasets" / module.KERAS_ARCHIVE) in str(refused.value)


@pytest.mark.parametrize("content", (b"archive", b"", b"\x1f\x8b cut off", b"PK\x03\x04"))
def test_an_archive_that_the_user_put_there_stays(content, tmp_path, monkeypatch):
    """Keras deletes one whose checksum is not its own."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    archive = tmp_path / "datasets" / module.KERAS_ARCHIVE
    archive.parent.mkdir()
    archive.write_bytes(content)
    assert keras_cifar10() == archive
    with pytest.raises(SightkitError, match=module.KERAS_ARCHIVE) as refused:
        module.FetchedCifar10(tmp_path / "nothing" / "here")()
    assert "\n" not in str(refused.value)
    assert archive.read_bytes() == content


@pytest.mark.slow
def test_the_published_files(test_data):
    source = Cifar10(test_data / "cifar10")()
    assert len(source) == 60_000
    assert np.bincount(source.labels[:50_000]).tolist() == [5_000] * 10
    assert np.bincount(source.labels[50_000:]).tolist() == [1_000] * 10
    assert source.labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert source.read(0)[0, 0].tolist() == [59, 62, 63]  # a frog; the corner is dark and bluish
    mean = np.mean([source.read(row).mean((0, 1)) for row in range(0, 50_000, 10)], 0) / 255
    assert mean == pytest.approx((0.4914, 0.4822, 0.4465), abs=5e-3)  # as published, RGB
