"""From maps to sentences, greedily or by beams; how near they are to those of people."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from sightkit.apps.generative.captions import BEGIN, END, NONE

LONGEST_GRAM = 4
NEVER = -1e9

Decode = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Maps (N, …) and the words before each place, int (N, length), to logits (N, length, words)."""


def shifted(words: np.ndarray) -> np.ndarray:
    """Return the word before each word, int32 (N, length): first the beginning."""
    begin = np.full((len(words), 1), BEGIN)
    return np.concatenate([begin, words[:, :-1]], axis=1).astype(np.int32)


def beam_search(decode: Decode, maps: np.ndarray, length: int, beams: int = 1) -> np.ndarray:
    """Return the sentences with the highest probability that so many beams find.

    Args:
        decode: of the network.
        maps: float32 (N, …).
        length: words of a sentence at most, its end included.
        beams: sentences that are followed at once; 1 takes the likeliest word each time (greedy).

    Returns:
        int64 (N, length): words, the end, then 0.
    """
    count = len(maps)
    words = np.zeros((count, beams, length), np.int64)
    scores = np.full((count, beams), NEVER)
    scores[:, 0] = 0  # all beams begin alike: one counts
    ended = np.zeros((count, beams), bool)
    repeated = np.repeat(maps, beams, axis=0)
    for place in range(length):
        before = shifted(words.reshape(count * beams, length))
        logits = decode(repeated, before)[:, place].astype(np.float64)
        logs = logits - np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1, keepdims=True))
        logs = (logs - logits.max(1, keepdims=True)).reshape(count, beams, -1)
        logs[..., [NONE, BEGIN]] = NEVER
        logs[ended] = NEVER
        logs[ended, NONE] = 0.0
        total = (scores[..., None] + logs).reshape(count, -1)
        best = np.argsort(-total, axis=1, kind="stable")[:, :beams]
        beam, word = np.divmod(best, logs.shape[2])
        rows = np.arange(count)[:, None]
        words, ended = words[rows, beam], ended[rows, beam]
        words[..., place] = word
        ended |= word == END
        scores = total[rows, best]
        if ended.all():
            break
    return words[:, 0]


def exact_share(answers: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Return the share of answers that are one of their references, word for word."""
    return float(np.mean([a in r for a, r in zip(answers, references, strict=True)]))


def bleu(answers: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Return BLEU-4 of a corpus, 0 to 1: n-gram precision, clipped, times the brevity penalty.

    Reference:
        Papineni et al., "BLEU: a method for automatic evaluation of machine translation", 2002.
    """
    found, possible = np.zeros(LONGEST_GRAM), np.zeros(LONGEST_GRAM)
    own, theirs = 0, 0
    for answer, several in zip(answers, references, strict=True):
        words, others = answer.split(), [each.split() for each in several]
        own += len(words)
        theirs += min((abs(len(each) - len(words)), len(each)) for each in others)[1]
        for n in range(1, LONGEST_GRAM + 1):
            grams = _grams(words, n)
            most: Counter[tuple[str, ...]] = Counter()
            for each in others:
                most |= _grams(each, n)
            found[n - 1] += sum((grams & most).values())
            possible[n - 1] += sum(grams.values())
    if not found.all():
        return 0.0
    brevity = 1.0 if own > theirs else math.exp(1 - theirs / max(own, 1))
    return brevity * math.exp(np.log(found / possible).mean())


def _grams(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[k : k + n]) for k in range(len(words) - n + 1))
