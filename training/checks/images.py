"""Checks of images against what the network expects: shape, numbers, range, channels."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from sightkit._network import flat_layers, input_shape
from sightkit.training.checks.report import LeftOut, Line, failed, passed, warned
from sightkit.training.checks.samples import Samples

RAW = 16.0
"""Pixels that reach it and are never negative were not scaled: 0–255."""
TWICE = 1 / 64
"""Pixels that stay below it were divided by 255 twice."""
UNLIKE = 4.0
"""Two splits through one chain differ less than so many times in magnitude."""
NORMALIZING = (
    keras.layers.Rescaling,
    keras.layers.Normalization,
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
)
SCALE = (
    "Scale them, for training and validation: x / 255, or in the chain, "
    "Pipeline((…, ImageToArrayPreprocessor()))."
)


def inputs(model: keras.Model, train: Samples, validation: Samples | None) -> Line:
    """Check shapes, NaN, constant images, range, and validation like training."""
    images = train.images
    wanted = input_shape(model) or images.shape[1:]
    for where, samples in (("training", train), ("validation", validation)):
        if samples is None:
            continue
        shape = samples.images.shape[1:]
        if not _fits(shape, wanted) and not _channels_first(shape, wanted):
            return failed(
                f"{where} images are {_shape(shape)}, the network takes {_shape(wanted)}",
                "Give each grey image its channel: x[..., None]."
                if len(shape) == 2 and len(wanted) == 3
                else "Resize them in the chain, or build the network with their shape.",
            )
        count = len(samples.images)
        broken = np.flatnonzero(~np.isfinite(samples.images).reshape(count, -1).all(axis=1))
        if len(broken):
            return failed(
                f"{len(broken):,} of {count:,} {where} images hold NaN or infinity; the first is "
                f"number {broken[0]} of those read",
                "Look for a division by zero or a logarithm in the chain or its source.",
            )
    flat = np.ptp(images.reshape(len(images), -1), axis=1) == 0
    if flat.all():
        return failed(
            f"each of {len(images):,} training images is of one value: nothing can be seen in them",
            "Look at a batch: the chain or the source loses the pictures.",
        )
    if validation is not None:
        ratio = _magnitude(images) / max(_magnitude(validation.images), 1e-12)
        if max(ratio, 1 / max(ratio, 1e-12)) > UNLIKE:
            return failed(
                f"training images are in {_range(images)}, validation images in "
                f"{_range(validation.images)}: they went through different chains",
                "Give both splits the same preprocessors.",
            )
    text = f"{len(images):,} images {_shape(images.shape[1:])} {images.dtype}, {_range(images)}"
    if is_raw(model, images):
        return warned(f"{text}: pixels were not scaled", SCALE)
    if images.min() >= 0 and images.max() < TWICE:
        return failed(
            f"{text}: they look as if divided by 255 twice", "Leave one of the two scalings out."
        )
    if flat.mean() > 0.1:
        return warned(
            f"{text}; {flat.sum():,} of them are of one value",
            "Look at them; leave empty pictures out of the data set.",
        )
    return passed(text)


def is_raw(model: keras.Model, images: np.ndarray) -> bool:
    """Return whether pixels of 0–255 reach the first kernel of a network as they are."""
    return images.min() >= 0 and images.max() > RAW and not _normalizes(model)


def channels(model: keras.Model, train: Samples, validation: Samples | None) -> Line:
    """Check for channels last, and red, green, blue in one order everywhere."""
    shape = train.images.shape[1:]
    wanted = input_shape(model) or shape
    if not _fits(shape, wanted):
        return failed(
            f"the images have their channels first, {_shape(shape)}; the network takes "
            f"{_shape(wanted)}, channels last",
            "Move the axis: np.moveaxis(images, 1, -1).",
        )
    if len(shape) != 3:
        raise LeftOut("the inputs are no images")
    if shape[0] in (1, 3) and shape[-1] not in (1, 3) and _convolves(model):
        return warned(
            f"images and network are {_shape(shape)}: channels first, it seems, and a convolution "
            "takes the last axis for them",
            "Move the axis, np.moveaxis(images, 1, -1), and build the network with that shape.",
        )
    if shape[-1] != 3:
        return passed(f"last of {_shape(shape)}; {shape[-1]}, no colour order to check")
    if _mean_is_reversed(train.data):
        return failed(
            "the chain subtracts the mean of red from blue: the mean is in BGR order, the "
            "images are RGB (or the other way round)",
            "Put BGRPreprocessor last, and give the mean as MeanPreprocessor(red, green, blue).",
        )
    if validation is not None and _casts_are_opposite(train.images, validation.images):
        return failed(
            f"red less blue is {_cast(train.images).mean():+.3f} in training images and "
            f"{_cast(validation.images).mean():+.3f} in validation images: one of them is BGR",
            "Decode both by io.read_image, which gives RGB, and give both the same chain.",
        )
    means = ", ".join(f"{value:.3g}" for value in train.images.mean(axis=(0, 1, 2)))
    return passed(f"last, three; means {means}")


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        size is None or size == given for given, size in zip(shape, wanted, strict=True)
    )


def _channels_first(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == 3 and shape[0] in (1, 3) and _fits((*shape[1:], shape[0]), wanted)


def _convolves(model: keras.Model) -> bool:
    kernels = (layer for layer in flat_layers(model) if getattr(layer, "kernel", None) is not None)
    first = next(kernels, None)
    return first is not None and getattr(first, "data_format", "") == "channels_last"


def _magnitude(images: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(images, dtype=np.float64))))


def _normalizes(model: keras.Model) -> bool:
    """Return whether a layer that scales comes before the first one with a kernel."""
    for layer in flat_layers(model):
        if isinstance(layer, NORMALIZING):
            return True
        if getattr(layer, "kernel", None) is not None:
            return False
    return False


def _mean_is_reversed(data: Any) -> bool:
    """Send the data set's mean colour through the chain: black must come out, not a colour.

    Only the colour that is reversed may come out black if mean and images differ in order.
    """
    mean = getattr(getattr(data, "file", None), "mean", None)
    chain = getattr(data, "preprocessors", None)
    if mean is None or chain is None or len(mean) != 3:
        return False
    if "MeanPreprocessor" not in str(chain.to_config()):
        return False
    colour = np.broadcast_to(np.rint(mean).astype(np.uint8), (1, *data.file.shape[1:]))
    straight, reverse = (
        float(np.abs(chain.batch(np.ascontiguousarray(image))).max())
        for image in (colour, colour[..., ::-1])
    )
    return float(np.ptp(mean)) > 4 and reverse < straight / 4


def _cast(images: np.ndarray) -> np.ndarray:
    """Return red less blue of each image."""
    means = images.mean(axis=(1, 2), dtype=np.float64)
    return means[:, 0] - means[:, 2]


def _casts_are_opposite(train: np.ndarray, validation: np.ndarray) -> bool:
    """Both colour casts are certain (four standard errors), alike in size, and of unlike sign."""
    casts = [_cast(images) for images in (train, validation)]
    if min(map(len, casts)) < 8:
        return False
    certain = all(abs(cast.mean()) > 4 * cast.std(ddof=1) / np.sqrt(len(cast)) for cast in casts)
    first, second = (cast.mean() for cast in casts)
    return bool(certain and first * second < 0 and abs(first + second) < abs(first - second) / 2)


def _range(images: np.ndarray) -> str:
    return f"{images.min():.3g} to {images.max():.3g}, mean {images.mean(dtype=np.float64):.3g}"


def _shape(shape: tuple[int | None, ...]) -> str:
    return "x".join("any" if size is None else str(size) for size in shape)
