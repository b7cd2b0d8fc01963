"""From a network's probabilities to texts, and from texts to its targets. No Keras here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

Method = Literal["heads", "ctc"]
BLANK = 0
"""CTC's class of a column that begins no character."""


class TextAnswer(NamedTuple):
    """What a picture says, and how sure that is.

    Attributes:
        text: its characters; None where the answer is refused.
        confidence: 0–1: product over places, or columns, of the greatest probability.
    """

    text: str | None
    confidence: float


def decode(probabilities: np.ndarray, alphabet: str, method: Method) -> list[TextAnswer]:
    """Return the most probable text of each picture.

    Of ``heads`` that is the most probable character of each place. Of ``ctc`` it is the best path
    (greedy): the most probable class of each column, repetitions joined, blanks left out.

    Args:
        probabilities: (N, length, characters), or (N, columns, 1 + characters) with the blank
            first.
        alphabet: character of each class.
        method: what the network is.
    """
    best = probabilities.argmax(axis=-1)
    confidence = probabilities.max(axis=-1).prod(axis=-1)
    if method == "ctc":
        repeated = np.pad(best[:, 1:] == best[:, :-1], ((0, 0), (1, 0)))
        best = np.where(repeated, -1, best - 1)  # the blank is -1 too
    texts = ["".join(alphabet[k] for k in row if k >= 0) for row in best]
    return [*map(TextAnswer, texts, confidence.tolist())]


def encode(texts: Sequence[str], alphabet: str, method: Method) -> np.ndarray:
    """Return texts as targets, int64 (N, longest): classes, filled up with the blank for CTC."""
    width = max(map(len, texts))
    first = 1 if method == "ctc" else 0
    targets = np.full((len(texts), width), BLANK, np.int64)
    for row, text in zip(targets, texts, strict=True):
        row[: len(text)] = [alphabet.index(character) + first for character in text]
    return targets
