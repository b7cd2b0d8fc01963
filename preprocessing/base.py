"""The base of preprocessors: one image in, one image out, batches with equal results, and JSON."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeAlias, get_type_hints

import numpy as np
from annotated_types import MaxLen
from typing_extensions import TypedDict

from sightkit import _schema
from sightkit._errors import SightkitError

Images: TypeAlias = np.ndarray | Sequence[np.ndarray]
"""A batch: one array (N, H, W, C), or a sequence of N images that may differ in size."""

MOST_PIXELS = 100_000_000
"""As many as ``io.read_image`` decodes."""

Steps = Annotated[list[dict[str, Any]], MaxLen(1_000)]
BYTES, BYTES_OR_FLOATS = ("uint8",), ("uint8", "float32")
FORMS = {
    3: ("one image (height, width, channels)", "io.read_image returns images of this form."),
    4: (
        "images (number, height, width, channels)",
        "A single image goes to the preprocessor itself.",
    ),
}
OTHER_CHANNELS = {
    1: "Put a ColourPreprocessor before it: grey images become RGB.",
    3: "Put a GrayscalePreprocessor before it: RGB images become grey.",
}
"""What helps images of so many channels, where others are taken."""


@dataclasses.dataclass(frozen=True)
class Preprocessor:
    """Base of all preprocessors. A subclass is a frozen dataclass with ``__call__``.

    ``batch`` may be overridden where a batch at once is faster than a loop; the results are equal,
    bit by bit.
    """

    kinds: ClassVar[dict[str, type[Preprocessor]]] = {}
    crops: ClassVar[bool] = False
    """Whether one image becomes a stack of several."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        known = Preprocessor.kinds.get(cls.__name__, cls)
        if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise SightkitError("Each preprocessor has a name of its own.", name=cls.__name__)
        Preprocessor.kinds[cls.__name__] = cls

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Transform one image, (H, W, C) to (H', W', C')."""
        raise NotImplementedError

    def batch(self, images: Images) -> np.ndarray:
        """Transform a batch, (N, H, W, C) or N images of any sizes, to (N, H', W', C')."""
        return stacked((self(image) for image in images), len(images))

    def to_config(self) -> dict[str, Any]:
        """The preprocessor as JSON: its name and its fields."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {"name": type(self).__name__, **{key: _as_json(v) for key, v in values.items()}}


@dataclasses.dataclass(frozen=True)
class ArrayPreprocessor(Preprocessor):
    """Base of preprocessors that treat an array of images at once: a subclass has ``transform``."""

    accepted_channels: ClassVar[tuple[int, ...]] = (1, 3)
    accepted_dtypes: ClassVar[tuple[str, ...] | None] = None
    """Names; None accepts integers and floats of any size."""

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Transform one image, (H, W, C), as ``transform`` does a batch of one."""
        owner = type(self).__name__
        image = check_image(image, owner, self.accepted_channels, self.accepted_dtypes)
        return self.transform(image[np.newaxis])[0]

    def batch(self, images: Images) -> np.ndarray:
        """Transform (N, H, W, C) at once, or N images of any sizes one by one."""
        owner = type(self).__name__
        array = check_batch(images, owner, self.accepted_channels, self.accepted_dtypes)
        return super().batch(images) if array is None else self.transform(array)

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Transform (N, H, W, C), whose channels and dtype are accepted, to (N, H', W', C')."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class RandomPreprocessor(Preprocessor):
    """A preprocessor that is called with the source of its randomness; it holds no state.

    Only the training split ever meets one: the generator refuses it elsewhere, and a bundle
    never holds one.
    """

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:  # type: ignore[override]
        """Transform one image, (H, W, C) to (H', W', C'), by what ``rng`` draws."""
        raise NotImplementedError

    def batch(
        self, images: Images, rngs: Sequence[np.random.Generator] | None = None
    ) -> np.ndarray:
        """Transform a batch, (N, H, W, C) or N images, to (N, H', W', C').

        Args:
            images: the batch.
            rngs: one source of randomness an image, so that neither the batch nor its order
                changes what becomes of an image.
        """
        pairs = zip(images, self.check_rngs(images, rngs), strict=True)
        return stacked((self(image, rng) for image, rng in pairs), len(images))

    def check_rngs(
        self, images: Images, rngs: Sequence[np.random.Generator] | None
    ) -> Sequence[np.random.Generator]:
        """Check that every image has a source of randomness of its own."""
        if rngs is None or len(rngs) != len(images):
            raise SightkitError(
                f"{type(self).__name__} is random: each image of a batch needs an rng of its own.",
                "Give it to the generator as augment=…, or call batch(images, rngs).",
                images=len(images),
                rngs=None if rngs is None else len(rngs),
            )
        return rngs


def from_config(config: Mapping[str, Any]) -> Preprocessor:
    """Make the preprocessor that ``to_config`` described.

    Raises:
        SightkitError: the name or a field is unknown, a field is missing or holds something else.
    """
    name = config.get("name") if isinstance(config, Mapping) else config
    if not isinstance(name, str) or name not in Preprocessor.kinds:
        near = difflib.get_close_matches(str(name), Preprocessor.kinds, n=1)
        hint = f"Perhaps it is {near[0]}." if near else f"Known: {sorted(Preprocessor.kinds)}."
        raise SightkitError("A preprocessor's name must be known.", hint, name=name)
    kind = Preprocessor.kinds[name]
    fields = {key: value for key, value in config.items() if key != "name"}
    try:
        values = _schema.checked(fields, _fields_of(kind))
        steps = {key: value for key, value in values.items() if isinstance(value, list)}
        return kind(**values | {key: tuple(map(from_config, each)) for key, each in steps.items()})
    except (TypeError, ValueError) as error:
        rule = f"The fields of {name} must hold what to_config wrote ({error})."
        raise SightkitError(rule) from error


@functools.cache
def _fields_of(kind: type[Preprocessor]) -> Any:
    """The type of a preprocessor's fields in JSON; steps are lists of configs."""
    hints = get_type_hints(kind)
    fields = {
        each.name: Steps if "Preprocessor" in str(each.type) else hints[each.name]
        for each in dataclasses.fields(kind)
    }
    return TypedDict(kind.__name__, fields)  # type: ignore[misc]


def _as_json(value: Any) -> Any:
    """A field as JSON has it: steps by their configs, tuples as lists."""
    if isinstance(value, Preprocessor):
        return value.to_config()
    return [_as_json(each) for each in value] if isinstance(value, tuple) else value


def stacked(results: Iterable[np.ndarray], count: int) -> np.ndarray:
    """``count`` arrays of one shape as one array; each is copied as it comes."""
    return joined((result[np.newaxis] for result in results), count)


def joined(parts: Iterable[np.ndarray], count: int) -> np.ndarray:
    """Parts of a batch of ``count`` as one array; each is copied while it is in the cache."""
    batch, start = None, 0
    for part in parts:
        if len(part) == count:
            return part
        if batch is None:
            batch = np.empty((count, *part.shape[1:]), part.dtype)
        if (part.shape[1:], part.dtype) != (batch.shape[1:], batch.dtype):
            raise SightkitError(
                f"All images of a batch must come out alike; the first is {batch.shape[1:]}, "
                f"{batch.dtype}.",
                "Add a SimplePreprocessor or an AspectAwarePreprocessor to the chain.",
                index=start,
                shape=part.shape[1:],
                dtype=part.dtype,
            )
        batch[start : start + len(part)] = part
        start += len(part)
    if batch is None:
        raise SightkitError("A batch must hold at least one image.", images=count)
    return batch


def check_image(
    image: np.ndarray,
    owner: str,
    channels: tuple[int, ...] = (1, 3),
    dtypes: tuple[str, ...] | None = None,
) -> np.ndarray:
    """Check that an array is one image: (H, W, C), none of them 0, C among ``channels``.

    Args:
        image: what came.
        owner: the caller, for the error.
        channels: how many there may be.
        dtypes: names of those that are accepted; None accepts integers and floats of any size.
    """
    return _checked(np.asarray(image), 3, owner, channels, dtypes)


def check_batch(
    images: Images,
    owner: str,
    channels: tuple[int, ...] = (1, 3),
    dtypes: tuple[str, ...] | None = None,
) -> np.ndarray | None:
    """The batch if it is one array of images, checked; None if it is a sequence of images."""
    if not isinstance(images, np.ndarray):
        return None
    return _checked(images, 4, f"{owner}.batch", channels, dtypes)


def check_size(owner: str, **sizes: int) -> None:
    """Check that sizes in pixels are integers of at least 1, for an image that can be held."""
    for name, size in sizes.items():
        if type(size) is not int or size < 1:
            received: dict[str, Any] = {name: size}
            raise SightkitError(f"{owner}: {name} must be an integer of at least 1.", **received)
    if math.prod(sizes.values()) > MOST_PIXELS:
        received = dict(sizes)
        raise SightkitError(f"{owner}: an image may have {MOST_PIXELS:,} pixels.", **received)


def _checked(
    array: np.ndarray,
    rank: int,
    owner: str,
    channels: tuple[int, ...],
    dtypes: tuple[str, ...] | None,
) -> np.ndarray:
    form, way = FORMS[rank]
    if array.ndim != rank or array.shape[-1] not in channels or 0 in array.shape:
        raise SightkitError(
            f"{owner} takes {form}, channels-last, with {_listed(channels)} channel(s).",
            OTHER_CHANNELS.get(array.shape[-1], FORMS[3][1]) if array.ndim == rank else way,
            shape=array.shape,
        )
    if array.dtype.kind not in "uif" if dtypes is None else array.dtype.name not in dtypes:
        raise SightkitError(
            f"{owner} takes images of {_listed(dtypes or ('integers or floats',))}.",
            "io.read_image returns uint8; ImageToArrayPreprocessor makes it float32, once.",
            dtype=array.dtype,
        )
    return array


def _listed(values: tuple[Any, ...]) -> str:
    return " or ".join(map(str, values))
