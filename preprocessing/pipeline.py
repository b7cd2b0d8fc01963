"""Preprocessors one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sightkit._errors import SightkitError
from sightkit.preprocessing.base import Images, Preprocessor, RandomPreprocessor, joined

CHUNK_BYTES = 2**19
"""A batch goes through the steps in parts of about that size, which stay in a core's cache."""


@dataclass(frozen=True)
class Pipeline(Preprocessor):
    """Call preprocessors one after the other; itself a preprocessor.

    Args:
        steps: the preprocessors, first to last; may be empty. After a ``CropPreprocessor`` the
            steps see each crop as an image.

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
                    "Give a random one, or a RandomPipeline, to the generator as augment=….",
                    step=step,
                )
        if sum(step.crops for step in self.steps) > 1:
            raise SightkitError("A pipeline crops once at most.", steps=self.steps)

    @property
    def crops(self) -> bool:  # type: ignore[override]
        """True if one image becomes a stack of several."""
        return any(step.crops for step in self.steps)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Transform one image by every step, (H, W, C) to (H', W', C'), or to a stack of crops."""
        cropped = False
        for step in self.steps:
            image = step.batch(image) if cropped else step(image)
            cropped = cropped or step.crops
        return image

    def batch(self, images: Images) -> np.ndarray:
        """Transform a batch by every step; a step that can, takes many images at once."""
        if not isinstance(images, np.ndarray):  # of several sizes, perhaps, until the last step
            return super().batch(images)
        if len(self.steps) == 1:
            return self.steps[0].batch(images)
        return joined((self._all_steps(images[part]) for part in parts(images)), len(images))

    def _all_steps(self, images: np.ndarray) -> np.ndarray:
        crops = 0
        for step in self.steps:
            images = step.batch(images)
            if step.crops:
                crops = images.shape[1]
                images = images.reshape(-1, *images.shape[2:])
        return images.reshape(-1, crops, *images.shape[1:]) if crops else images


@dataclass(frozen=True)
class RandomPipeline(RandomPreprocessor):
    """A training chain: preprocessors one after the other, random ones among them.

    Give it to the generator as ``augment=…``; the evaluation chain, without randomness, is a
    ``Pipeline`` of its own, and only that one goes into a bundle.

    Args:
        steps: the preprocessors, first to last; may be empty. Random ones draw from the image's
            rng in this order.

    Example:
        >>> from sightkit.preprocessing import AspectAwarePreprocessor, PatchPreprocessor
        >>> chain = RandomPipeline((AspectAwarePreprocessor(64, 64), PatchPreprocessor(56, 56)))
        >>> chain(np.zeros((80, 99, 3), np.uint8), np.random.default_rng(0)).shape
        (56, 56, 3)
    """

    steps: tuple[Preprocessor, ...] = ()

    def __init__(self, steps: Iterable[Preprocessor] = ()) -> None:
        object.__setattr__(self, "steps", tuple(steps))
        for step in self.steps:
            if not isinstance(step, Preprocessor) or step.crops:
                raise SightkitError(
                    "A random pipeline's steps must be preprocessors that make one image of one.",
                    "PatchPreprocessor cuts one crop at random.",
                    step=step,
                )

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Transform one image by every step, (H, W, C) to (H', W', C')."""
        for step in self.steps:
            image = step(image, rng) if isinstance(step, RandomPreprocessor) else step(image)
        return image

    def batch(
        self, images: Images, rngs: Sequence[np.random.Generator] | None = None
    ) -> np.ndarray:
        """Transform a batch by every step; a step that can, takes many images at once."""
        rngs = self.check_rngs(images, rngs)
        if not isinstance(images, np.ndarray):
            return super().batch(images, rngs)
        results = (self._all_steps(images[part], rngs[part]) for part in parts(images))
        return joined(results, len(images))

    def _all_steps(self, images: np.ndarray, rngs: Sequence[np.random.Generator]) -> np.ndarray:
        for step in self.steps:
            if isinstance(step, RandomPreprocessor):
                images = step.batch(images, rngs)
            else:
                images = step.batch(images)
        return images


def parts(images: np.ndarray) -> Iterator[slice]:
    """Slices of a batch, each of about CHUNK_BYTES."""
    count = len(images)
    size = max(1, CHUNK_BYTES * count // max(1, images.nbytes))
    return (slice(start, start + size) for start in range(0, count, size))


def flat_steps(chain: Preprocessor) -> tuple[Preprocessor, ...]:
    """Return the steps of a chain, those of pipelines inside it in their place."""
    if isinstance(chain, Pipeline):
        return tuple(inner for step in chain.steps for inner in flat_steps(step))
    return (chain,)
