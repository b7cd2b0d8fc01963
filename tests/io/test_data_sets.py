"""Published data sets: one table, from which scripts, messages and the page in docs/ are made."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from sightkit import _scripts
from sightkit._errors import SightkitError
from sightkit.io import data_sets
from sightkit.io.data_sets import DATA_SETS, PublishedData, PublishedFile

BUILDERS = [name for name in _scripts.scripts() if name.startswith("build_")]


def test_every_data_set_has_a_script():
    ends = {name.rpartition("build_")[2] for name in BUILDERS}
    assert set(DATA_SETS) == (ends - {"folder"}) | {"mnist"}  # which train_lenet_mnist builds


@pytest.mark.parametrize("name", sorted(set(BUILDERS) - {"build_folder"}))
def test_a_build_script_says_where_its_data_come_from(name, tmp_path):
    kind = _scripts.load(name).Config
    data = DATA_SETS[kind.published]
    assert name == f"build_{kind.published}"
    config = kind(data=tmp_path / "nowhere", output=tmp_path / f"x{kind.endings[0]}")
    with pytest.raises(SightkitError) as refused, config.folder():
        pass
    assert data.files[0].name in str(refused.value) and data.origin in str(refused.value)


@pytest.mark.parametrize("name", DATA_SETS)
def test_hashes_and_sizes_are_of_their_form(name):
    for file in DATA_SETS[name].files:
        assert re.fullmatch(r"([0-9a-f]{64})?", file.sha256) and file.bytes >= 0
        assert bool(file.sha256) <= bool(file.bytes)


def test_another_file_of_a_published_name_is_reported(tmp_path, monkeypatch, capsys):
    sha256 = hashlib.sha256(b"as published").hexdigest()
    data = PublishedData("Things", "https://example.org", f"a.zip 12 {sha256}\nb.zip")
    assert data.files == (PublishedFile("a.zip", 12, sha256), PublishedFile("b.zip"))
    for name, content in (("a.zip", b"as published"), ("b.zip", b"?"), ("c.zip", b"?")):
        Path(tmp_path, name).write_bytes(content)
        data.report(tmp_path / name)
    assert capsys.readouterr().err == ""
    Path(tmp_path, "a.zip").write_bytes(b"changed")
    data.report(tmp_path / "a.zip")
    assert "is not the published file" in capsys.readouterr().err
    assert data.way == "Get a.zip (12 bytes), b.zip from https://example.org"
    assert data_sets.DATA_SETS is DATA_SETS
