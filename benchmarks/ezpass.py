"""Report networks of captchas' characters: digits of their test split, and whole texts.

    python benchmarks/ezpass.py RUN... --captchas CAPTCHAS [--json FILE]

RUN: folders that scripts/captcha/train_captcha.py wrote with --recipe ezpass, alike but for their
seed. CAPTCHAS holds the captchas of benchmarks/results/ezpass_labels.csv, labelled by eye. Of 504
digits one may be wrong, and one of 60 texts, in the worst run. Captchas whose digits are moved
together until two touch show how far cutting goes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import measure
import numpy as np
import tyro

from sightkit import _cli, _run_files, io
from sightkit.apps import captcha

LABELS = Path(__file__).parent / "results" / "ezpass_labels.csv"
MOST_WRONG = 1.0


@dataclass(frozen=True)
class Config:
    """Report networks of captchas' characters."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Folders of finished runs."""
    captchas: Path
    """Folder of the captchas."""
    json: Path | None = None
    """File to write the rows to."""


def main(config: Config) -> list[measure.Row]:
    labelled = captcha.read_labels(LABELS)
    paths = captcha.files_of(labelled, config.captchas)
    readers = [captcha.CharacterReader(run / _run_files.BUNDLE) for run in config.runs]
    found = [captcha.evaluate_texts(reader, labelled, paths) for reader in readers]
    wrong = [len(each.wrong) for each in found]
    images = [io.read_image(path) for path in paths]
    rows = [
        digits(config.runs),
        measure.at_most(
            "E-ZPass, wrong texts of 60, the worst seed", "the bar", float(max(wrong)), MOST_WRONG,
            wrong=wrong, count=len(labelled), interval=list(found[int(np.argmax(wrong))].interval),
        ),
    ]  # fmt: skip
    for overlap in range(3):
        rows.append(touching(readers[0], images, [row.text for row in labelled], overlap))
    measure.report(rows, config.json)
    return rows


def digits(runs: tuple[Path, ...]) -> measure.Row:
    """Return the wrong digits of the worst run's test split."""
    metrics = [json.loads((run / _run_files.METRICS).read_text()) for run in runs]
    tests = [each["test"] for each in metrics]
    wrong = [round((1 - each["rank1"]) * each["count"]) for each in tests]
    return measure.at_most(
        "E-ZPass, wrong digits of the test split, the worst seed", "the bar",
        float(max(wrong)), MOST_WRONG, wrong=wrong, count=tests[0]["count"],
        seeds=[each["seed"] for each in metrics], captcha=metrics[0]["captcha"],
    )  # fmt: skip


def touching(
    reader: captcha.CharacterReader, images: list[np.ndarray], texts: list[str], overlap: int
) -> measure.Row:
    """Return the share of texts that are read where two characters overlap by some pixels."""
    joined, expected = [], []
    for image, text in zip(images, texts, strict=True):
        for place in range(len(text) - 1):
            moved = together(image, place, overlap)
            if len(captcha.character_boxes(moved, count=1)) == len(text) - 1:
                joined.append(moved)
                expected.append(text)
    readings = reader.read(joined)
    right = sum(reading.text == text for reading, text in zip(readings, expected, strict=True))
    return measure.at_least(
        f"E-ZPass, share of texts with two digits that touch, {overlap} pixels over each other",
        "no bar", right / len(joined), 0.0,
        count=len(joined), cut=sum(reading.complete for reading in readings), right=right,
    )  # fmt: skip


def together(image: np.ndarray, place: int, overlap: int) -> np.ndarray:
    """Move what is right of a character towards it, until both are over each other."""
    boxes = captcha.character_boxes(image)
    right, start = boxes[place, 2], boxes[place + 1, 0]
    moved = np.full_like(image, 255)
    moved[:, :start] = image[:, :start]
    rest, at = image[:, start - 1 :], right - 1 - overlap
    moved[:, at : at + rest.shape[1]] = np.minimum(moved[:, at : at + rest.shape[1]], rest)
    return moved


if __name__ == "__main__":
    _cli.run(main, Config)
