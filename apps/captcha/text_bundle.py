"""The bundle of a network that reads captchas: alphabet, lengths, threshold, preprocessing, canary.

No Keras here until a network is built: a bundle is checked before Keras starts.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge, Le, MinLen

from sightkit import inference, io, zoo
from sightkit._schema import Count
from sightkit.apps.captcha.character_reader import CharacterReader, Reading
from sightkit.apps.captcha.text_answers import Method, TextAnswer, decode
from sightkit.apps.captcha.text_entries import CTC, HEADS
from sightkit.preprocessing import (
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    Pipeline,
    Preprocessor,
    SimplePreprocessor,
    from_config,
)
from sightkit.training.bundle import OfNetwork, network_builder
from sightkit.training.bundle_format import (
    CANARY,
    CLASSIFIERS,
    WEIGHTS,
    Description,
    Kind,
    check_bundle,
    damaged,
    write_bundle,
)
from sightkit.training.canary import choose_canary
from sightkit.training.classifier import (
    Photo,
    as_photos,
    decoded,
    load_by_kind,
    require_canary,
)

if TYPE_CHECKING:
    import keras

KIND = "captcha"
READERS = (*CLASSIFIERS, KIND)
"""Kinds of bundles that captchas can be read with."""
TRIED = 8
"""Pictures that a canary is chosen from."""
METHODS: dict[str, Method] = {HEADS: "heads", CTC: "ctc"}


def resized(size: tuple[int, int]) -> Pipeline:
    """Return the chain from any picture to a grey one of a size, (height, width)."""
    return Pipeline((GrayscalePreprocessor(), SimplePreprocessor(size[1], size[0])))


def reading_chain(size: tuple[int, int]) -> Pipeline:
    """Return the chain from any picture to the input of a network of a size."""
    return Pipeline((*resized(size).steps, ImageToArrayPreprocessor()))


@dataclass(frozen=True, repr=False)
class TextReader:
    """Pictures in, texts out; made by ``load_text_reader``.

    Attributes:
        network: a plain Keras model in float32.
        preprocessing: picture, uint8 RGB or grey of any size, to what the network takes: one of
            another size is resized.
        alphabet: its characters.
        lengths: of the texts that it was trained on.
        threshold: confidence below which it does not answer.
        description: all of bundle.json.
        folder: that it was loaded from.
    """

    network: keras.Model
    preprocessing: Preprocessor
    alphabet: str
    lengths: tuple[int, ...]
    threshold: float
    description: dict[str, Any]
    folder: Path | None = None

    def __repr__(self) -> str:
        lengths = " or ".join(map(str, self.lengths))
        return f"<TextReader {self.network.name}, {lengths} characters of {self.alphabet}>"

    @property
    def method(self) -> Method:
        """How it reads."""
        return METHODS[zoo.origin(self.network)["builder"]]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the network's input, pixels."""
        _, height, width, _ = self.network.input_shape
        return height, width

    def predict(
        self, images: Photo | Sequence[Photo], *, threshold: float | None = None
    ) -> list[TextAnswer]:
        """Read pictures as they come: decoded and preprocessed exactly as in training.

        Args:
            images: uint8 arrays (H, W, 3) in RGB order or (H, W, 1), or paths of image files; a
                single one is a list of one.
            threshold: confidence below which there is no answer; the bundle's own by default, 0
                answers all.

        Returns:
            An answer a picture: its text, None where it is refused, and the confidence.

        Raises:
            SightkitError: an array of another kind, or a file that is no image; it is named.
        """
        several = as_photos(images)
        if not len(several):
            return []
        limit = self.threshold if threshold is None else threshold
        x = np.stack([self.preprocessing(decoded(image)) for image in several])
        answers = decode(self._predictor(x), self.alphabet, self.method)
        return [each if each.confidence >= limit else each._replace(text=None) for each in answers]

    def read(self, images: Sequence[Photo]) -> list[Reading]:
        """Read pictures as ``CharacterReader`` does, none refused; one probability is of a text."""
        answers = self.predict(images, threshold=0.0)
        return [Reading(text or "", (sure,), len(text or "")) for text, sure in answers]

    @functools.cached_property
    def _predictor(self) -> inference.Predictor:
        return inference.compile(self.network)

    def seen(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """Return the greatest probability of each character in prepared pictures, (N, alphabet)."""
        return self._predictor(np.stack(inputs)).max(axis=1)[:, -len(self.alphabet) :]

    def canary_answer(self, folder: Path) -> np.ndarray:
        """Return what is seen in the canary picture of a bundle's folder, (alphabet,)."""
        return self.seen([self.preprocessing(io.read_image(folder / CANARY))])[0]

    def check_canary(self, folder: Path) -> None:
        """Compare what is seen in the canary picture with what was seen when it was saved.

        Raises:
            SightkitError: a log-probability is not within 1e-2 of the one that was saved.
        """
        require_canary(self.canary_answer(folder), self.description["canary"], folder)


def save_text_reader(
    folder: str | os.PathLike[str],
    reader: TextReader,
    *,
    canaries: Sequence[np.ndarray],
    metrics: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
) -> Path:
    """Write the bundle of a reader; an existing folder is replaced once the new one is complete.

    Args:
        folder: of the bundle.
        reader: its network is saved in float32.
        canaries: uint8 pictures, the best first: one of which a change of the preprocessing shows
            is stored with the network's answer, and compared whenever the bundle is loaded.
        metrics: of the evaluation, JSON.
        training: seed, data and other facts of the training, JSON.

    Returns:
        The folder.
    """
    from sightkit.training.bundle_writer import write_network

    canary = choose_canary(canaries[:TRIED], reader.preprocessing, reader.seen).image

    def write(place: Path) -> dict[str, Any]:
        return {
            **write_network(place, reader.network, canary),
            "class_names": [*reader.alphabet],
            "preprocessing": reader.preprocessing.to_config(),
            "lengths": [*reader.lengths],
            "threshold": reader.threshold,
            "training": dict(training or {}),
            "metrics": dict(metrics or {}),
            "canary": reader.canary_answer(place).tolist(),
        }

    return write_bundle(folder, KIND, write)


def open_reader(bundle: str | os.PathLike[str], length: int) -> TextReader | CharacterReader:
    """Load what reads captchas: a reader of whole texts, or a classifier of their characters.

    Args:
        bundle: its folder.
        length: characters of a captcha, for a classifier of characters.

    Raises:
        SightkitError: no bundle, one of another kind, or a damaged one.
    """
    if check_bundle(bundle, READERS)["kind"] == KIND:
        return load_text_reader(bundle)
    return CharacterReader(Path(bundle), length)


def load_text_reader(folder: str | os.PathLike[str]) -> TextReader:
    """Load the reader that a bundle describes, and check that it answers as when it was saved.

    Raises:
        SightkitError: no bundle or one of another kind, a damaged file, or an answer to the canary
            picture that differs by more than 1e-2 in a log-probability.
    """
    return load_by_kind(folder, (KIND,))


def _open(folder: Path, description: dict[str, Any]) -> TextReader:
    network, names = network_builder(folder, description)(), description["class_names"]
    classes = network.output_shape[-1] - (METHODS[description["network"]["builder"]] == "ctc")
    if classes != len(names):
        raise damaged(folder, "its characters are not as many as the classes of its network")
    return TextReader(
        network,
        from_config(description["preprocessing"]),
        "".join(names),
        tuple(description["lengths"]),
        description["threshold"],
        description,
        folder,
    )


class TextDescription(OfNetwork, Description):
    """The bundle.json of a reader of captchas; ``class_names`` are its characters."""

    preprocessing: dict[str, Any]
    lengths: Annotated[list[Count], MinLen(1)]
    threshold: Annotated[float, Ge(0), Le(1)]


def _check(folder: Path, description: Mapping[str, Any]) -> None:
    zoo.check_origin(description["network"])
    from_config(description["preprocessing"])
    if description["network"].get("builder") not in METHODS:
        raise damaged(folder, f"its network is none of {', '.join(METHODS)}")
    if any(len(name) != 1 for name in description["class_names"]):
        raise damaged(folder, "each of its class names must be one character")


KINDS = {
    KIND: Kind(
        "a reader of captchas",
        "sightkit.apps.captcha.load_text_reader, or read with scripts/captcha/read_captcha.py",
        TextDescription,
        lambda found: [WEIGHTS, CANARY],
        _check,
        _open,
    )
}
