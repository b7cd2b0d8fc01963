"""Somebody's own Keras network as a bundle: its class names, its preprocessing, a canary."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sightkit import _files, training, zoo
from sightkit._errors import SightkitError
from sightkit._network import flat_layers
from sightkit.evaluation.folder_batches import labels_of
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    BGRPreprocessor,
    ColourPreprocessor,
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    MeanPreprocessor,
    Pipeline,
    Preprocessor,
    SimplePreprocessor,
)
from sightkit.training.canary import choose_canary
from sightkit.transfer.feature_network import example_image
from sightkit.transfer.imagenet import CAFFE_MEAN
from sightkit.transfer.photo_source import open_photos

if TYPE_CHECKING:
    import keras

Pixels = Literal["0-1", "-1-1", "imagenet", "0-255", "caffe"]
TRIED, HARD = 256, 4
"""Labelled photos that the ranges of pixels are tried on, and candidates for the canary."""
CERTAIN = np.log(0.7)
IMAGENET_MEAN = MeanPreprocessor(0.485, 0.456, 0.406, (0.229, 0.224, 0.225))
STEPS: dict[Pixels, tuple[Preprocessor, ...]] = {
    "0-1": (ImageToArrayPreprocessor(),),
    "-1-1": (ImageToArrayPreprocessor(1 / 127.5), MeanPreprocessor(1.0, 1.0, 1.0)),
    "imagenet": (ImageToArrayPreprocessor(), IMAGENET_MEAN),
    "0-255": (ImageToArrayPreprocessor(1.0),),
    "caffe": (ImageToArrayPreprocessor(1.0), CAFFE_MEAN, BGRPreprocessor()),
}
"""What a network's pixels were scaled to, as ``keras.applications`` and most tutorials do it."""


@dataclass(frozen=True)
class Trial:
    """How a network answers labelled photos whose pixels were scaled in one way.

    Attributes:
        pixels: the way.
        rank1: share of photos answered rightly.
        likelihood: mean log-probability of the right class.
        hard: indices of a few photos that are answered rightly, the least certain first.
    """

    pixels: Pixels
    rank1: float
    likelihood: float
    hard: list[int]


def read_class_names(given: str) -> tuple[str, ...]:
    """Return class names in label order.

    Args:
        given: a folder of class folders, whose names are sorted as Keras sorts them; a file with a
            name a line, or JSON: a list, ``{"cat": 0, …}`` or ``{"0": "cat", …}``; or names with
            commas between them.

    Raises:
        SightkitError: fewer than two names, or a file that is none of these.
    """
    path = Path(given)
    if path.is_dir():
        names = sorted(each.name for each in path.iterdir() if each.is_dir())
        names = [name for name in names if not name.startswith(".")]
    elif path.suffix == ".json" or path.is_file():
        names = _of_file(path)
    else:
        names = [name.strip() for name in given.split(",")]
    names = [name for name in names if name]
    if len(names) < 2:
        raise SightkitError(
            "A network needs the names of two classes at least, in the order of its outputs.",
            "Give --class-names cat,dog, a file with a name a line, or a folder of class folders.",
            class_names=given,
        )
    return tuple(names)


