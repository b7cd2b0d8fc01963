"""Write a trained network as data: description, weights, canary image."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit import _run_files, inference, zoo
from sightkit import io as sightkit_io
from sightkit._errors import SightkitError
from sightkit._network import save_weights
from sightkit._scripts import warn
from sightkit.preprocessing import Pipeline, Preprocessor, from_config
from sightkit.training.any_photo import for_grey_and_colour, photo_chain
from sightkit.training.bundle import load_bundle, write_training_rows
from sightkit.training.bundle_format import CANARY, KERAS, NETWORK, WEIGHTS, write_bundle
from sightkit.training.canary import choose_canary, hard_images
from sightkit.training.classifier import TOLERANCE, Photo, canary_difference, compile_ahead, decoded
from sightkit.training.run import Run
from sightkit.training.state import weights_sha256

NOISE = 16
"""Images of noise that a network and its copy answer, beside the canary."""

if TYPE_CHECKING:
    import keras

    from sightkit.io import HDF5DatasetGenerator


def save_bundle(
    folder: str | os.PathLike[str],
    network: keras.Model,
    *,
    preprocessing: Preprocessor,
    class_names: Sequence[str],
    canary: Photo,
    metrics: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    training_rows: sightkit_io.Manifest | None = None,
) -> Path:
    """Write the bundle of a network; an existing folder is replaced once the new one is complete.

    Args:
        folder: of the bundle.
        network: trained, in any precision; saved as a float32 network. Built by the zoo, or any
            functional or sequential network of ``keras.layers``: of that a flat copy is saved that
            gives a probability for each class, see ``zoo.adopt``; what was added is reported.
        preprocessing: the evaluation chain, from decoded image to the network's input; where it
            takes only grey or only colour images, the step for the others is put first.
        class_names: in label order.
        canary: uint8 image, (H, W, 3) RGB or (H, W, 1), or the path of an image file; the
            network's answer to it is stored and compared whenever the bundle is loaded.
        metrics: of the evaluation, JSON.
        training: precision, seed, data and other facts of the training, JSON.
        training_rows: the images that it was trained on, so that ``scripts/evaluate.py`` can warn
            when some of them are among its data; 8 bytes an image.

    Returns:
        The folder.

    Raises:
        SightkitError: a subclassed network, a Lambda or custom layer (it is named), class names
            that are not one an output, or a chain that cannot take images of ``io.read_image``.
    """
    canary = decoded(canary)
    saved = _saved(network, preprocessing, canary, class_names)
    origin = zoo.origin(saved)
    preprocessing = for_grey_and_colour(preprocessing, saved.input_shape[-1])

    def write(place: Path) -> dict[str, Any]:
        return {
            **write_network(place, saved, canary),
            "class_names": list(class_names),
            "preprocessing": preprocessing.to_config(),
            "training": dict(training or {}),
            "metrics": dict(metrics or {}),
            "canary": _answer_of_both(saved, preprocessing, canary, place / CANARY).tolist(),
            **write_training_rows(place, training_rows),
        }

    return write_bundle(folder, KERAS if "keras" in origin else NETWORK, write)


def write_network(place: Path, network: keras.Model, canary: np.ndarray) -> dict[str, Any]:
    """Write weights and canary of a bundle of any kind; return what bundle.json says of them.

    Args:
        place: folder that ``write_bundle`` gives.
        network: in float32, built by the zoo.
        canary: uint8 image, (H, W, 3) RGB or (H, W, 1).
    """
    save_weights(network, place / WEIGHTS)
    sightkit_io.write_png(place / CANARY, canary)
    return {
        "network": zoo.origin(network),
        "parameters": network.count_params(),
        "weights_sha256": weights_sha256(network),
    }


def _saved(
    network: keras.Model,
    preprocessing: Preprocessor,
    canary: np.ndarray,
    class_names: Sequence[str],
) -> keras.Model:
    """Return the float32 network that is saved, which has an output for each class name."""
    if not hasattr(network, "get_weights"):
        raise SightkitError(
            "save_bundle takes the folder, then the network.",
            "Write save_bundle(folder, network, preprocessing=…, class_names=…, canary=…).",
            network=type(network).__name__,
        )
    twice = [name for name, count in Counter(class_names).items() if count > 1]
    if twice:
        raise SightkitError("Every class must have a name of its own.", twice=sorted(twice))
    origin = zoo.origin(network) if zoo.has_origin(network) else {}
    end = origin.get("arguments", {}).get("end", "softmax")
    if end == "linear":
        raise SightkitError(
            "This bundle answers with probabilities, and the network regresses numbers.",
            "Save it by training.save_regressor, with target_names in place of class_names.",
            end=end,
        )
    if not origin or end != "softmax":
        return adopted(network, preprocessing, canary, len(class_names))
    saved = zoo.rebuild(origin)
    if len(class_names) != saved.output_shape[-1]:
        raise SightkitError(
            "There must be a class name for each output of the network.",
            class_names=len(class_names),
            outputs=saved.output_shape[-1],
        )
    saved.set_weights(network.get_weights())
    return saved


def save_run_bundle(
    run: Run, network: keras.Model, data: HDF5DatasetGenerator, metrics: Mapping[str, Any]
) -> Path:
    """Write the bundle of a run: preprocessing, class names and canary are those of its data.

    Args:
        run: whose folder gets the bundle.
        network: trained.
        data: unshuffled generator of a split that was not trained on; of its first batch the image
            that the network gets right and is least certain of becomes the canary (see
            ``choose_canary``), the chain of its file and its own become the preprocessing.
        metrics: of the evaluation, JSON.

    Raises:
        SightkitError: shuffled data.
    """
    if data.shuffle:
        raise SightkitError("A bundle is made with data that is not shuffled.", split=data.split)
    chain = [photo_chain(data.file)[0]]
    if data.preprocessors is not None:
        chain.append(from_config(data.preprocessors.to_config()))
    preprocessing, predictor = Pipeline(chain), inference.compile(network)
    inputs, labels = data[0]
    rows = data.images(slice(0, len(labels)))

    def answer(given: list[np.ndarray]) -> np.ndarray:
        return predictor(np.stack(given))

    images = hard_images(rows, labels, inputs, preprocessing, answer)
    canary = choose_canary(images, preprocessing, answer)
    if canary.blind and not run.config.get("smoke"):
        warn(
            f"The bundle's canary image would not show a changed {', '.join(canary.blind)}: the "
            "network answers alike to both."
        )
    bundle = save_bundle(
        run.path(_run_files.BUNDLE),
        network,
        preprocessing=preprocessing,
        class_names=data.class_names,
        canary=canary.image,
        metrics=metrics,
        training={**run.config, "data": data.file.path.name, "data_sha256": data.file.sha256},
        training_rows=sightkit_io.Manifest.of(data.file) if "train" in data.file.splits else None,
    )
    if not run.config.get("smoke"):
        compile_ahead(load_bundle, bundle)
    return bundle


def adopted(
    network: keras.Model, preprocessing: Preprocessor, image: np.ndarray, classes: int
) -> keras.Model:
    """Copy a network of ``keras.layers`` by ``zoo.adopt``, compared on an image and on noise."""
    noise = np.random.default_rng(0).integers(0, 256, (NOISE, *image.shape), np.uint8)
    examples = np.stack([preprocessing(each) for each in (image, *noise)]).astype(np.float32)
    copied, notes = zoo.adopt(network, examples, classes)
    for note in notes:
        warn(note, once=True)
    return copied


def _answer_of_both(
    network: keras.Model, preprocessing: Preprocessor, image: np.ndarray, file: Path
) -> np.ndarray:
    """Return the network's answer to the file of an image; raise unless the image gets it too."""
    expected = answer_of(network, preprocessing, sightkit_io.read_image(file))
    difference = canary_difference(answer_of(network, preprocessing, image), expected)
    if not difference <= TOLERANCE:
        raise SightkitError(
            "The network must answer the same to an image and to its file, which is read as RGB.",
            "Put the step that makes a photo grey first into the chain.",
            difference=difference,
        )
    return expected


def answer_of(network: keras.Model, preprocessing: Preprocessor, image: np.ndarray) -> np.ndarray:
    """Return the network's answer to an image; raise if the chain does not end in its input."""
    x = preprocessing(image)
    sides = zip(x.shape, network.input_shape[1:], strict=False)
    if x.ndim != len(network.input_shape) - 1 or any(b not in (None, a) for a, b in sides):
        raise SightkitError(
            "The preprocessing must turn any image file, read as RGB, into the network's input.",
            "Add a SimplePreprocessor or an AspectAwarePreprocessor of the network's size.",
            gives=x.shape,
            network_takes=network.input_shape[1:],
        )
    return inference.compile(network)(x[np.newaxis])[0]
