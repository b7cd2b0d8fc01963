"""Accuracy of whole texts: a captcha counts as right only if each of its characters is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files, evaluation, io
from sightkit._errors import SightkitError, require_at_least
from sightkit._tables import html_table, percent
from sightkit.apps.captcha.character_reader import CharacterReader, Reading
from sightkit.apps.captcha.labels import LabelledCaptcha
from sightkit.apps.captcha.text_bundle import TextReader
from sightkit.evaluation.html import html_page, section
from sightkit.evaluation.intervals import wilson
from sightkit.evaluation.pictures import png_data_uri


@dataclass(frozen=True)
class EvaluationFlags:
    """The flags of scripts/captcha/evaluate_captcha.py."""

    bundle: Path = Path("runs/captcha/default/bundle")
    """Folder of the network: RUN/bundle of scripts/captcha/train_captcha.py, or of
    train_captcha_text.py."""
    captchas: Path | None = None
    """Folder of the captchas."""
    labels: Path | None = None
    """Table of their texts, CSV: file, text, and perhaps sha256."""
    length: int = 4
    """Characters of a captcha."""
    output: Path = Path("texts.json")
    """File of the figures, .json; the page with the wrong texts is the .html beside it."""
    overwrite: bool = False
    """Replace existing files."""
    smoke: bool = False
    """Read twenty captchas that are drawn here, where none are named, by the network of
    train_captcha --smoke."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, length=1)
        if not self.smoke and (self.captchas is None or self.labels is None):
            raise SightkitError(
                "Name the captchas and their texts.", "Give --captchas FOLDER --labels LABELS.csv."
            )
        if self.smoke and self.bundle == EvaluationFlags.bundle:
            object.__setattr__(self, "bundle", Path("runs/captcha/smoke/bundle"))
        again = self.overwrite or self.smoke
        evaluation.require_file(self.output, (".json",), overwrite=again)
        evaluation.require_file(self.output.with_suffix(".html"), (".html",), overwrite=again)


@dataclass(frozen=True)
class WrongText:
    """A captcha that was not read as it is.

    Attributes:
        file: its name.
        text: what it says.
        answer: what was read; empty where the file could not be.
        certainty: probability of the least certain character.
        reason: ``"character"``, ``"number of characters"`` or why the file could not be read.
    """

    file: str
    text: str
    answer: str
    certainty: float
    reason: str


@dataclass(frozen=True)
class TextAccuracy:
    """The evaluation of whole texts.

    Attributes:
        count: captchas, all of them: one that cannot be read or cut is wrong.
        characters: of all texts.
        wrong_characters: of those captchas in which the expected number was found.
        wrong: each captcha that was not read as it is.
        images: of the wrong ones, by file.
    """

    count: int
    characters: int
    wrong_characters: int
    wrong: tuple[WrongText, ...]
    images: dict[str, np.ndarray] = field(repr=False)

    @property
    def accuracy(self) -> float:
        """Share of texts that are right."""
        return 1 - len(self.wrong) / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy."""
        return wilson(self.accuracy, self.count)

    @property
    def cut_wrongly(self) -> int:
        """Captchas in which another number of characters was found."""
        return sum(each.reason == "number of characters" for each in self.wrong)

    def to_metrics(self) -> dict[str, Any]:
        """Return the figures as JSON."""
        return {
            "captchas": self.count,
            "right": self.count - len(self.wrong),
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "characters": self.characters,
            "wrong_characters": self.wrong_characters,
            "another_number_of_characters": self.cut_wrongly,
            "wrong": [asdict(each) for each in self.wrong],
        }

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"{self.count - len(self.wrong)} of {self.count} texts are right, "
            f"{percent(self.accuracy)} (95 % interval {100 * low:.2f}–{100 * high:.2f} %); "
            f"{self.wrong_characters} of {self.characters} characters are wrong, "
            f"in {self.cut_wrongly} captchas another number of characters was found."
        )


def evaluate_texts(
    reader: CharacterReader | TextReader, rows: Sequence[LabelledCaptcha], paths: Sequence[Path]
) -> TextAccuracy:
    """Read captchas and compare the texts.

    Args:
        reader: what reads them, see ``open_reader``.
        rows: the texts.
        paths: the picture of each; one that cannot be read counts as wrong, with the reason.
    """
    images: dict[str, np.ndarray] = {}
    unreadable: dict[str, str] = {}
    for row, path in zip(rows, paths, strict=True):
        try:
            images[row.file] = io.read_image(path)
        except SightkitError as error:
            unreadable[row.file] = str(error)
    readings = dict(zip(images, reader.read(list(images.values())), strict=True))
    wrong, wrong_characters = [], 0
    for row in rows:
        reading = readings.get(row.file, Reading("", (), len(row.text)))
        if reading.text == row.text:
            continue
        reason = unreadable.get(row.file, "character")
        if row.file in readings and len(reading.text) != len(row.text):
            reason = "number of characters"
        elif row.file in readings:
            wrong_characters += sum(a != b for a, b in zip(reading.text, row.text, strict=True))
        wrong.append(WrongText(row.file, row.text, reading.text, reading.certainty, reason))
    shown = {each.file: images[each.file] for each in wrong if each.file in images}
    characters = sum(len(row.text) for row in rows)
    return TextAccuracy(len(rows), characters, wrong_characters, tuple(wrong), shown)


def write_text_page(path: Path, found: TextAccuracy, bundle: str) -> None:
    """Write the page of an evaluation: the figures, and each wrong captcha with its picture.

    Args:
        path: of the page, .html.
        found: the evaluation.
        bundle: name of the network, for the reader.
    """
    metrics = found.to_metrics()
    names = ("captchas", "right", "characters", "wrong_characters", "another_number_of_characters")
    rows = [{"measure": name.replace("_", " "), "value": metrics[name]} for name in names]
    cards = "".join(_card(each, found.images.get(each.file)) for each in found.wrong)
    sections = [
        f"<header><h1>Whole captchas</h1><p>{escape(str(found))}</p>"
        f'<p class="quiet">Read by {escape(bundle)}</p></header>',
        section("Measures", html_table(rows)),
        section("Wrong texts", f'<div class="cards">{cards}</div>' if cards else "<p>None.</p>"),
    ]
    _files.write_text(path, html_page("Whole captchas", sections))


def _card(wrong: WrongText, image: np.ndarray | None) -> str:
    """Return a wrong captcha's picture, where there is one, and what was read."""
    text, answer, reason = map(escape, (wrong.text, wrong.answer or "nothing", wrong.reason))
    shown = ""
    if image is not None:
        source = png_data_uri(image)
        shown = f'<img src="{source}" alt="{text}" style="aspect-ratio: auto">'
    return (
        f"<figure>{shown}<figcaption><strong>{text}</strong> read as <strong>{answer}</strong>"
        f"<br>wrong: {reason}<br>least certain: {percent(wrong.certainty)}"
        f"<br><code>{escape(wrong.file)}</code></figcaption></figure>"
    )
