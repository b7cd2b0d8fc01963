"""Copying any Keras network as one that can be stored: flat, float32, ending in probabilities."""

from __future__ import annotations

import inspect
import math
from typing import Any

import keras
import numpy as np

from sightkit._errors import SightkitError
from sightkit._network import precision_of
from sightkit.zoo.batch_normalization import BatchNormalization
from sightkit.zoo.keras_config import LAYERS, checked_config, refused, refused_network
from sightkit.zoo.keras_network import build_checked
from sightkit.zoo.origins import DESCRIPTION, rebuild
from sightkit.zoo.weights import finalize

CHANGE, CHANGE_MIXED = 1e-3, 0.05
"""Largest difference between the answers of a network and its copy, in float32 and otherwise; a
share of the largest answer, which counts as 1 at least."""
SIGMOIDS = ("sigmoid", "hard_sigmoid")
PASSING = (keras.layers.Flatten, keras.layers.Reshape, keras.layers.Identity, keras.layers.Dropout)
"""Layers that leave probabilities as they are."""


def adopt(
    network: keras.Model, examples: np.ndarray, classes: int
) -> tuple[keras.Model, list[str]]:
    """Copy any Keras network as one that a bundle can hold.

    The copy is functional and in float32, its layers are those of ``keras.layers``, no layer is a
    network, and it gives a probability for each class: a softmax is added to logits, and the other
    class to a sigmoid column. Where the network takes images without their channel, or flat ones,
    it begins with their reshaping. The network itself is left as it is.

    Args:
        network: functional or sequential, built, with one input and one output.
        examples: preprocessed images, float32 (N, H, W, C), whose answers are compared.
        classes: how many there are.

    Returns:
        The copy, whose ``zoo.origin`` is its description, and a line for each thing added.

    Raises:
        SightkitError: a subclassed network, a Lambda or custom layer (it is named), another
            number of outputs, or a copy that answers otherwise.
    """
    _require_functional(network)
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise SightkitError(
            "A bundle holds a network of one input and one output.",
            "Choose one: keras.Model(network.inputs, network.outputs[0]).",
            inputs=len(network.inputs),
            outputs=len(network.outputs),
        )
    # Over the same layers: without dictionaries, and no longer sequential.
    network = keras.Model(network.inputs[0], network.outputs[0], name=network.name)
    given, taken = examples.shape[1:], tuple(network.inputs[0].shape[1:])
    for variable in network.weights:
        if not np.isfinite(np.asarray(variable, np.float32)).all():
            raise SightkitError(
                "Every weight must be a finite number.",
                "Its training diverged: train it again with a smaller rate.",
                weight=variable.path,
            )
    flat, notes = _Flat(), []
    if len(given) == len(taken) and all(b in (None, a) for a, b in zip(given, taken, strict=True)):
        inputs = outputs = keras.Input(taken, name=flat.unique("images"))
    elif taken == (math.prod(given),) or (*taken, 1) == given:
        inputs = keras.Input(given, name=flat.unique("images"))
        outputs = flat.new(keras.layers.Reshape, target_shape=taken)(inputs)
        notes.append(f"The network takes {taken}: images of {given} are reshaped first.")
    else:
        raise SightkitError(
            "The preprocessing must turn any image file, read as RGB, into the network's input.",
            "Put a GrayscalePreprocessor first into the chain of a grey network, and resize to "
            "its size.",
            gives=given,
            network_takes=taken,
        )
    expected = _answers(network, examples.reshape(-1, *taken) if notes else examples)
    own = flat.replay(network, outputs)
    outputs = _as_probabilities(flat, own, expected, classes, notes)
    config = keras.Model(inputs, outputs, name=network.name).get_config()
    made = rebuild(
        {DESCRIPTION: checked_config({"module": "keras", "class_name": "Model", "config": config})}
    )
    flat.give_weights(made)
    finalize(made)
    last, node, index = own._keras_history
    own = made.get_layer(last.name)._inbound_nodes[node].output_tensors[index]
    _require_same(network, expected, _answers(keras.Model(made.inputs[0], own), examples))
    return made, notes


