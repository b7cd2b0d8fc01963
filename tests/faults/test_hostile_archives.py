"""Archives that are damaged: a whole folder or an error of ours, and nothing beside it."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import numpy as np
import pytest
from hostile import attack, replaced
from hostile_archives import of_kinds, of_names, of_others, sound
from hostile_headers import of_bombs, of_directories, of_headers

from sightkit import _scripts
from sightkit._errors import SightkitError
from sightkit.io import DatasetFile, extract_archive

FILES = {
    f"set/{label}/{number}.jpg": bytes([number]) * 300 for label in "ab" for number in range(9)
}


def tarred() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as file:
        for name, data in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def zipped(compression: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as file:
        for name, data in FILES.items():
            file.writestr(name, data)
    return stream.getvalue()


ARCHIVES = {
    "zip": zipped(zipfile.ZIP_DEFLATED),
    "stored zip": zipped(zipfile.ZIP_STORED),
    "tar": tarred(),
    "tar.gz": gzip.compress(tarred()),
    "tar.bz2": bz2.compress(tarred()),
    "tar.xz": lzma.compress(tarred()),
}


@pytest.mark.parametrize("times", (3, pytest.param(43, marks=pytest.mark.faults)))
@pytest.mark.parametrize("kind", ARCHIVES)
def test_a_damaged_archive_leaves_a_folder_or_nothing(kind, times, tmp_path):
    rng = np.random.default_rng(sum(kind.encode()))
    archive, folder = tmp_path / "archive", tmp_path / "folder"
    for number in range(times):
        data = bytearray(ARCHIVES[kind])
        for _ in range(rng.integers(1, 4)):
            at, length = int(rng.integers(len(data))), int(rng.integers(1, 30))
            data[at : at + length] = (rng.bytes(length), bytes(length), b"")[rng.integers(3)]
        archive.write_bytes(data)
        place = folder.with_name(f"{folder.name}-{number}")
        try:
            extract_archive(archive, place)
        except SightkitError as error:
            assert "\n" not in str(error)
            assert not place.exists()
        else:
            size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
            assert size < 10 * len(tarred())
            assert all(path.is_file() or path.is_dir() for path in place.rglob("*"))
        left = {path.name for path in tmp_path.iterdir()} - {"archive"}
        assert all(name.startswith("folder-") or name.endswith(".lock") for name in left), left


GROUPS = (of_names, of_kinds, of_headers, of_directories, of_bombs, of_others)


@pytest.mark.faults
@pytest.mark.parametrize("group", GROUPS)
def test_an_archive_is_refused_or_a_sound_dataset(group, trials):
    changes = {
        label: lambda path, make=make: replaced(make())(path) for label, make in group().items()
    }
    name = f"archives, {group.__name__.removeprefix('of_')}"
    attack(name, trials, "archive", trials.make("packed"), changes, inside="archive")


def test_enough_kinds_of_archives_are_tried():
    assert len({label for group in GROUPS for label in group()}) >= 103


@pytest.mark.parametrize("kind", sound())
def test_a_sound_archive_is_a_dataset(kind, tmp_path):
    (tmp_path / "archive").write_bytes(sound()[kind])
    script = _scripts.load("build_folder")
    config = script.Config(data=tmp_path / "archive", output=tmp_path / "x.h5", size=8)
    assert script.main(config)["classes"] == {"a": 6, "b": 6}
    file = DatasetFile.open(tmp_path / "x.h5")
    assert np.array_equal(file.memmap().mean(axis=(1, 2, 3)) > 110, file.labels == 1)
