"""Networks trained on ImageNet, each bound to the preprocessing it was trained with."""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit import _files, _schema, inference, zoo
from sightkit._errors import SightkitError
from sightkit.io import read_keras_h5
from sightkit.io.published import (
    available,
    is_there,
    report_unless_first_seen,
    report_unless_published,
)
from sightkit.io.sources.mnist import keras_home
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    BGRPreprocessor,
    ColourPreprocessor,
    ImageToArrayPreprocessor,
    MeanPreprocessor,
    Pipeline,
    from_config,
)
from sightkit.training import Bundle
from sightkit.training.bundle_format import ALONE, check_bundle
from sightkit.training.network_file import assign_layers
from sightkit.transfer.sources import CROP, MD5, Source, is_bundle, source_of

if TYPE_CHECKING:
    import keras

CLASSES = 1000
BATCH_SIZE = 32
SQUEEZENET = "https://github.com/rcmalli/keras-squeezenet/releases/download/v1.0"
"""Release of SqueezeNet's weights for Keras, with and without classifier."""
CAFFE_MEAN = MeanPreprocessor(123.68, 116.779, 103.939)


def pretrained(
    name: str,
    *,
    include_top: bool = True,
    images: int | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> Bundle:
    """Return a network trained on ImageNet, bound to the preprocessing it was trained with.

    Weights are found in ``KERAS_HOME/models`` (``~/.keras/models``) or downloaded there by Keras
    (SqueezeNet's must be there).

    Args:
        name: one of ``names()``: ``"vgg16"``, ``"mobilenet_0.75"``, ….
        include_top: with the classifier of 1,000 classes; without it the network ends in its last
            feature maps, and there are no class names.
        images: how many are to be answered, see ``inference.compile``; without a number and a
            cache Keras answers, always.
        cache: folder of compiled networks, see ``inference.load_or_compile``.

    Returns:
        The bundle; ``.predict(images or paths)`` decodes, crops the middle (0.875 of the short
        side), scales and orders channels as the weights need it.

    Raises:
        SightkitError: an unknown name, or weights that are not available; the file
            and its place are named.

    Example:
        bundle = pretrained("mobilenet_0.75")
        bundle.class_names[bundle.predict(["beagle.jpg"])[0].argmax()]
    """
    source = source_of(name)
    build = functools.cache(lambda: trained_network(name, include_top=include_top))
    if not weights_available(name, include_top=include_top):
        cache = None  # Keras downloads them: what they are is known next time
    class_names, identifiers = imagenet_classes() if include_top else ((), ())
    chain = preprocessing_of(name)
    predictor, facts = inference.load_or_compile(
        saved_weights(name, include_top=include_top) if cache is not None else {},
        build,
        cache,
        images=images,
        batch_size=BATCH_SIZE,
        facts=lambda: {"network": zoo.origin(build())},
    )
    return Bundle(
        build=build,
        predictor=predictor,
        preprocessing=chain,
        class_names=class_names,
        description={
            "kind": "classifier" if include_top else "features",
            "network": facts["network"],
            "class_names": list(class_names),
            "wordnet_ids": list(identifiers),
            "preprocessing": chain.to_config(),
            "training": {"data": "ImageNet ILSVRC2012", "weights": _file(source, include_top)},
        },
    )


def load_trained_body(network: keras.Model, name: str) -> None:
    """Give a network's layers the weights that those of the same names have learned on ImageNet.

    Args:
        network: whose body is that of ``name``; its layers ``logits`` and ``predictions`` stay.
        name: one of ``names()``.

    Raises:
        SightkitError: weights that are not available; the file and its place are named.
    """
    # The file with the classifier holds the same body, and may be the one that is there.
    top = not weights_available(name, include_top=False) and weights_available(name)
    own = {layer.name: layer for layer in network.layers if layer.weights}
    for layer in trained_network(name, include_top=top).layers:
        if layer.weights and layer.name in own and layer.name not in ("logits", "predictions"):
            own[layer.name].set_weights(layer.get_weights())


def saved_weights(name: str, *, include_top: bool) -> dict[str, Any]:
    """Return JSON that identifies a network whose weights are available."""
    path = _models_folder() / _file(source_of(name), include_top)
    _require_readable(name, path)
    return {
        "pretrained": name,
        "include_top": include_top,
        "code": zoo.code_sha256(),
        "weights": _files.sha256(path),
    }


def weights_available(name: str, *, include_top: bool = True) -> bool:
    """Return True if the weights are in ``KERAS_HOME/models`` or a bundle: nothing is fetched."""
    return is_bundle(name) or (_models_folder() / _file(source_of(name), include_top)).is_file()


def preprocessing_of(name: str, size: Sequence[int] = ()) -> Pipeline:
    """Return the chain from a decoded image to the input of a pretrained network, or a bundle's.

    Args:
        name: one of ``names()``, or the folder of a bundle.
        size: (height, width) of the input, by default that which the network was trained on; a
            bundle has its own.

    Raises:
        SightkitError: an unknown name, or a folder that is no bundle.
    """
    if is_bundle(name):
        return Pipeline((from_config(check_bundle(name, ALONE)["preprocessing"]),))
    source = source_of(name)
    height, width = size or (source.side, source.side)
    middle = AspectAwarePreprocessor(width, height, crop=CROP)
    if source.caffe:
        steps = (middle, ImageToArrayPreprocessor(1.0), CAFFE_MEAN, BGRPreprocessor())
    else:
        steps = (middle, ImageToArrayPreprocessor(1 / 127.5), MeanPreprocessor(1.0, 1.0, 1.0))
    return Pipeline((ColourPreprocessor(), *steps))


def random_network(name: str, *, include_top: bool = True) -> keras.Model:
    """The network of ``pretrained`` with weights as they are drawn."""
    side = source_of(name).side
    shape = (side, side, 3)
    return zoo.build(name, input_shape=shape, classes=CLASSES, include_top=include_top)


def trained_network(name: str, *, include_top: bool = True) -> keras.Model:
    """The network alone, with the weights of ``pretrained``."""
    import keras

    source = source_of(name)
    network = random_network(name, include_top=include_top)
    shape = tuple(network.input_shape[1:])
    path = _models_folder() / _file(source, include_top)
    found = is_there(path)
    if found:
        _require_readable(name, path)
        if path.name in MD5:
            report_unless_published(path, MD5[path.name], algorithm="md5")
        else:
            report_unless_first_seen(path)
    other = "" if include_top else " Weights with the classifier are another file."
    step = f"Fetch {path.name} again, or move it away and go online: Keras downloads it.{other}"
    with available(f"The weights of {name}", path, step):
        if not source.application:
            _load_squeezenet(network, path)
        elif found:
            # Not by Keras: it would delete a file with another checksum, to download its own, and
            # look elsewhere where it may not write.
            layers = read_keras_h5(path).layers
            _set_weights(network, [array for arrays in layers.values() for array in arrays])
        else:
            trained = getattr(keras.applications, source.application)(
                include_top=include_top, input_shape=shape, **source.options
            )
            _set_weights(network, trained.get_weights())
    return network


def _set_weights(network: keras.Model, arrays: Sequence[np.ndarray]) -> None:
    """Set all in order; MobileNet's classifier is a 1x1 convolution there, a dense layer here."""
    own = network.get_weights()
    if [array.size for array in arrays] != [array.size for array in own]:
        raise ValueError(f"{len(arrays)} arrays of other sizes than {network.name} has")
    network.set_weights([new.reshape(old.shape) for new, old in zip(arrays, own, strict=True)])


def _load_squeezenet(network: keras.Model, path: Path) -> None:
    """Load a file of Keras 1, whose layers are called ``fire2/squeeze1x1``, ….

    Raises:
        SightkitError: no file, no HDF5, or layers that do not fit.
    """
    if not path.is_file():
        raise SightkitError(
            "The weights of squeezenet must be in KERAS_HOME: they are not among those that "
            "Keras downloads.",
            f"Fetch it from {SQUEEZENET}/{path.name} and put it there.",
            path=str(path),
        )
    layers = read_keras_h5(path).layers
    assign_layers(network, {k.replace("/", "_"): arrays for k, arrays in layers.items()}, path)


def imagenet_classes() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return names and WordNet identifiers of the 1,000 classes; a repeated name gets its id."""
    path = _models_folder() / "imagenet_class_index.json"
    step = f"Put {path.name} there, or go online."
    with available("The names of ImageNet's classes", path, step):
        if path.is_file():
            index = _schema.read(path, dict[str, list[str]])
            rows = [index[str(number)] for number in range(CLASSES)]
        else:  # Keras downloads it
            import keras

            answers = keras.applications.imagenet_utils.decode_predictions(np.eye(CLASSES), top=1)
            rows = [answer[0][:2] for answer in answers]
        identifiers = tuple(str(identifier) for identifier, _ in rows)
        plain = [str(name) for _, name in rows]
    count = Counter(plain)
    named = tuple(
        name if count[name] == 1 else f"{name} ({identifier})"
        for name, identifier in zip(plain, identifiers, strict=True)
    )
    return named, identifiers


def _require_readable(name: str, path: Path) -> None:
    if not os.access(path, os.R_OK):
        raise SightkitError(
            f"The weights of {name} must be readable.", "Check its permissions.", path=str(path)
        )


def _file(source: Source, include_top: bool) -> str:
    return source.file if include_top else source.file_no_top


def _models_folder() -> Path:
    return keras_home() / "models"
