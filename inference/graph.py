"""Which layer of a network reads which, as Keras writes it into files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True)
class Call:
    """One call of a layer: the names of the layers it reads, and whether it runs as in training."""

    layer: Any
    sources: tuple[str, ...]
    training: bool = False


@dataclass(frozen=True)
class Graph:
    """The calls of one network, and by layer name how often its output is read.

    What leaves the network counts as read; so does each input of a layer that stands twice.
    """

    calls: tuple[Call, ...]
    readers: Counter[str]


def graphs_of(network: keras.Model) -> Iterator[Graph]:
    """The graph of a functional or sequential network, then those of networks inside it."""
    config = network.get_config()
    layers = {layer.name: layer for layer in network.layers}
    if "input_layers" in config:
        yield _functional(config, layers)
    else:
        yield _sequential(list(layers.values()))
    for layer in layers.values():
        if isinstance(layer, keras.Model) and layer.layers:
            yield from graphs_of(layer)


def output_layers(network: keras.Model) -> set[str]:
    """Names of the layers that give a functional network's output."""
    return set(_named(network.get_config()["output_layers"]))


def _functional(config: dict[str, Any], layers: dict[str, Any]) -> Graph:
    calls = []
    readers = Counter(_named(config["output_layers"]))
    for entry in config["layers"]:
        for node in entry["inbound_nodes"]:
            sources = tuple(_sources(node))
            readers.update(sources)
            training = bool(node["kwargs"].get("training"))
            if entry["name"] in layers:
                calls.append(Call(layers[entry["name"]], sources, training))
    return Graph(tuple(calls), readers)


def _sequential(layers: list[Any]) -> Graph:
    names = [layer.name for layer in layers]
    sources = [(), *((name,) for name in names)]
    calls = tuple(Call(layer, read) for layer, read in zip(layers, sources, strict=False))
    return Graph(calls, Counter(names))


def _sources(value: Any) -> Iterator[str]:
    """Names of the layers whose tensors stand anywhere in a call's arguments."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            yield value["config"]["keras_history"][0]
        else:
            for part in value.values():
                yield from _sources(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _sources(part)


def _named(places: Any) -> Iterator[str]:
    """Names in places (name, node, tensor), one or nested in lists or dictionaries."""
    if isinstance(places, dict):
        places = list(places.values())
    if places and isinstance(places[0], str):
        yield places[0]
    else:
        for place in places:
            yield from _named(place)