def _of_file(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix != ".json":
            return [line.strip() for line in text.splitlines()]
        found = json.loads(text)
        if isinstance(found, dict):
            if all(str(key).isdigit() for key in found):
                found = {name: int(key) for key, name in found.items()}
            if sorted(found.values()) != list(range(len(found))):
                raise ValueError("the labels are not 0, 1, 2, …")
            found = sorted(found, key=found.__getitem__)
        return [str(name) for name in found]
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise SightkitError(
            f"The file of class names must hold a name a line, or JSON ({error}).",
            'For example ["cat", "dog"] or {"cat": 0, "dog": 1}.',
            class_names=str(path),
        ) from error


def chain_for(
    network: keras.Model,
    pixels: Pixels,
    *,
    size: Sequence[int] = (),
    crop: bool = False,
) -> Pipeline:
    """Return the chain from a decoded image to what a network takes.

    Args:
        network: built.
        pixels: what they are scaled to, one of ``STEPS``.
        size: (height, width) where the network takes any, or flat images.
        crop: cut the middle out in place of distorting it.

    Raises:
        SightkitError: a size that is needed and missing, or channels that are neither 1 nor 3.
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
    resize = (AspectAwarePreprocessor if crop else SimplePreprocessor)(width, height)
    colour = GrayscalePreprocessor() if channels == 1 else ColourPreprocessor()
    return Pipeline((colour, resize, *STEPS[pixels]))


def scales_itself(network: keras.Model) -> bool:
    """Return whether a network begins with a layer that scales pixels."""
    import keras

    for layer in flat_layers(network):
        if isinstance(layer, (keras.layers.Rescaling, keras.layers.Normalization)):
            return True
        if layer.weights:
            return False
    return False


def try_pixels(
    network: keras.Model,
    chains: Mapping[Pixels, Preprocessor],
    data: str | os.PathLike[str],
    class_names: Sequence[str],
    exclude: Sequence[str] = (),
) -> tuple[list[Trial], list[np.ndarray]]:
    """Classify labelled photos with their pixels scaled in each way; the likeliest comes first.

    That is the one with the greatest likelihood. But too large a range makes every answer certain:
    among ways that answer as many rightly, with a likelihood above ``CERTAIN``, the first of
    ``STEPS`` is taken.

    Args:
        network: that gives a probability for each class.
        chains: to try.
        data: folder of class folders, or a dataset file; at most 256 photos are read.
        class_names: of the network.
        exclude: class folders that are left out.

    Returns:
        The trials, and the photos that were read.

    Raises:
        SightkitError: other classes, or a photo that cannot be read.
    """
    options: dict[str, Any] = {"exclude": tuple(exclude)} if exclude else {}
    photos = open_photos(data, **options).images
    order = labels_of(photos.class_names, class_names)
    rows = np.linspace(0, len(photos) - 1, min(TRIED, len(photos))).astype(int)
    images = [photos.read(int(row)) for row in rows]
    labels = order[photos.labels[rows]]
    trials = []
    for pixels, chain in chains.items():
        prepared = np.stack([chain(image) for image in images]).astype(np.float32)
        answers = network.predict(prepared, batch_size=32, verbose=0)
        certainty = answers[np.arange(len(labels)), labels]
        right = answers.argmax(axis=1) == labels
        logs = np.log(np.maximum(certainty, 1e-6))
        hard = [int(row) for row in certainty.argsort() if right[row]][:HARD]
        trials.append(Trial(pixels, float(right.mean()), float(logs.mean()), hard))
    best = max(trial.rank1 for trial in trials)
    noise = (best * (1 - best) / len(images)) ** 0.5
    good = [t for t in trials if t.rank1 >= best - noise and t.likelihood > CERTAIN]
    chosen = good[0] if good else max(trials, key=lambda trial: trial.likelihood)
    return [chosen, *(trial for trial in trials if trial is not chosen)], images


def import_network(
    file: str | os.PathLike[str],
    output: str | os.PathLike[str],
    class_names: Sequence[str],
    *,
    pixels: Pixels | None = None,
    size: Sequence[int] = (),
    crop: bool = False,
    data: str | os.PathLike[str] | None = None,
    exclude: Sequence[str] = (),
) -> list[Trial]:
    """Write the bundle of a network that Keras saved, and print what was found.

    Args:
        file: see ``training.read_network``.
        output: folder of the bundle.
        class_names: in the order of its outputs.
        pixels: what they are scaled to. By default 0-255 where the network scales them itself, or
            the way that suits the labelled photos best.
        size: see ``chain_for``, as for crop.
        crop: see there.
        data: labelled photos, which it should not have been trained on: for the check, and for
            the canary, see ``choose_canary``.
        exclude: class folders of it that are left out.

    Returns:
        How it answers the photos: the way that was chosen first; empty without data.

    Raises:
        SightkitError: a network that cannot be stored, other classes, or pixels that cannot be
            told.
    """
    network = training.read_network(file)
    chains: dict[Pixels, Preprocessor] = {
        name: chain_for(network, name, size=size, crop=crop)
        for name in STEPS
        if pixels in (None, name)
    }
    if pixels is None and scales_itself(network):
        chains = {"0-255": chains["0-255"]}
        print("The network scales pixels itself: it gets them as they are, 0 to 255.")
    if len(chains) > 1 and data is None:
        raise SightkitError(
            "How pixels were scaled in training is not in the file.",
            f"Give --pixels {', '.join(STEPS)}; or --data, labelled photos, to try all.",
            network=str(file),
        )
    first = next(iter(chains.values()))
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (16, *example_image().shape), np.uint8)
    examples = np.stack([first(image) for image in (example_image(), *noise)])
    copied, notes = zoo.adopt(network, examples, len(class_names))
    for note in notes:
        print(note)
    chosen, trials, images = next(iter(chains)), list[Trial](), list[np.ndarray]()
    if data is not None:
        trials, images = try_pixels(copied, chains, data, class_names, exclude)
        for trial in trials:
            print(f"Pixels {trial.pixels}: {trial.rank1:.1%} of {len(images)} photos right.")
        chosen = trials[0].pixels
        if len(trials) > 1:
            print(f"They are scaled to {chosen}; --pixels chooses another way.")
    candidates = [images[row] for row in trials[0].hard] if trials else []
    canary = choose_canary(
        candidates or [example_image()],
        chains[chosen],
        lambda inputs: copied.predict_on_batch(np.stack(inputs)),
    )
    training.save_bundle(
        output,
        copied,
        preprocessing=chains[chosen],
        class_names=class_names,
        canary=canary.image,
        training={"imported": Path(file).name, "sha256": _files.sha256(file), "pixels": chosen},
        metrics={"imported": {"rank1": trials[0].rank1, "count": len(images)}} if trials else {},
    )
    return trials
