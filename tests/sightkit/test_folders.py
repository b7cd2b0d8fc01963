"""Folders that are ours, and those that are not."""

from __future__ import annotations

import os

import pytest

from sightkit import _files, _folders, _run_files, _schema
from sightkit._errors import SightkitError


class Killed(BaseException):
    pass


@pytest.mark.parametrize(
    "left", (".lock", ".replaced", ".1234.partial.config.json", ".ab12.partial.files")
)
def test_what_a_kill_leaves_is_nothing(left, tmp_path):
    (tmp_path / left).mkdir()
    assert _folders.read_own(tmp_path, "config.json", "ours") is None


@pytest.mark.parametrize("name", ("notes.txt", ".hidden", "checkpoints", "data", "config.json"))
def test_a_folder_with_anything_else_is_refused(name, tmp_path):
    (tmp_path / name).write_text("{}")
    with pytest.raises(SightkitError, match=r"must be new or empty.*never touched"):
        _folders.read_own(tmp_path, "config.json", "ours")


@pytest.mark.parametrize("killed", (False, True))
def test_files_are_replaced_together(killed, tmp_path):
    for name in "abc":
        (tmp_path / name).write_text("old")
    names = ("a", "b")
    try:
        with _folders.replacing_together(tmp_path, names) as place:
            assert place.name == tmp_path.name
            (place / "a").write_text("new")
            if killed:
                raise Killed
    except Killed:
        assert [(tmp_path / name).read_text() for name in "abc"] == ["old"] * 3
    else:
        assert (tmp_path / "a").read_text() == "new" and not (tmp_path / "b").exists()
    assert sorted(os.listdir(tmp_path)) == (["a", "b", "c"] if killed else ["a", "c"])


@pytest.mark.parametrize("fails_at", (1, 2, None))
def test_a_folder_is_replaced_or_comes_back(fails_at, tmp_path, monkeypatch):
    new, folder = tmp_path / "new", tmp_path / "bundle"
    for each in (new, folder):
        each.mkdir()
        (each / "file").write_text(each.name)
    calls, replace = [], os.replace

    def dies(*paths):
        calls.append(paths)
        if len(calls) == fails_at:
            raise Killed
        replace(*paths)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dies)
        try:
            _folders.replace(new, folder)
        except Killed:
            pass
    _folders.put_back(folder)
    assert (folder / "file").read_text() == ("bundle" if fails_at else "new")


@pytest.mark.parametrize("function", (_files.remove, _folders.drop, _folders.put_back))
def test_a_link_to_a_folder_is_never_entered(function, tmp_path):
    victim, link = tmp_path / "victim", tmp_path / f".x{_run_files.REPLACED}"
    victim.mkdir()
    (victim / "thesis.tex").write_text("mine")
    link.symlink_to(victim)
    function(tmp_path / "x" if function is _folders.put_back else link)
    assert (victim / "thesis.tex").read_text() == "mine"
    assert not (tmp_path / "x").exists()


def test_links_under_our_names_are_refused(tmp_path):
    victim, link = tmp_path / "victim.json", tmp_path / "config.json"
    victim.write_text('{"format": "ours"}')
    link.symlink_to(victim)
    with pytest.raises(SightkitError, match="must be as it was written"):
        _schema.read(link, dict)
    with pytest.raises(OSError):
        _files.open_to_append(link)
    assert victim.read_text() == '{"format": "ours"}'
    _files.write_text(link, "new")  # replaced: the link goes, the file stays
    assert victim.read_text() == '{"format": "ours"}' and not link.is_symlink()


def test_no_two_temporary_names_are_alike(tmp_path):
    names = {_files.partial_of(tmp_path / "weights.h5").name for _ in range(100)}
    assert len(names) == 100 and all(map(_files.is_partial, names))
    assert all(name.endswith("weights.h5") for name in names)
