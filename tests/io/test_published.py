from __future__ import annotations

from pathlib import Path

import pytest

from sightkit.io.published import report_unless_first_seen


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "sightkit" / "weights.json"


def test_a_file_that_is_another_than_at_first_is_reported_each_time(cache, tmp_path, capsys):
    path = tmp_path / "weights.h5"
    path.write_bytes(b"as it was")
    report_unless_first_seen(path)
    report_unless_first_seen(path)
    assert capsys.readouterr().err == ""
    path.write_bytes(b"as it is.")
    for _ in range(2):
        report_unless_first_seen(path)
        assert "not the file that was used here first" in capsys.readouterr().err
    cache.unlink()
    report_unless_first_seen(path)
    assert capsys.readouterr().err == ""


def test_files_are_known_by_their_place(cache, tmp_path, capsys):
    for name in ("a.h5", "b.h5"):
        (tmp_path / name).write_text(name)
        report_unless_first_seen(tmp_path / name)
    assert len(cache.read_text().splitlines()) == 4
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("content", (b"{", b"[]", b'{"/a": 1}'))
def test_a_damaged_record_is_begun_anew(content, cache, tmp_path, capsys):
    cache.parent.mkdir(parents=True)
    cache.write_bytes(content)
    (tmp_path / "a.h5").touch()
    report_unless_first_seen(tmp_path / "a.h5")
    assert "a.h5" in cache.read_text() and capsys.readouterr().err == ""


def test_without_a_place_for_the_record_nothing_is_said(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    report_unless_first_seen(tmp_path / "file")
    assert capsys.readouterr().err == ""
