"""What every preprocessor is: one image in, one image out, and JSON."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from sightkit._errors import SightkitError


@dataclasses.dataclass(frozen=True)
class Preprocessor:
    """Base of all preprocessors. A subclass is a frozen dataclass with ``__call__``.

    ``batch`` may be overridden where a whole batch is faster than a loop; the results are equal.
    """

    kinds: ClassVar[dict[str, type[Preprocessor]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__name__ in Preprocessor.kinds:
            raise SightkitError("Each preprocessor has a name of its own.", name=cls.__name__)
        Preprocessor.kinds[cls.__name__] = cls

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Transform one image, (H, W, C) to (H', W', C')."""
        raise NotImplementedError

    def batch(self, images: np.ndarray) -> np.ndarray:
        """Transform images of one size, (N, H, W, C) to (N, H', W', C')."""
        return np.stack([self(image) for image in images])

    def to_config(self) -> dict[str, Any]:
        """The preprocessor as JSON: its name and its fields."""
        return {"name": type(self).__name__, **dataclasses.asdict(self)}

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Preprocessor:
        """Make one from the fields of ``to_config``; unknown fields raise."""
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := set(fields) - known:
            raise SightkitError(
                f"{cls.__name__} has the fields {sorted(known)}.", unknown=sorted(unknown)
            )
        return cls(**fields)


@dataclasses.dataclass(frozen=True)
class RandomPreprocessor(Preprocessor):
    """A preprocessor that is called with the source of its randomness; it holds no state.

    Only the training split ever meets one: the generator refuses it elsewhere, and a bundle
    never holds one.
    """

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:  # type: ignore[override]
        """Transform one image, (H, W, C) to (H', W', C'), by what ``rng`` draws."""
        raise NotImplementedError

    def batch(self, images: np.ndarray) -> np.ndarray:
        """Not to be had: every sample needs a source of randomness of its own."""
        raise SightkitError(
            f"{type(self).__name__} is random and is called on one image with its rng.",
            "Give it to the generator as augment=….",
        )


def from_config(config: Mapping[str, Any]) -> Preprocessor:
    """Make the preprocessor that ``to_config`` described.

    Raises:
        SightkitError: the name or a field is unknown.
    """
    fields = dict(config)
    name = fields.pop("name", None)
    if name not in Preprocessor.kinds:
        near = difflib.get_close_matches(str(name), Preprocessor.kinds, n=1)
        hint = f"Perhaps it is {near[0]}." if near else f"Known: {sorted(Preprocessor.kinds)}."
        raise SightkitError("A preprocessor's name must be known.", hint, name=name)
    return Preprocessor.kinds[name].from_fields(fields)


def check_image(image: np.ndarray, owner: str, channels: tuple[int, ...] = (1, 3)) -> np.ndarray:
    """Check that an array is one image: (H, W, C), none of them 0, C among ``channels``."""
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[2] not in channels or 0 in array.shape:
        raise SightkitError(
            f"{owner} takes one image (height, width, channels), channels-last, with "
            f"{' or '.join(map(str, channels))} channel(s).",
            "io.read_image returns images of this form.",
            shape=array.shape,
        )
    return array


def check_size(owner: str, **sizes: int) -> None:
    """Check that sizes in pixels are integers of at least 1."""
    for name, size in sizes.items():
        if not isinstance(size, int) or size < 1:
            received: dict[str, Any] = {name: size}
            raise SightkitError(f"{owner}: {name} must be an integer of at least 1.", **received)
