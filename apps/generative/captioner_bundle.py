"""The bundle of a captioner: photos in, sentences out; its canary is a picture with its words."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Le

from sightkit import zoo
from sightkit.apps.generative import captioner_entry  # noqa: F401 - lets the zoo build it
from sightkit.apps.generative.caption_answers import beam_search, shifted
from sightkit.apps.generative.caption_flags import MOST_BEAMS, require_beams
from sightkit.apps.generative.captions import MARKS, Vocabulary
from sightkit.apps.generative.shares_bundle import SharesBundle
from sightkit.preprocessing import Preprocessor, from_config
from sightkit.training.bundle import OfNetwork, network_builder
from sightkit.training.bundle_format import (
    CANARY,
    WEIGHTS,
    Description,
    Kind,
    damaged,
)
from sightkit.training.classifier import Photo, as_photos, decoded, load_by_kind

if TYPE_CHECKING:
    import keras

KIND = "captioner"
BATCH_SIZE = 32


class CaptionerDescription(OfNetwork, Description):
    """The bundle.json of a captioner; ``class_names`` are its words, most frequent first."""

    preprocessing: dict[str, Any]
    beams: Annotated[int, Ge(1), Le(MOST_BEAMS)]


@dataclass(frozen=True, repr=False)
class PictureCaptioner(SharesBundle):
    """Photos in, sentences out; made by ``load_captioner``.

    Attributes:
        network, description: see ``SharesBundle``; the network is made by ``Captioner``.
        preprocessing: photo, uint8, to what the network takes.
        vocabulary: its words.
        beams: sentences that are followed at once.
    """

    kind: ClassVar[str] = KIND

    preprocessing: Preprocessor
    vocabulary: Vocabulary
    beams: int

    def __repr__(self) -> str:
        return f"<PictureCaptioner {self.network.name}, {len(self.vocabulary.words)} words>"

    @property
    def length(self) -> int:
        """Words of a sentence at most, its end included."""
        return int(self.network.output_shape[1])

    def predict(self, images: Photo | Sequence[Photo], *, beams: int | None = None) -> list[str]:
        """Write a sentence for each photo.

        Args:
            images: uint8 arrays (H, W, 3) in RGB order or (H, W, 1), or paths of image files; a
                single one is a list of one.
            beams: sentences that are followed at once; 1 is greedy; the bundle's own by default.

        Raises:
            SightkitError: an array of another kind, or a file that is no image; it is named.
        """
        beams = self.beams if beams is None else beams
        require_beams(beams)
        several = as_photos(images)
        body, head = self._parts
        decode = lambda maps, before: head.predict_on_batch([maps, before])  # noqa: E731
        sentences: list[str] = []
        for start in range(0, len(several), BATCH_SIZE):
            photos = [self.preprocessing(decoded(p)) for p in several[start : start + BATCH_SIZE]]
            maps = np.asarray(body.predict_on_batch(np.stack(photos)))
            words = beam_search(decode, maps, self.length, beams)
            sentences += map(self.vocabulary.decode, words)
        return sentences

    @functools.cached_property
    def _parts(self) -> tuple[keras.Model, keras.Model]:
        from sightkit.apps.generative.caption_network import split_captioner

        return split_captioner(self.network)

    def shares(self, image: np.ndarray) -> np.ndarray:
        """Return how likely each word, float32 (words,), is on average in the greedy sentence."""
        (sentence,) = self.predict(image, beams=1)
        before = shifted(self.vocabulary.encode(sentence, self.length)[None])
        logits = self.network.predict_on_batch([self.preprocessing(image)[None], before])[0]
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return shares[: len(sentence.split()) + 1, len(MARKS) :].mean(axis=0)

    def fields(self) -> dict[str, Any]:
        """Return words, preprocessing and beams."""
        return {
            "class_names": [*self.vocabulary.words],
            "preprocessing": self.preprocessing.to_config(),
            "beams": self.beams,
        }


def load_captioner(folder: str | os.PathLike[str]) -> PictureCaptioner:
    """Load the captioner that a bundle describes, and check that it answers as it did then.

    Raises:
        SightkitError: no bundle or one of another kind, a damaged file, or other words for the
            canary picture.
    """
    return load_by_kind(folder, (KIND,))


def _open(folder: Path, description: Mapping[str, Any]) -> PictureCaptioner:
    network = network_builder(folder, description)()
    vocabulary = Vocabulary(tuple(description["class_names"]))
    if network.output_shape[-1] != len(vocabulary) or len(network.inputs) != 2:
        raise damaged(folder, "its words are not those of its network")
    chain = from_config(description["preprocessing"])
    beams = description["beams"]
    return PictureCaptioner(network, chain, vocabulary, beams, description=description)


def _check(folder: Path, description: Mapping[str, Any]) -> None:
    zoo.check_origin(description["network"])
    from_config(description["preprocessing"])


KINDS = {
    KIND: Kind(
        "a captioner",
        "sightkit.apps.generative.load_captioner, or use scripts/generative/caption.py",
        CaptionerDescription,
        lambda found: [WEIGHTS, CANARY],
        _check,
        _open,
    )
}
