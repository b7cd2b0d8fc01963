"""SqueezeNet 1.1's published weights: a file of Keras 1, mapped group by group."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from sightkit._errors import SightkitError
from sightkit.io import read_keras_h5

PUBLISHED = "https://github.com/rcmalli/keras-squeezenet/releases/download/v1.0"
"""The release of the conversion for Keras, with and without classifier."""


def load_squeezenet(network: keras.Model, path: Path, *, include_top: bool) -> None:
    """Load weights of the era of Keras 1 into the zoo's SqueezeNet 1.1.

    The file's attribute ``layer_names`` lists its layers, ``conv1``, ``fire2/squeeze1x1``, …, and
    ``weight_names`` of each group its kernel (height, width, in, out) and bias.

    Args:
        network: ``zoo.build("squeezenet", …)``.
        path: the published file.
        include_top: whether the network has its classifier.

    Raises:
        SightkitError: no file, no HDF5, or layers that do not fit; nothing is loaded partly.
    """
    if not path.is_file():
        raise SightkitError(
            "The weights of squeezenet must be in KERAS_HOME: they are not among those that "
            "Keras downloads.",
            f"Fetch it from {PUBLISHED}/{path.name} and put it there.",
            path=str(path),
        )
    layers = read_keras_h5(path).layers
    stored = {name.replace("/", "_"): arrays for name, arrays in layers.items()}
    wanted = {layer.name: layer for layer in network.layers if layer.weights}
    if differences := _differences(stored, wanted):
        raise SightkitError(
            "The file must hold this network's weights; nothing was loaded: "
            + "; ".join(differences)
            + ".",
            path=str(path),
            include_top=include_top,
        )
    for name, layer in wanted.items():
        layer.set_weights(stored[name])


def _differences(
    stored: dict[str, list[np.ndarray]], wanted: dict[str, keras.layers.Layer]
) -> list[str]:
    lines = [f"{name} only in the file" for name in stored if name not in wanted]
    for name, layer in wanted.items():
        shapes = [tuple(weight.shape) for weight in layer.weights]
        found = [array.shape for array in stored.get(name, [])]
        if shapes != found:
            lines.append(f"{name} {shapes} in the network, {found or 'nothing'} in the file")
    return lines
