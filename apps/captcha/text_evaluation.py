"""Reading captchas whose texts are known: whole texts that are right, and refusals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sightkit.apps.captcha.refusal import answered
from sightkit.apps.captcha.text_answers import TextAnswer
from sightkit.apps.captcha.text_batches import VARIATION
from sightkit.apps.captcha.text_bundle import TextReader, resized
from sightkit.apps.captcha.text_folder import Captchas
from sightkit.io.order import sample_rng

VARIATIONS = 8
Columns = tuple[np.ndarray, np.ndarray]


def text_columns(captchas: Captchas, answers: Sequence[TextAnswer]) -> Columns:
    """Return whether each answer is right, bool (N,), and its confidence, (N,).

    Args:
        captchas: pictures whose texts are known.
        answers: to them, none refused: ``predict`` with a threshold of 0.
    """
    pairs = zip(captchas.texts, answers, strict=True)
    right = [text == answer.text for text, answer in pairs]
    return np.array(right), np.array([answer.confidence for answer in answers])


def text_metrics(
    captchas: Captchas, answers: Sequence[TextAnswer], threshold: float
) -> dict[str, Any]:
    """Return the part of metrics.json: share of whole texts, the wrong ones, the refusal."""
    right, confidence = text_columns(captchas, answers)
    wrong = [
        {"text": text, "answer": answer.text, "confidence": answer.confidence}
        for text, answer, good in zip(captchas.texts, answers, right, strict=True)
        if not good
    ]
    return {
        "count": len(right),
        "texts_right": float(right.mean()),
        "refusal": answered(right, confidence, threshold),
        "wrong": wrong,
    }


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
    found = [text_columns(captchas, reader.predict(captchas.paths, threshold=0.0))]
    for variation in range(VARIATIONS):
        rngs = [sample_rng(seed, variation, row) for row in range(len(captchas))]
        answers = reader.predict([*VARIATION.batch(images, rngs)], threshold=0.0)
        found.append(text_columns(captchas, answers))
    right, confidence = map(np.concatenate, zip(*found, strict=True))
    return right, confidence
