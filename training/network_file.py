"""Whole networks that Keras saved, read as JSON and arrays: nothing in the file is executed."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit import _schema
from sightkit import io as sightkit_io
from sightkit._errors import SightkitError
from sightkit.zoo.keras_config import checked_config

if TYPE_CHECKING:
    import keras

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MOST_EXPANSION = 100
"""Keras stores weights in a .keras file without compressing them."""
ZIP, HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"


def read_network(path: str | os.PathLike[str]) -> keras.Model:
    """Read a network that ``model.save`` wrote: a ``.keras`` file, or an ``.h5`` of a whole model.

    Its description is checked by an allow-list of ``keras.layers`` before anything is built, and
    its weights are compared with that, each by each; ``keras.models.load_model`` is not called.

    Args:
        path: the file; its kind is recognized by its first bytes.

    Returns:
        The network, in float32, uncompiled.

    Raises:
        SightkitError: no such file, a file of weights alone, a Lambda or custom layer (it is
            named), or a damaged file.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            start = file.read(len(HDF5))
    except OSError as error:
        raise SightkitError(
            f"The file must be one that can be read ({error.strerror}).",
            "Give the file that model.save wrote, .keras or .h5.",
            network=str(path),
        ) from error
    if start.startswith(ZIP):
        return _read_keras(path)
    if start == HDF5:
        return _read_h5(path)
    raise SightkitError(
        "A network is read from a .keras file, or an .h5 of a whole model.",
        'Save it with Keras: model.save("network.keras").',
        network=str(path),
    )


def _read_keras(path: Path) -> keras.Model:
    from sightkit.zoo.keras_network import build_from_config
    from sightkit.zoo.weights import load_network

    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as scratch:
            config, weights = _member(archive, CONFIG), _member(archive, WEIGHTS)
            if config.file_size > _schema.MOST_BYTES:
                raise ValueError(f"{CONFIG} has more than {_schema.MOST_BYTES:,} bytes")
            description = _schema.parse(archive.read(config), dict[str, Any])
            checked_config(description, nested=True)
            copied = Path(scratch) / WEIGHTS
            with archive.open(weights) as source, open(copied, "wb") as target:
                shutil.copyfileobj(source, target)
            return load_network(
                functools.partial(build_from_config, description, nested=True), copied
            )
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise _damaged(path, error) from error


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    if name not in archive.namelist():
        raise ValueError(f"there is no {name} in it")
    found = archive.getinfo(name)
    if found.file_size > MOST_EXPANSION * max(1, found.compress_size):
        raise ValueError(f"{name} declares far more bytes than it has")
    return found


def _read_h5(path: Path) -> keras.Model:
    from sightkit.zoo.budget import limited_weights
    from sightkit.zoo.keras_network import build_from_config

    stored = sightkit_io.read_keras_h5(path)
    if stored.config is None:
        raise SightkitError(
            "The file holds weights alone, and no network.",
            'In Python: build the network, network.load_weights(FILE), network.save("x.keras").',
            network=str(path),
        )
    try:
        if len(stored.config) > _schema.MOST_BYTES:
            raise ValueError(f"model_config has more than {_schema.MOST_BYTES:,} bytes")
        description = _schema.parse(stored.config, dict[str, Any])
    except ValueError as error:
        raise _damaged(path, error) from error
    arrays = [array for each in stored.layers.values() for array in each]
    with limited_weights(arrays, path):
        network = build_from_config(description, nested=True)
    assign_layers(network, stored.layers, path)
    return network


def assign_layers(
    network: keras.Model, stored: Mapping[str, Sequence[np.ndarray]], path: Path
) -> None:
    """Assign the arrays of ``io.read_keras_h5`` to the layers of their names, all or none.

    Raises:
        SightkitError: layers or shapes of another network; they are listed.
    """
    from sightkit.zoo.weights import finalize

    # In the order of Keras 1 and 2: what is trained comes first.
    wanted = {
        layer.name: [*layer.trainable_weights, *layer.non_trainable_weights]
        for layer in network.layers
        if layer.weights
    }
    differences = [f"{name} only in the file" for name in stored if name not in wanted]
    for name, variables in wanted.items():
        shapes = [tuple(variable.shape) for variable in variables]
        found = [array.shape for array in stored.get(name, ())]
        if shapes != found:
            differences.append(f"{name} {shapes} in the network, {found or 'nothing'} in the file")
    if differences:
        raise SightkitError(
            f"The file must hold this network's weights; nothing was loaded: "
            f"{'; '.join(differences)}.",
            "Fetch or save it again.",
            path=str(path),
            network=network.name,
        )
    for name, variables in wanted.items():
        for variable, array in zip(variables, stored[name], strict=True):
            variable.assign(array)
    finalize(network)


def _damaged(path: Path, error: Exception) -> SightkitError:
    return SightkitError(
        f"The file is damaged: {str(error).splitlines()[0][:200]}.",
        "Save the network again.",
        network=str(path),
    )
