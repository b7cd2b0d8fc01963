"""A detector's evaluation: detections by picture, its mistakes, the page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.detection import (
    AnnotatedPictures,
    Detections,
    detection_mistakes,
    read_detections,
    report_detections,
    require_evaluation_folder,
)


def write(folder: Path, found: dict[str, list[dict]]) -> Path:
    folder.mkdir(exist_ok=True)
    for number, (image, detections) in enumerate(found.items()):
        content = {"image": image, "detections": detections}
        (folder / f"{number}.json").write_text(json.dumps(content))
    return folder


def perfect(pictures: AnnotatedPictures) -> list[Detections]:
    return [
        Detections(each.boxes, np.full(len(each), 0.9), each.labels, pictures.class_names)
        for each in pictures.annotations
    ]


def test_read_detections_by_picture_name(pictures: AnnotatedPictures, tmp_path: Path) -> None:
    box = {"label": "dog", "score": 0.5, "box": [1, 2, 3, 4]}
    other = {"label": "horse", "score": 0.5, "box": [1, 2, 3, 4]}
    names = [each.image.name for each in pictures.annotations]
    folder = write(
        tmp_path / "f", {names[2]: [box, other], names[0]: [], names[1]: [], "x.png": []}
    )
    found = read_detections(folder, pictures)
    assert [len(each) for each in found] == [0, 0, 1]
    assert found[2].names() == ["dog"]

    write(folder, {names[2]: [other]})
    with pytest.raises(SightkitError, match="a class in common"):
        read_detections(folder, pictures)
    (folder / "again.json").write_text(json.dumps({"image": names[1], "detections": []}))
    with pytest.raises(SightkitError, match=r"may occur once.*picture 1"):
        read_detections(folder, pictures)
    with pytest.raises(SightkitError, match=r"must have a JSON file.*picture 0\.png"):
        read_detections(write(tmp_path / "g", {names[1]: []}), pictures)
    with pytest.raises(SightkitError, match="must be a folder"):
        read_detections(tmp_path / "none", pictures)
    (tmp_path / "g/0.json").write_text('{"image": 3}')
    with pytest.raises(SightkitError, match="as it was written"):
        read_detections(tmp_path / "g", pictures)


def test_mistakes_are_missed_and_false(pictures: AnnotatedPictures) -> None:
    names = pictures.class_names
    found = perfect(pictures)
    assert sum(each.count for each in detection_mistakes(pictures, found, 0.5)) == 0
    low = Detections(found[0].boxes, np.full(2, 0.4), found[0].labels, names)
    swapped = Detections(found[2].boxes, np.full(3, 0.9), [1, 0, 2], names)
    first, none, last = detection_mistakes(pictures, [low, found[1], swapped], 0.5)
    assert (first.missed.tolist(), len(first.false), none.count) == ([True, True], 0, 0)
    # The third object is difficult: neither found nor missed.
    assert last.missed.tolist() == [True, True, False]
    assert last.false.tolist() == [True, True, False]
    assert not last.right.any()
    assert last.draw().shape == (42, 60, 3)


def test_report_of_detections(pictures: AnnotatedPictures, tmp_path: Path, capsys) -> None:
    found = perfect(pictures)
    wrong = Detections([[1, 1, 9, 9]], [0.95], [0], pictures.class_names)
    output = tmp_path / "out"
    metrics = report_detections(
        pictures, [*found[:1], wrong, *found[2:]], output, facts={"data": "<x>"}
    )
    assert json.loads((output / "metrics.json").read_text()) == metrics
    assert (metrics["false"], metrics["missed"], metrics["pictures"]) == (1, 0, 3)
    low, high = metrics["map_50_interval"]
    assert low <= metrics["map_50"] <= high
    page = (output / "report.html").read_text()
    assert "picture 1.png" in page and "&lt;x&gt;" in page and "<x>" not in page
    assert "mAP@0.5" in capsys.readouterr().out
    require_evaluation_folder(output)
    report_detections(pictures, found, output)
    assert "No mistakes" in (output / "report.html").read_text()


def test_report_never_replaces_other_files(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SightkitError, match="new or empty"):
        require_evaluation_folder(tmp_path)
    with pytest.raises(SightkitError, match="must be a folder"):
        require_evaluation_folder(tmp_path / "mine.txt")
