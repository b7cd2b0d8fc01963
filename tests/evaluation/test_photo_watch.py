"""A folder that is watched: each new photo is answered once, when it is complete."""

from __future__ import annotations

import json
import os
import signal
import threading

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.evaluation import photo_watch, require_watchable, watch_folder, watch_photos
from sightkit.io import write_png


def image(grey: int) -> np.ndarray:
    return np.full((4, 4, 3), grey, np.uint8)


class Greys:
    """Answers with the grey of a photo."""

    def predict(self, images):
        share = np.array([each.mean() / 255 for each in images])
        return np.stack([share, 1 - share], axis=1).astype(np.float32)

    def top(self, probabilities, count):
        names = ("light", "dark")
        rows = [dict(zip(names, map(float, row), strict=True)) for row in probabilities]
        return [dict(sorted(row.items(), key=lambda item: -item[1])[:count]) for row in rows]


@pytest.fixture
def looks(tmp_path):
    """A folder with a photo, and what each look finds: names of files."""
    folder = tmp_path / "in"
    folder.mkdir()
    write_png(folder / "old.png", image(1))
    found = watch_folder(folder, seconds=0)

    def look():
        return [str(path.relative_to(folder)) for path in next(found)]

    assert look() == look() == []
    return folder, look


def test_a_file_comes_once_when_two_looks_are_the_same(looks):
    folder, look = looks
    with (folder / "new.jpg").open("wb") as file:
        for part in (b"abc", b"def", b"ghi"):
            file.write(part)
            file.flush()
            assert look() == []
    assert look() == ["new.jpg"]
    assert look() == look() == []


def test_a_file_that_is_renamed_or_replaced_comes(looks):
    folder, look = looks
    (folder / ".new.jpg.Xy12").write_bytes(b"hidden while it is written")
    assert look() == look() == []
    (folder / ".new.jpg.Xy12").rename(folder / "new.jpg")
    assert [look(), look(), look()] == [[], ["new.jpg"], []]
    write_png(folder / "old.png", image(2))
    assert [look(), look(), look()] == [[], ["old.png"], []]
    (folder / "new.jpg").unlink()
    assert look() == []
    (folder / "new.jpg").write_bytes(b"another of its name")
    assert [look(), look(), look()] == [[], ["new.jpg"], []]


def test_empty_files_wait_and_folders_below_are_watched(looks):
    folder, look = looks
    (folder / "empty.png").touch()
    (folder / "day" / "hour").mkdir(parents=True)
    (folder / "day" / "hour" / "1.png").write_bytes(b"x")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "1.png").write_bytes(b"x")
    assert [look(), look(), look()] == [[], ["day/hour/1.png"], []]


def test_a_file_that_stays_empty_comes_once(looks):
    folder, look = looks
    (folder / "empty.png").touch()
    assert look() == look() == []
    os.utime(folder / "empty.png", (1e9, 1e9))  # it is older than a file that is just begun
    assert [look(), look(), look()] == [[], ["empty.png"], []]
    (folder / "empty.png").write_bytes(b"x")
    assert [look(), look(), look()] == [[], ["empty.png"], []]


def test_a_folder_that_goes_is_an_error(looks):
    folder, look = looks
    (folder / "old.png").unlink()
    folder.rmdir()
    with pytest.raises(SightkitError, match="must be there, and stay"):
        look()


def test_answers_come_as_lines_until_the_interrupt(tmp_path, monkeypatch, capsys):
    folder, output = tmp_path / "in", tmp_path / "answers.jsonl"
    folder.mkdir()
    output.write_text('{"picture": "of yesterday"}\n')
    write_png(folder / "a.png", image(255))
    write_png(folder / "b.png", image(51))
    (folder / "c.txt").write_text("no image")
    (folder / "d.png").symlink_to(folder / "a.png")
    os.mkfifo(folder / "e.png")
    parts = iter([[], sorted(folder.iterdir()), [folder / "gone.png"]])

    def found(given, follow_links):
        assert (given, follow_links) == (folder, False)
        yield from parts
        raise KeyboardInterrupt

    monkeypatch.setattr(photo_watch, "watch_folder", found)
    assert watch_photos(Greys(), folder, output=output) == {"photos": 2}
    printed = capsys.readouterr()
    first, *answers, last = printed.out.splitlines()
    assert "end with Ctrl-C" in first and last == "2 photos classified."
    assert answers == [
        f"{folder}/a.png  100.00 %  light  0.00 %  dark",
        f"{folder}/b.png  80.00 %  dark  20.00 %  light",
    ]
    for name, line in zip(
        ("c.txt", "d.png", "e.png", "gone.png"), printed.err.splitlines(), strict=True
    ):
        assert name in line
    entries = [json.loads(line) for line in output.read_text().splitlines()]
    assert entries[0] == {"picture": "of yesterday"}
    errors = {os.path.basename(each["picture"]) for each in entries if "error" in each}
    assert errors == {"c.txt", "d.png", "e.png", "gone.png"}
    (light,) = [each for each in entries if each["picture"] == f"{folder}/a.png"]
    assert light["classes"][0] == {"class": "light", "probability": 1.0}


def test_many_photos_are_answered_in_parts(tmp_path, monkeypatch, capsys):
    for number in range(40):
        write_png(tmp_path / f"{number:02}.png", image(number))

    def found(given, follow_links):
        yield sorted(given.iterdir())
        raise KeyboardInterrupt

    monkeypatch.setattr(photo_watch, "watch_folder", found)
    seen = []

    class Counting(Greys):
        def predict(self, images):
            seen.append(len(images))
            return super().predict(images)

    assert watch_photos(Counting(), tmp_path, top=1, threshold=0.9) == {"photos": 40}
    assert seen == [32, 8]
    assert "none of these" in capsys.readouterr().out


def test_the_file_of_answers_is_checked(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    require_watchable(folder, None)
    require_watchable(folder, tmp_path / "a.jsonl")
    (tmp_path / "a.jsonl").touch()
    require_watchable(folder, tmp_path / "a.jsonl")  # lines are added
    for given, output, reason in (
        (tmp_path / "none", None, "must be there"),
        (tmp_path / "a.jsonl", None, "this is a file"),
        (folder, tmp_path / "a.csv", "must end in .jsonl"),
        (folder, folder / "a.jsonl", "must not be in the folder"),
        (folder, tmp_path / "none" / "a.jsonl", "must exist"),
    ):
        with pytest.raises(SightkitError, match=reason):
            require_watchable(given, output)


def test_ctrl_c_ends_a_watch(tmp_path, capsys):
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    assert watch_photos(Greys(), tmp_path) == {"photos": 0}
    assert capsys.readouterr().out.endswith("0 photos classified.\n")
