"""Where --output may point, and what of a classifier's answers is written there."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from sightkit._errors import SightkitError
from sightkit.evaluation import require_file, write_answers

ANSWERS = {
    'a "b", c.jpg': {"cat": 0.75, "dog, the": 0.25},
    os.fsdecode(b"latin-\xe9.png"): {"ü": 1.0},
}
READABLE = ['a "b", c.jpg', "latin-\\udce9.png"]


def test_json_and_csv_hold_the_same(tmp_path: Path) -> None:
    write_answers(tmp_path / "a.json", ANSWERS)
    write_answers(tmp_path / "a.CSV", ANSWERS)
    told = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert list(told) == READABLE
    assert told[READABLE[0]][1] == {"class": "dog, the", "probability": 0.25}
    with (tmp_path / "a.CSV").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    flat = [(picture, answer) for picture, answers in told.items() for answer in answers]
    assert [(r["picture"], r["class"]) for r in rows] == [(p, a["class"]) for p, a in flat]
    assert [float(r["probability"]) for r in rows] == [a["probability"] for _, a in flat]
    assert [r["rank"] for r in rows] == ["1", "2", "1"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.CSV", "a.json"]


@pytest.mark.parametrize("name", ("a.json", "a.csv"))
def test_a_file_that_exists_is_replaced_by_overwrite_alone(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("old")
    with pytest.raises(SightkitError, match=r"exists already\..*--overwrite"):
        write_answers(path, ANSWERS)
    assert path.read_text() == "old"
    write_answers(path, ANSWERS, overwrite=True)
    assert "cat" in path.read_text()
    (tmp_path / f"link-{name}").symlink_to(tmp_path / "nowhere")
    with pytest.raises(SightkitError, match="a dead link"):
        require_file(tmp_path / f"link-{name}")


def test_what_could_not_be_read_has_a_row_too(tmp_path: Path) -> None:
    failed = {"c.jpg": "c.jpg cannot be read.", os.fsdecode(b"\xff.png"): "odd"}
    write_answers(tmp_path / "a.json", ANSWERS, failed)
    write_answers(tmp_path / "a.csv", ANSWERS, failed)
    found = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert list(found) == [*READABLE, "c.jpg", "\\udcff.png"]
    assert found["c.jpg"] == [
        {"class": None, "probability": None, "error": "c.jpg cannot be read."}
    ]
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["error"] for row in rows] == ["", "", "", "c.jpg cannot be read.", "odd"]
    assert rows[3] == {"picture": "c.jpg", "rank": "", "class": "", "probability": "",
                       "error": "c.jpg cannot be read."}  # fmt: skip


def test_places_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path, told in (
        (tmp_path / "missing" / "x.json", "folder of --output must exist"),
        (tmp_path, "this is a folder"),
        (Path("."), "this is a folder"),
        (tmp_path / "file" / "x.json", "must be a folder"),
    ):
        with pytest.raises(SightkitError, match=told):
            require_file(path)
    assert not (tmp_path / "missing").exists()


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SightkitError, match=r"\.json or \.csv"):
        write_answers(tmp_path / "a.txt", ANSWERS)
