"""Class names of any text in the confusion matrix and in pictures of networks."""

from __future__ import annotations

from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from matplotlib.figure import Figure

from sightkit.evaluation import Evaluation, draw_architecture
from sightkit.evaluation.calibration import calibrate
from sightkit.evaluation.mistakes import Mistake
from sightkit.evaluation.pictures import (
    GAP,
    LONGEST_NAME,
    MISSING,
    RED,
    draw_confusion,
    draw_mistakes,
    draw_reliability,
    labels,
    montage,
)

STRANGE = (
    "$",
    "US$5 and 10$",
    r"$\frac{",
    "a_b^c%",
    "{x}",
    r"\alpha",
    "naïve façade",
    "日本語",
    "🐕",
    "tab\tand\nnewline\x00\x07",
    "",
    "long " * 60,
    "W" * 300,
)


def mistake(index: int, image: np.ndarray | None) -> Mistake:
    names = ("panda", "dogs", "long names of classes wrap")
    return Mistake(f"{names[index % 3]}/{'photo' * 9}_{index}.jpg", names[index % 3],
                   names[(index + 1) % 3], 1.0, 0.0, image)  # fmt: skip


@pytest.mark.parametrize("count", (1, 3, 4, 30))
def test_captions_of_mistakes_are_whole(count: int, tmp_path: Path) -> None:
    path = tmp_path / "mistakes.png"
    image = np.zeros((8, 8, 3), np.uint8)
    draw_mistakes([mistake(index, image) for index in range(count)], path)
    picture = cv2.imread(str(path))
    assert (picture[:3] == 255).all() and (picture[-3:] == 255).all()  # no letter at the edge
    assert (picture[:, :3] == 255).all() and (picture[:, -3:] == 255).all()
    rows = -(-min(count, 12) // 3)
    assert picture.shape[0] == pytest.approx(picture.shape[1] / 732 * 368 * rows, abs=2)


def test_a_sheet_of_mistakes_goes_with_its_pictures(tmp_path: Path) -> None:
    path = tmp_path / "mistakes.png"
    draw_mistakes([mistake(0, np.zeros((8, 8, 1), np.uint8)), mistake(1, None)], path)
    assert path.is_file()
    draw_mistakes([mistake(1, None)], path)
    assert not path.exists()
    draw_mistakes([], path)
    assert not path.exists()


@pytest.mark.parametrize("shape", ((8, 8, 1), (3, 500, 3), (700, 20, 1), (64, 48, 3), (224, 224, 3),
                                   (1, 1, 3), (225, 225, 3)))  # fmt: skip
@pytest.mark.parametrize("below", (0, 40))
def test_montage_shows_all_of_each_picture(shape: tuple[int, int, int], below: int) -> None:
    image = np.full(shape, 40, np.uint8)
    image[0, 0] = image[-1, -1] = 90
    sheet = montage([image, None, image], 2, below=below)
    cell = 224 + 2 * GAP
    assert sheet.shape == (2 * (cell + below), 2 * cell, 3)
    first = sheet[:cell, :cell, 0]
    rows, columns = np.nonzero(first != 255)
    high, wide = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert max(high, wide) <= 224 and max(high, wide) > 112
    longest = max(shape[:2]) / max(high, wide)
    assert (high, wide) == pytest.approx([max(1, size / longest) for size in shape[:2]], abs=1)
    assert (sheet[GAP : GAP + 224, cell + GAP : -GAP] == MISSING).all()
    assert (sheet[cell + below :, cell:] == 255).all()  # the empty place is white, not black


def test_any_name_can_be_drawn(tmp_path: Path) -> None:
    classes = len(STRANGE)
    path = tmp_path / "confusion.png"
    draw_confusion(np.eye(classes, dtype=int) * 9 + 1, STRANGE, path)
    picture = cv2.imread(str(path))
    height, width = picture.shape[:2]
    assert 0.5 < width / height < 2
    # The matrix itself, blue on its diagonal, keeps a third of the picture or more.
    blue = (picture[..., 0].astype(int) - picture[..., 2]) > 40
    rows, columns = np.nonzero(blue)
    assert np.ptp(rows) > 0.33 * height and np.ptp(columns) > 0.33 * width


def test_names_are_shown_as_they_are_short_and_on_one_line() -> None:
    shown = labels(STRANGE)
    assert shown[:7] == list(STRANGE[:7])
    assert shown[7:9] == ["class 7", "class 8"]  # no font here has these letters
    assert shown[9] == "tab and newline"
    assert shown[10] == "class 10"
    assert all(0 < len(name) <= LONGEST_NAME and name.isprintable() for name in shown)


def test_long_names_that_begin_alike_stay_apart() -> None:
    first, second = labels(
        ["a dog of a very long breed, brown", "a dog of a very long breed, grey"]
    )
    assert first != second
    assert first.startswith("a dog") and first.endswith("brown") and "…" in first


@pytest.mark.filterwarnings("error")
def test_strange_names_of_layers_and_networks_are_drawn(tmp_path: Path) -> None:
    images = keras.Input((4, 4, 1), name="$in")
    x = keras.layers.Conv2D(2, 3, name=r"$\frac{")(images)
    x = keras.layers.Conv2D(2, 1, name="日本" + "x" * 99)(x)
    model = keras.Model(images, x, name="net$ and $")
    draw_architecture(model, [tmp_path / "net.svg", tmp_path / "net.png"])
    assert cv2.imread(str(tmp_path / "net.png")) is not None


def test_names_of_ten_classes_are_legible_on_a_phone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    class Kept(Figure):
        def savefig(self, *arguments: object, **options: object) -> None:
            drawn.append(self)
            super().savefig(*arguments, **options)

    monkeypatch.setattr("sightkit.evaluation.pictures.Figure", Kept)
    draw_confusion(np.eye(10, dtype=int), [str(digit) for digit in range(10)], tmp_path / "c.png")
    (axes,) = drawn[0].axes
    texts = [*axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label, axes.yaxis.label]
    pixels = 360 / drawn[0].get_size_inches()[0]  # an inch, in a report on a phone
    assert min(text.get_fontsize() / 72 * pixels for text in texts) > 12


def test_the_gap_has_the_colour_of_the_legend_over_bars_too(tmp_path: Path) -> None:
    """Answers that are too unsure are gaps within the bars of accuracy."""
    probabilities = np.full((400, 2), (0.6, 0.4), np.float32)
    unsure = Evaluation(probabilities, np.zeros(400, np.int64), ("a", "b"))
    draw_reliability(calibrate(unsure), tmp_path / "unsure.png")
    picture = cv2.imread(str(tmp_path / "unsure.png"))
    red = [int(RED[place : place + 2], 16) for place in (5, 3, 1)]
    rows = np.flatnonzero((picture == red).all(axis=2).any(axis=1))
    assert (picture == red).all(axis=2).sum() > 1000
    assert np.ptp(rows) > 0.2 * len(picture)
