"""Untrusted files are read at once or refused: no pipe is waited for, no giant is loaded."""

from __future__ import annotations

import os

import pytest

from sightkit._regular_file import read_regular_file


def test_read_regular_file_follows_links_up_to_the_limit(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    assert read_regular_file(tmp_path / "link", 5) == b"12345"
    with pytest.raises(OSError, match="symbolic links"):
        read_regular_file(tmp_path / "link", 5, follow_links=False)
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_regular_file(tmp_path / "file", 4)


def test_read_regular_file_refuses_pipe_device_and_folder(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    before = len(os.listdir("/proc/self/fd"))
    for path in (tmp_path / "pipe", "/dev/null", tmp_path):
        with pytest.raises(OSError, match=r"not a regular file|Is a directory"):
            read_regular_file(path, 10)
    assert len(os.listdir("/proc/self/fd")) == before
