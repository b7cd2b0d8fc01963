"""The layers of any network by path, and each call of them, in the order in which they run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from sightkit._network import watching
from sightkit.transfer.feature_network import require_layer

SKIPPED = ("Pooling", "Dropout", "Padding", "Cropping", "UpSampling", "InputLayer")
"""In the names of classes whose outputs only repeat or thin out what a layer before them found."""


@dataclass(frozen=True)
class LayerCall:
    """One call of a layer in a pass through a network.

    Attributes:
        path: names of the networks around the layer and its own, ``body/block1_conv1``.
        layer: that was called.
        number: 0 for its first call in the pass; a shared layer has several.
        shape: of its output, with the axis of images.
    """

    path: str
    layer: keras.layers.Layer
    number: int
    shape: tuple[int, ...]

    @property
    def is_map(self) -> bool:
        """Whether its output has height, width and channels."""
        return len(self.shape) == 4

    @property
    def spatial(self) -> bool:
        """Whether its output has height and width above 1."""
        return self.is_map and min(self.shape[1:3]) > 1


def layer_paths(network: keras.layers.Layer, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every layer inside of a network with its path, networks inside of it too."""
    layers = network.layers if isinstance(network, keras.Model) else network._layers
    for layer in layers:
        yield before + layer.name, layer
        yield from layer_paths(layer, f"{before}{layer.name}/")


def layer_calls(network: keras.Model, inputs: Any) -> list[LayerCall]:
    """Run a network and return each call of a layer that gives one tensor, in order of their end.

    Args:
        network: of any form.
        inputs: what it takes.
    """
    if not network.built:
        network(inputs, training=False)  # the pass that builds a network calls its layers twice
    paths = {id(layer): (path, layer) for path, layer in layer_paths(network)}
    calls: list[LayerCall] = []
    counts: dict[int, int] = {}

    def see(layer: keras.layers.Layer, given: Any, outputs: Any) -> None:
        number = counts[id(layer)] = counts.get(id(layer), -1) + 1
        if hasattr(outputs, "shape"):
            path, _ = paths[id(layer)]
            calls.append(LayerCall(path, layer, number, tuple(outputs.shape)))

    with watching((layer for _, layer in paths.values()), see), keras.StatelessScope():
        network(inputs, training=False)
    return calls


def find_layer(calls: list[LayerCall], name: str) -> list[LayerCall]:
    """Return the calls of the layer that a path or the end of one names.

    Raises:
        SightkitError: no such layer, or several; the nearest are listed.
    """
    paths = list(dict.fromkeys(call.path for call in calls))
    ending = [path for path in paths if path == name or path.endswith(f"/{name}")]
    chosen = name if name in paths else ending[0] if len(ending) == 1 else ""
    require_layer(
        chosen or name,
        [chosen] if chosen else ending or paths,
        "layer must name one layer of the network, by its path where its name occurs twice.",
        "layer",
    )
    return [call for call in calls if call.path == chosen]


def last_spatial(calls: list[LayerCall]) -> str | None:
    """Return the path of the last layer that computes a map; None where no layer does."""
    for call in reversed(calls):
        if isinstance(call.layer, keras.Model) or not call.spatial:
            continue
        if not any(word in type(call.layer).__name__ for word in SKIPPED):
            return call.path
    return None
