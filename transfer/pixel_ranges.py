"""The ranges that a network's pixels may have been scaled to, and which suits labelled photos."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sightkit._errors import SightkitError, few
from sightkit._network import flat_layers
from sightkit._scripts import warn
from sightkit.evaluation.folder_batches import labels_of
from sightkit.evaluation.intervals import wilson
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    BGRPreprocessor,
    ImageToArrayPreprocessor,
    MeanPreprocessor,
    Pipeline,
    Preprocessor,
    SimplePreprocessor,
)
from sightkit.training.any_photo import step_to
from sightkit.transfer.imagenet import CAFFE_MEAN
from sightkit.transfer.photo_source import open_photos

if TYPE_CHECKING:
    import keras

Pixels = Literal["0-1", "-1-1", "imagenet", "0-255", "caffe"]
TRIED, HARD = 256, 4
"""Labelled photos that the ranges of pixels are tried on, and candidates for the canary."""
STEEP = 0.2
"""What layers for pixels of 0 to 255 multiply by is less: 1 / 58 even for the largest contrast."""
CERTAIN = 0.36
"""Mean loss of answers that are certain, with a probability of 0.7."""
IMAGENET_MEAN = MeanPreprocessor(0.485, 0.456, 0.406, (0.229, 0.224, 0.225))
STEPS: dict[Pixels, tuple[Preprocessor, ...]] = {
    "0-1": (ImageToArrayPreprocessor(),),
    "-1-1": (ImageToArrayPreprocessor(1 / 127.5), MeanPreprocessor(1.0, 1.0, 1.0)),
    "imagenet": (ImageToArrayPreprocessor(), IMAGENET_MEAN),
    "0-255": (ImageToArrayPreprocessor(1.0),),
    "caffe": (ImageToArrayPreprocessor(1.0), CAFFE_MEAN, BGRPreprocessor()),
}
"""What a network's pixels were scaled to, as ``keras.applications`` and most tutorials do it."""
GREY: tuple[Pixels, ...] = ("0-1", "-1-1", "0-255")
"""Those that are the same for all channels."""


@dataclass(frozen=True)
class Trial:
    """Answers of a network to labelled photos whose pixels were scaled to one range.

    Attributes:
        pixels: the range.
        rank1: share of photos answered rightly.
        loss: mean crossentropy, in nats.
        chance: share of the photos that the largest class has.
        count: number of photos.
        hard: indices of a few photos that are answered rightly, the least certain first.
    """

    pixels: Pixels
    rank1: float
    loss: float
    chance: float
    count: int
    hard: list[int]

    @property
    def knows(self) -> bool:
        """Whether it is clearly better (95 %) than always naming the largest class."""
        return wilson(self.rank1, self.count)[0] > self.chance


def chains_for(
    network: keras.Model,
    pixels: Pixels | None = None,
    *,
    size: Sequence[int] = (),
    crop: bool = False,
) -> dict[Pixels, Pipeline]:
    """Return the chains from a decoded image to what a network takes, by range of pixels.

    Args:
        network: built.
        pixels: what they are scaled to, one of ``STEPS``; by default all that suit its channels.
        size: (height, width) where the network takes any, or flat images.
        crop: cut the middle out in place of distorting it.

    Raises:
        SightkitError: a size that is needed and missing, or channels that are neither 1 nor 3;
            a range of colours for a network of grey images.
    """
    taken = tuple(network.inputs[0].shape[1:])
    height, width = size or (taken[:2] if len(taken) in (2, 3) else (None, None))
    if not (height and width):
        raise SightkitError(
            "This network does not say how large its images are.",
            "Give --size HEIGHT WIDTH.",
            takes=taken,
        )
    channels = taken[2] if len(taken) == 3 else 1
    if len(taken) == 1 and taken[0]:
        channels = taken[0] // (height * width)
    if channels not in (1, 3):
        raise SightkitError(
            "A network of images takes one channel or three, and they come last.",
            "Give the size of its images: --size HEIGHT WIDTH.",
            takes=taken,
            channels=channels,
        )
    fit = GREY if channels == 1 else tuple(STEPS)
    if pixels not in (None, *fit):
        raise SightkitError(
            f"{pixels} scales each of three colours, and this network takes one channel.",
            f"Give the range of its training: --pixels {', '.join(fit)}.",
            pixels=pixels,
            channels=channels,
        )
    resize = (AspectAwarePreprocessor if crop else SimplePreprocessor)(width, height)
    first = (step_to(channels), resize)
    return {name: Pipeline((*first, *STEPS[name])) for name in fit if pixels in (None, name)}


