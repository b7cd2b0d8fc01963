"""Maps and words as batches; what a captioner learns by, and how it is evaluated."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from sightkit._arrays import sha256_of
from sightkit.apps.generative.caption_answers import bleu, exact_share, shifted
from sightkit.apps.generative.captioner_bundle import PictureCaptioner
from sightkit.apps.generative.captions import NONE, CaptionedPictures, Vocabulary
from sightkit.io.batches import OrderedBatches
from sightkit.preprocessing import Preprocessor

PART = 128
"""Pictures in memory at once before their maps are computed."""
SHOWN = 9


class CaptionBatches(OrderedBatches):
    """Maps of pictures, computed once, with a sentence of each: another one each epoch.

    Args:
        pictures: of one split.
        maps: float32 (N, height, width, channels), of ``maps_of``.
        vocabulary: numbers of the words.
        length: words of a sentence.
        batch_size: pictures a batch.
        shuffle: mix the pictures anew each epoch.
        seed: of the order.

    Yields:
        ((maps, words before), words): float32 (n, …), int32 (n, length), int64 (n, length).
    """

    def __init__(
        self,
        pictures: CaptionedPictures,
        maps: np.ndarray,
        vocabulary: Vocabulary,
        length: int,
        batch_size: int,
        *,
        shuffle: bool,
        seed: int = 0,
    ) -> None:
        super().__init__(batch_size, shuffle, seed)
        self.count, self.maps = len(pictures), maps
        self.words = [
            np.stack([vocabulary.encode(text, length) for text in several])
            for several in pictures.sentences
        ]

    @property
    def sha256(self) -> str:
        """SHA-256 of maps and words: the identity of the data."""
        return sha256_of(("", array) for array in (self.maps, *self.words))

    def __getitem__(self, index: int) -> tuple[Any, np.ndarray]:
        _, rows = self.batch_rows(index)
        which = self.epoch if self.shuffle else 0
        words = np.stack([self.words[row][which % len(self.words[row])] for row in rows])
        return (self.maps[rows], shifted(words)), words


def maps_of(pictures: CaptionedPictures, chain: Preprocessor, body: Any) -> np.ndarray:
    """Return what a network's body, (N, H, W, C) to maps, gives for all pictures."""
    found = []
    for start in range(0, len(pictures), PART):
        rows = range(start, min(start + PART, len(pictures)))
        found.append(body(np.stack([chain(pictures.read(row)) for row in rows])))
    return np.concatenate(found)


def word_loss(words: Any, logits: Any) -> Any:
    """Return the mean cross-entropy of a sentence's words and its end, (N,)."""
    counted = ops.cast(words != NONE, "float32")
    losses = ops.sparse_categorical_crossentropy(words, logits, from_logits=True)
    return ops.sum(losses * counted, axis=1) / ops.sum(counted, axis=1)


def sentences_right(words: Any, logits: Any) -> Any:
    """Return 1 where each word is the likeliest after those before it: greedily right, (N,)."""
    best = ops.cast(ops.argmax(logits, axis=-1), words.dtype)
    return ops.cast(ops.all((best == words) | (words == NONE), axis=1), "float32")


def compile_captioner(network: keras.Model, schedule: Any) -> None:
    """Give a captioner Adam, the words' loss and the share of right sentences."""
    right = keras.metrics.MeanMetricWrapper(sentences_right, name="sentences_right")
    optimizer = keras.optimizers.Adam(schedule, global_clipnorm=5.0)
    network.compile(optimizer, word_loss, metrics=[right])


def evaluate_captioner(captioner: PictureCaptioner, pictures: CaptionedPictures) -> dict[str, Any]:
    """Return exact matches and BLEU-4 of greedy and beam search, and some sentences."""
    images = [pictures.read(row) for row in range(len(pictures))]
    metrics: dict[str, Any] = {"count": len(images)}
    for name, beams in (("greedy", 1), ("beams", captioner.beams)):
        answers = captioner.predict(images, beams=beams)
        metrics[name] = {
            "exact": exact_share(answers, pictures.sentences),
            "bleu4": bleu(answers, pictures.sentences),
        }
    rows = np.linspace(0, len(images) - 1, min(SHOWN, len(images))).astype(int).tolist()
    metrics["examples"] = [
        {"row": row, "answer": answers[row], "references": list(pictures.sentences[row])}
        for row in rows
    ]
    return metrics
