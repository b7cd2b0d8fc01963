"""Preprocessors one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing.base import Preprocessor, RandomPreprocessor, from_config


@dataclass(frozen=True)
class Pipeline(Preprocessor):
    """Call preprocessors one after the other; itself a preprocessor.

    Args:
        steps: the preprocessors, first to last; may be empty.

    Example:
        >>> from sightkit.preprocessing import ImageToArrayPreprocessor, SimplePreprocessor
        >>> chain = Pipeline((SimplePreprocessor(28, 28), ImageToArrayPreprocessor()))
        >>> chain(np.zeros((8, 8, 1), np.uint8)).shape
        (28, 28, 1)
    """

    steps: tuple[Preprocessor, ...] = ()

    def __init__(self, steps: Iterable[Preprocessor] = ()) -> None:
        object.__setattr__(self, "steps", tuple(steps))
        for step in self.steps:
            if not isinstance(step, Preprocessor) or isinstance(step, RandomPreprocessor):
                raise SightkitError(
                    "A pipeline's steps must be preprocessors without randomness.",
                    "Give a random one to the generator as augment=….",
                    step=step,
                )

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Transform one image by every step."""
        for step in self.steps:
            image = step(image)
        return image

    def batch(self, images: np.ndarray) -> np.ndarray:
        """Transform images of one size by every step; a step that can, takes them all at once."""
        for step in self.steps:
            images = step.batch(images)
        return images

    def to_config(self) -> dict[str, Any]:
        """The chain as JSON."""
        return {"name": "Pipeline", "steps": [step.to_config() for step in self.steps]}

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Pipeline:
        """Make the chain again from its JSON; anything but a list of steps raises."""
        if set(fields) != {"steps"} or not isinstance(fields["steps"], list):
            raise SightkitError("A pipeline's config holds a list of steps.", fields=sorted(fields))
        return cls(from_config(step) for step in fields["steps"])
