"""Layers, input and precision of any Keras network."""

from __future__ import annotations

import contextlib
import io
import math
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightkit._errors import SightkitError

if TYPE_CHECKING:
    import keras

ITEM_BYTES, HEADER_BYTES = 4, 4096
"""Of a number in a file of weights, and of what HDF5 notes about an array, at most."""


def flat_layers(network: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """Yield the layers of a network in order, those inside of networks and layers in their place.

    A layer with layers inside (a wrapper, one of the user's own) comes before them.
    """
    import keras

    for layer in network.layers if isinstance(network, keras.Model) else network._layers:
        if not isinstance(layer, keras.Model):
            yield layer
        yield from flat_layers(layer)


def build(network: keras.Model, images: Any) -> None:
    """Let a network that does not know its input yet (Sequential, subclassed) see one image."""
    if not network.built:
        network(images[:1], training=False)


def build_metrics(network: keras.Model, labels: Any) -> None:
    """Make the metrics' variables, which Keras would make as it traces its first step.

    TensorFlow traces a step that makes variables twice, which takes twice as long. A network with
    metrics of its own code, several outputs or some of unknown size is left as it is.
    """
    import keras
    import numpy as np

    outputs = getattr(network, "outputs", None) or ()
    plain = type(network).compute_metrics is keras.Model.compute_metrics
    if plain and len(outputs) == 1 and None not in outputs[0].shape[1:]:
        answers = np.zeros((1, *outputs[0].shape[1:]), "float32")
        network.compute_metrics(None, labels[:1], answers)
        network.reset_metrics()


def input_shape(network: keras.Model) -> tuple[int | None, ...] | None:
    """Return the shape of one input; None where only the network's code knows it."""
    inputs = getattr(network, "inputs", None)
    return tuple(inputs[0].shape[1:]) if inputs else None


@contextlib.contextmanager
def watching(
    layers: Iterable[keras.layers.Layer], see: Callable[[keras.layers.Layer, Any, Any], Any]
) -> Iterator[None]:
    """Call ``see(layer, inputs, outputs)`` for each call of the layers, wherever they are nested.

    What it returns takes the place of the outputs, unless it is None. It sees networks of any
    form, for their code is what runs; compiled functions do not run it.
    """

    def watched(layer: keras.layers.Layer) -> Callable[..., Any]:
        call = layer.call

        def seen(*args: Any, **kwargs: Any) -> Any:
            outputs = call(*args, **kwargs)
            given = args[0] if args else next(iter(kwargs.values()))
            changed = see(layer, given, outputs)
            return outputs if changed is None else changed

        return seen

    layers = list({id(layer): layer for layer in layers}.values())
    try:
        for layer in layers:
            vars(layer)["call"] = watched(layer)
        yield
    finally:
        for layer in layers:
            vars(layer).pop("call", None)


def require_compiled(model: Any) -> None:
    """Raise unless a model is compiled."""
    import keras

    if not isinstance(model, keras.Model) or not getattr(model, "compiled", False):
        raise SightkitError(
            "A network that is trained must be a keras.Model, and compiled.",
            'Call model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"]).',
            network=getattr(model, "name", type(model).__name__),
        )


def precision_of(network: keras.Model) -> str:
    """Return a network's precision: float32 if all layers compute in it, else the first other."""
    computed = (layer.compute_dtype for layer in flat_layers(network))
    return next((dtype for dtype in computed if dtype != "float32"), "float32")


def save_weights(network: Any, path: Path) -> None:
    """Save weights as Keras does, where there is room for them.

    HDF5 that fails in the middle ends the process by a segmentation fault (h5py issue 914): the
    space is taken first, which fails plainly, and HDF5 writes into it.

    Raises:
        OSError: a full disk, a quota or a size limit.
    """
    from keras.src.saving import saving_lib

    with open(path, "x+b", buffering=0) as file:
        try:
            os.posix_fallocate(file.fileno(), 0, bytes_of_weights(network))
            reserved = _Reserved(file)
            store = saving_lib.H5IOStore(reserved, mode="w")
            saving_lib._save_state(network, store, None, "", set())  # as network.save_weights does
            store.close()
            file.truncate(reserved.end)
        except BaseException:
            path.unlink()
            raise


class _Reserved(io.BytesIO):
    """A file whose space is taken already, which HDF5 finds empty."""

    def __init__(self, file: io.FileIO) -> None:
        super().__init__()
        self.file = file
        self.end = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move; the end is that of what was written."""
        if whence == os.SEEK_END:
            return self.file.seek(self.end + offset)
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self.file.tell()

    def readinto(self, buffer: Any) -> int:
        """Read what was written."""
        return self.file.readinto(buffer) or 0

    def write(self, data: Any) -> int:
        """Write all of it."""
        view = memoryview(data).cast("B")
        written = 0
        while written < len(view):
            written += self.file.write(view[written:]) or 0
        self.end = max(self.end, self.file.tell())
        return written

    def truncate(self, size: int | None = None) -> int:
        """Note the length; the space stays taken."""
        self.end = self.file.tell() if size is None else size
        return self.end


def bytes_of_weights(network: Any) -> int:
    """Return the bytes that ``save_weights`` takes, at most."""
    optimizer = getattr(network, "optimizer", None)
    variables = [*network.variables, *(optimizer.variables if optimizer else ())]
    arrays = sum(ITEM_BYTES * math.prod(variable.shape) + HEADER_BYTES for variable in variables)
    return arrays + 16 * HEADER_BYTES
