"""Reading captchas whose texts are known: whole texts that are right, and refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sightkit.apps.captcha.refusal import answered
from sightkit.apps.captcha.text_batches import VARIATION
from sightkit.apps.captcha.text_bundle import TextReader, resized
from sightkit.apps.captcha.text_folder import Captchas
from sightkit.io.order import sample_rng

VARIATIONS = 8
Columns = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class TextEvaluation:
    """Answers to captchas whose texts are known.

    Attributes:
        captchas: pictures and texts.
        answers: text and confidence of each, none refused.
    """

    captchas: Captchas
    answers: tuple[tuple[str | None, float], ...]

    @property
    def columns(self) -> Columns:
        """Whether each answer is right, bool (N,), and its confidence, (N,)."""
        pairs = zip(self.captchas.texts, self.answers, strict=True)
        right = [text == answer for text, (answer, _) in pairs]
        return np.array(right), np.array([confidence for _, confidence in self.answers])

    def metrics(self, threshold: float) -> dict[str, Any]:
        """Return the part of metrics.json: share of whole texts, the wrong ones, the refusal."""
        right, confidence = self.columns
        wrong = [
            {"text": text, "answer": answer, "confidence": sure}
            for text, (answer, sure), good in zip(
                self.captchas.texts, self.answers, right, strict=True
            )
            if not good
        ]
        return {
            "count": len(right),
            "texts_right": float(right.mean()),
            "refusal": answered(right, confidence, threshold),
            "wrong": wrong,
        }


def evaluate_reader(reader: TextReader, captchas: Captchas) -> TextEvaluation:
    """Read captchas whose texts are known, whatever the reader's threshold."""
    answers = reader.predict(captchas.paths, threshold=0.0)
    return TextEvaluation(captchas, tuple(answers))


def threshold_columns(reader: TextReader, captchas: Captchas, *, seed: int) -> Columns:
    """Return what a threshold is chosen by: validation pictures as they are, and varied.

    A network that reads all of them rightly shows no wrong answer to stay above; of eight
    variations of each, as the training's, some are read wrongly.

    Args:
        reader: whose threshold it is.
        captchas: pictures that it was not trained on.
        seed: of the variations.

    Returns:
        Whether each answer is right, bool (N,), and its confidence, (N,).
    """
    images = captchas.images(resized(reader.size))
    found = [evaluate_reader(reader, captchas).columns]
    for variation in range(VARIATIONS):
        rngs = [sample_rng(seed, variation, row) for row in range(len(captchas))]
        answers = reader.predict([*VARIATION.batch(images, rngs)], threshold=0.0)
        found.append(TextEvaluation(captchas, tuple(answers)).columns)
    right, confidence = map(np.concatenate, zip(*found, strict=True))
    return right, confidence
