"""Read a captcha character by character: cut by contours, classified by a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import transfer
from sightkit._errors import SightkitError
from sightkit.apps.captcha.characters import cut_characters


@dataclass(frozen=True)
class Reading:
    """What a network reads in a captcha.

    Attributes:
        text: a character for each that was found.
        probabilities: of each, 0 to 1.
        expected: characters that the captcha should have.
    """

    text: str
    probabilities: tuple[float, ...]
    expected: int

    @property
    def complete(self) -> bool:
        """Whether as many characters were found as expected."""
        return len(self.text) == self.expected

    @property
    def certainty(self) -> float:
        """Probability of the least certain character; 0 where their number is wrong."""
        return min(self.probabilities, default=0.0) if self.complete else 0.0


class CharacterReader:
    """A network that classifies characters, for whole captchas.

    Args:
        bundle: folder of the network: RUN/bundle.
        count: characters of a captcha.

    Attributes:
        alphabet: characters that it knows.

    Raises:
        SightkitError: no bundle, or one whose classes are no single characters.
    """

    def __init__(self, bundle: Path, count: int = 4) -> None:
        self._classifier: Any = transfer.load(bundle)
        self.alphabet: tuple[str, ...] = require_characters(self._classifier.class_names, bundle)
        self.count = count

    def read(self, images: Sequence[np.ndarray]) -> list[Reading]:
        """Read captchas: uint8 RGB (H, W, 3), or grey (H, W, 1), of any sizes."""
        cut = [cut_characters(image, self.count) for image in images]
        probabilities = self._classifier.predict(
            [each for characters in cut for each in characters]
        )
        answers = iter(zip(probabilities.argmax(axis=1), probabilities.max(axis=1), strict=True))
        readings = []
        for characters in cut:
            own = [next(answers) for _ in characters]
            text = "".join(self.alphabet[int(index)] for index, _ in own)
            readings.append(Reading(text, tuple(float(p) for _, p in own), self.count))
        return readings


def require_characters(class_names: Sequence[str], bundle: Path) -> tuple[str, ...]:
    """Return the classes of a network of characters; raise where one is none."""
    if strange := [name for name in class_names if len(name) != 1]:
        raise SightkitError(
            "The network must classify characters: each class is one.",
            "Give the bundle of a run of scripts/captcha/train_captcha.py.",
            bundle=str(bundle),
            classes=strange[:5],
        )
    return tuple(class_names)
