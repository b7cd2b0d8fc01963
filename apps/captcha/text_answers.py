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
        confidence: 0–1, the probability of the text.
    """

    text: str | None
    confidence: float


def decode(probabilities: np.ndarray, alphabet: str, method: Method) -> list[TextAnswer]:
    """Return the most probable text of each picture.

    Of ``heads`` that is the most probable character of each place. Of ``ctc`` it is the best path
    (greedy): the most probable class of each column, repetitions joined, blanks left out; its
    probability is that of all paths to the same text.

    Args:
        probabilities: (N, length, characters), or (N, columns, 1 + characters) with the blank
            first.
        alphabet: character of each class.
        method: what the network is.
    """
    best = probabilities.argmax(axis=-1)
    if method == "heads":
        texts = ["".join(alphabet[k] for k in row) for row in best]
        return [*map(TextAnswer, texts, probabilities.max(axis=-1).prod(axis=-1).tolist())]
    before = np.pad(best, ((0, 0), (1, 0)), constant_values=BLANK)[:, :-1]
    begins = (best != before) & (best != BLANK)
    answers = []
    for row, path, begin in zip(probabilities, best, begins, strict=True):
        text = "".join(alphabet[k - 1] for k in path[begin])
        answers.append(TextAnswer(text, text_probability(row, path[begin])))
    return answers


def text_probability(probabilities: np.ndarray, classes: np.ndarray) -> float:
    """Return the probability of a text by CTC: the sum over all paths that give it.

    The forward recursion over the text with a blank before, between and behind its characters.

    Args:
        probabilities: (columns, 1 + characters), the blank first.
        classes: (n,), those of its characters, from 1.

    Reference:
        Graves et al., "Connectionist temporal classification", 2006, section 4.1.
    """
    states = np.full(2 * len(classes) + 1, BLANK)
    states[1::2] = classes
    # A character may follow another without a blank between, unless both are the same.
    skips = np.zeros(len(states), bool)
    skips[3::2] = states[3::2] != states[1:-2:2]
    forward = np.zeros(len(states))
    forward[0] = 1.0  # before the first column, as if behind a blank
    for row in probabilities.astype(np.float64):
        moved = forward + np.pad(forward, (1, 0))[:-1]
        moved += np.pad(forward, (2, 0))[:-2] * skips
        forward = moved * row[states]
    return float(forward[-2:].sum())


def encode(texts: Sequence[str], alphabet: str, method: Method) -> np.ndarray:
    """Return texts as targets, int64 (N, longest): classes, filled up with the blank for CTC."""
    width = max(map(len, texts))
    first = 1 if method == "ctc" else 0
    targets = np.full((len(texts), width), BLANK, np.int64)
    for row, text in zip(targets, texts, strict=True):
        row[: len(text)] = [alphabet.index(character) + first for character in text]
    return targets