class _Flat:
    """Calls copies of a network's layers, those of networks inside it in their place."""

    def __init__(self) -> None:
        self.copies: dict[int, tuple[keras.Layer, keras.Layer]] = {}
        self.names: set[str] = set()

    def unique(self, name: str, outer: str = "") -> str:
        """Return a name that no layer has yet."""
        tries = [name, f"{outer}_{name}", *(f"{name}_{n}" for n in range(1, len(self.names) + 2))]
        found = next(each for each in tries if each not in self.names)
        self.names.add(found)
        return found

    def new(self, layer: type[keras.Layer], **arguments: Any) -> keras.Layer:
        """Make a layer that the network did not have."""
        return layer(name=self.unique(layer.__name__.lower()), dtype="float32", **arguments)

    def replay(self, network: Any, inputs: Any, training: bool | None = None) -> Any:
        """Return the outputs of a network's copied layers.

        Args:
            network: functional or sequential.
            inputs: one tensor, or a list.
            training: what the network inside another is called with.
        """
        _require_functional(network)

        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(layer, keras.Model):
                return self.replay(layer, args[0], kwargs.get("training", training))
            if not isinstance(layer, keras.Layer):
                return self._operation(layer, *args)
            if training is not None and "training" in inspect.signature(layer.call).parameters:
                kwargs.setdefault("training", training)
            return layer(*args, **kwargs)

        functional = getattr(network, "_functional", None) or network
        return functional._run_through_graph(
            inputs, operation_fn=lambda layer: self._copy(layer, network.name), call_fn=call
        )

    def give_weights(self, network: keras.Model) -> None:
        """Give the layers of a network, named as the copies, the weights of the originals."""
        for layer, copied in self.copies.values():
            weights = layer.get_weights()
            if getattr(layer, "lora_enabled", False):  # merged, as Keras writes them
                merged: dict[str, Any] = {}
                layer.save_own_variables(merged)
                weights = [merged[key] for key in sorted(merged, key=int)]
            arrays = [np.asarray(array, np.float32) for array in weights]
            network.get_layer(copied.name).set_weights(arrays)

    def _copy(self, layer: Any, outer: str) -> Any:
        if isinstance(layer, keras.Model) or not isinstance(layer, keras.Layer):
            return layer
        if id(layer) not in self.copies:
            kind = type(layer)
            listed = kind.__name__ in LAYERS and kind is getattr(keras.layers, kind.__name__)
            if not listed and kind is not BatchNormalization:
                raise refused(f"layer {layer.name!r}", f"{kind.__module__}.{kind.__name__}")
            entry = keras.saving.serialize_keras_object(layer)
            entry["config"]["name"] = self.unique(layer.name, outer)
            checked = checked_config(entry, network=False)
            self.copies[id(layer)] = (layer, build_checked(checked))
        return self.copies[id(layer)][1]

    def _operation(self, operation: Any, *args: Any) -> Any:
        """Replace x + y and its like by a layer."""
        kind = type(operation).__name__
        tensors = [x for x in args if isinstance(x, keras.KerasTensor)]
        numbers = [float(x) for x in args if isinstance(x, (int, float))]
        if len(tensors) == 2 and kind in ("Add", "Multiply", "Subtract"):
            return self.new(getattr(keras.layers, kind))(tensors)
        if len(tensors) == len(numbers) == 1:
            (number,), first = numbers, args[0] is tensors[0]
            rescaling = {
                "Add": (1.0, number),
                "Multiply": (number, 0.0),
                "Subtract": (1.0, -number) if first else (-1.0, number),
            }
            if number and first:
                rescaling |= dict.fromkeys(("Divide", "TrueDivide"), (1 / number, 0.0))
            if kind in rescaling:
                scale, offset = rescaling[kind]
                return self.new(keras.layers.Rescaling, scale=scale, offset=offset)(tensors[0])
        raise refused(operation.name, f"{type(operation).__module__}.{kind}")


def _require_functional(network: Any) -> None:
    """Raise unless a network's graph of layers is known, and is all that it computes."""
    call = type(network).call
    if not call.__module__.startswith("keras.src.models"):
        raise refused_network(type(network).__name__)
    if not getattr(network, "inputs", None):
        raise SightkitError(
            "The network must be built, so that its shapes are known.",
            "Let it begin with keras.Input(shape), or call network.build((None, *shape)).",
            network=network.name,
        )


def _require_same(network: keras.Model, expected: np.ndarray, found: np.ndarray) -> None:
    change = CHANGE if precision_of(network) == "float32" else CHANGE_MIXED
    difference = float(np.abs(expected - found).max()) / max(1.0, float(np.abs(expected).max()))
    if not difference <= change:
        raise SightkitError(
            "The stored network must answer as the network itself does.",
            "Does it draw numbers, or take bytes (then the chain must leave 0 to 255)?",
            network=network.name,
            difference=difference,
        )


def _activation(tensor: Any) -> str:
    """Return the name of the activation that gave a tensor; "" where no layer with one did."""
    layer, index, _ = tensor._keras_history
    if isinstance(layer, PASSING):
        return _activation(layer._inbound_nodes[index].input_tensors[0])
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    return getattr(getattr(layer, "activation", None), "__name__", "")


def _answers(network: keras.Model, images: np.ndarray) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(network(images, training=False)), np.float32)


def _as_probabilities(
    flat: _Flat, outputs: Any, answers: np.ndarray, classes: int, notes: list[str]
) -> Any:
    """Add what makes a probability for each class of a network's outputs."""
    shape, activation = tuple(outputs.shape), _activation(outputs)
    finite = np.isfinite(answers).all()
    low, high = (float(answers.min()), float(answers.max())) if finite else (0.0, 0.0)
    if len(shape) == 2 and shape[1] == classes and finite:
        if low >= -1e-6 and np.abs(answers.sum(axis=1) - 1).max() < 0.02:
            return outputs
        if activation in ("linear", "log_softmax") or (not activation and (low < 0 or high > 1)):
            notes.append("The network ends in logits: a softmax was added.")
            return flat.new(keras.layers.Softmax)(outputs)
    if len(shape) == 2 and shape[1] == 1 and classes == 2 and finite:
        if activation in ("", "linear") and not (low >= 0 and high <= 1 and not activation):
            notes.append("The network ends in a logit: a sigmoid was added.")
            outputs = flat.new(keras.layers.Activation, activation="sigmoid")(outputs)
            activation = "sigmoid"
        if activation in SIGMOIDS:
            notes.append("The network gives the second class alone: the first was added.")
            other = flat.new(keras.layers.Rescaling, scale=-1.0, offset=1.0)(outputs)
            return flat.new(keras.layers.Concatenate)([other, outputs])
    raise SightkitError(
        "A network must give one softmax or logit a class, or one sigmoid for two classes.",
        "Name as many classes as it has outputs, and end it in a softmax or in a Dense layer "
        "without activation; of a sigmoid a class, which excludes no other, give "
        "zoo.with_normalized_sigmoids(network).",
        outputs=shape,
        classes=classes,
        activation=activation or None,
        least=low,
        greatest=high,
    )