def scales_itself(network: keras.Model) -> bool:
    """Return whether the layers that a network begins with scale pixels of 0 to 255.

    Those whose layers take 0 to 1 (``Rescaling(2, -1)``, statistics of scaled images) do not.

    Args:
        network: as a bundle holds it: a copy without operations between layers.
    """
    import keras

    scale, offset = np.ones(1), np.zeros(1)
    for layer in flat_layers(network):
        if isinstance(layer, keras.layers.Rescaling):
            factor, shift = np.asarray(layer.scale), np.asarray(layer.offset)
        elif isinstance(layer, keras.layers.Normalization):
            factor = 1 / np.sqrt(np.maximum(keras.ops.convert_to_numpy(layer.variance), 1e-12))
            shift = -keras.ops.convert_to_numpy(layer.mean) * factor
        elif layer.weights:
            break
        else:
            continue
        scale, offset = scale * factor, offset * factor + shift
    steep, shifted = np.median(np.abs(scale)), np.median(np.abs(offset))
    return bool(0 < steep < STEEP or shifted > steep > 0)


def try_pixels(
    network: keras.Model,
    chains: Mapping[Pixels, Preprocessor],
    data: str | os.PathLike[str],
    class_names: Sequence[str],
    **options: Any,
) -> tuple[list[Trial], list[np.ndarray]]:
    """Classify labelled photos by each range of pixels; what suits best comes first.

    That is the one with the least loss, among those that are better than chance, if any. But too
    large a range makes every answer certain: among ranges that answer as many rightly, with a loss
    below ``CERTAIN``, the first of ``STEPS`` is taken.

    Args:
        network: that gives a probability for each class.
        chains: to try.
        data: folder of class folders, or a dataset file; at most 256 photos are read.
        class_names: of the network.
        **options: of a folder, see ``open_photos``.

    Returns:
        The trials, and the photos that were read.

    Raises:
        SightkitError: other classes, or a photo that cannot be read.
    """
    photos = open_photos(data, **options).images
    order = labels_of(photos.class_names, class_names)
    rows = np.linspace(0, len(photos) - 1, min(TRIED, len(photos))).astype(int)
    images = [photos.read(int(row)) for row in rows]
    labels = order[photos.labels[rows]]
    chance = float(np.bincount(labels).max() / len(labels))
    trials = []
    for pixels, chain in chains.items():
        prepared = np.stack([chain(image) for image in images]).astype(np.float32)
        answers = network.predict(prepared, batch_size=32, verbose=0)
        certainty = answers[np.arange(len(labels)), labels]
        right = answers.argmax(axis=1) == labels
        loss = -float(np.log(np.maximum(certainty, 1e-6)).mean())
        hard = [int(row) for row in certainty.argsort() if right[row]][:HARD]
        trials.append(Trial(pixels, float(right.mean()), loss, chance, len(labels), hard))
    able = [trial for trial in trials if trial.knows] or trials
    best = max(trial.rank1 for trial in able)
    noise = (best * (1 - best) / len(images)) ** 0.5
    good = [trial for trial in able if trial.rank1 >= best - noise and trial.loss < CERTAIN]
    near = [trial for trial in able if trial.rank1 >= best - 2 * noise]
    chosen = good[0] if good else min(near, key=lambda trial: trial.loss)
    return [chosen, *(trial for trial in trials if trial is not chosen)], images


def explain(trials: Sequence[Trial], class_names: Sequence[str]) -> None:
    """Print how labelled photos are answered, and by what the first trial was chosen.

    Args:
        trials: of ``try_pixels``.
        class_names: of the network.

    Raises:
        SightkitError: ranges were to be distinguished, and none is better than chance.
    """
    chosen, several = trials[0], len(trials) > 1
    for trial in trials:
        print(
            f"Pixels {trial.pixels}: {trial.rank1:.1%} of {trial.count} photos right, "
            f"mean loss {trial.loss:.3g}."
        )
    if chosen.knows and several:
        least = chosen.loss <= min(trial.loss for trial in trials if trial.knows)
        why = "the least mean loss" if least else "among those that are right most often"
        print(f"They are scaled to {chosen.pixels} ({why}); --pixels chooses another range.")
    if chosen.knows:
        return
    rule = "clearly better than always naming the largest class"
    check = f"check the order of --class-names, now {few(class_names)}, and --pixels"
    if several:
        raise SightkitError(
            f"No range of pixels lets the network answer {rule}, so that none can be chosen.",
            (check, "give more photos", f"name the range, --pixels {', '.join(STEPS)}"),
            right=f"{max(trial.rank1 for trial in trials):.1%} of {chosen.count}",
            largest_class=f"{chosen.chance:.1%}",
        )
    warn(
        f"{chosen.rank1:.1%} of {chosen.count} photos is not {rule} ({chosen.chance:.1%}): {check}."
    )
