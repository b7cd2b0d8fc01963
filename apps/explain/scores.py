"""The scores of classes before softmax or sigmoid: what explanations are of.

A probability hardly moves where the network is sure, so that its gradient is nearly zero there;
the score, from which the probability is computed, is not squashed.
"""

from __future__ import annotations

import contextlib
import difflib
import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.explain.layer_calls import LayerCall

SQUASHING = (keras.activations.softmax, keras.activations.sigmoid, keras.activations.log_softmax)


def squashing_end(calls: list[LayerCall]) -> keras.layers.Layer | None:
    """Return the layer that turns scores into probabilities, the last one that computes at all.

    None where the network ends in scores already.
    """
    for call in reversed(calls):
        layer = call.layer
        if isinstance(layer, keras.Model) or type(layer) in PASSING:
            continue
        if isinstance(layer, keras.layers.Softmax) or _activation(layer) in SQUASHING:
            return layer
        return None
    return None


PASSING = (keras.layers.Reshape, keras.layers.Flatten, keras.layers.Dropout, keras.layers.Identity)
"""Layers that may follow it; they hand on what they get."""


@contextlib.contextmanager
def without_squashing(layer: keras.layers.Layer | None) -> Iterator[None]:
    """Let a network give scores: inside, this layer hands on what it would squash."""
    if layer is None:
        yield
        return
    own = vars(layer)
    if isinstance(layer, keras.layers.Softmax):
        own["call"] = lambda inputs, mask=None: inputs
        try:
            yield
        finally:
            del own["call"]
        return
    activation = own["activation"]
    own["activation"] = keras.activations.linear
    try:
        yield
    finally:
        own["activation"] = activation


def class_scores(outputs: Any) -> Any:
    """Return scores a class, (N, classes), of a network's scores; one alone is for the second."""
    if len(outputs.shape) > 2:
        count = math.prod(outputs.shape[1:])
        if count != max(outputs.shape[1:]):
            raise SightkitError(
                "A network that gives a number a class is explained.",
                "Add a layer that averages over the places: GlobalAveragePooling2D.",
                outputs=tuple(outputs.shape[1:]),
            )
        outputs = keras.ops.reshape(outputs, (-1, count))
    if outputs.shape[-1] == 1:
        return keras.ops.concatenate([-outputs, outputs], axis=-1) / 2
    return outputs


def finite_scores(scores: np.ndarray, network: str) -> np.ndarray:
    """Return scores, float32 (N, classes), of a network's name, unless one is not finite."""
    if not np.isfinite(scores).all():
        raise SightkitError(
            "A network whose scores are finite numbers is explained.",
            "Look for NaN in its inputs, then in its weights: the training may have diverged.",
            network=network,
            scores=scores[~np.isfinite(scores).all(axis=1)][0][:3].tolist(),
        )
    return scores


def class_probabilities(answers: Any) -> np.ndarray:
    """Return a network's answers a class, float32 (N, classes); one alone is for the second."""
    answers = np.asarray(answers, np.float32)
    return np.concatenate([1 - answers, answers], axis=1) if answers.shape[1] == 1 else answers


def class_index(target: Any, classes: int, names: Sequence[str]) -> int:
    """Return the index of a class, of its name or its index; on a command line that is text too.

    Raises:
        SightkitError: no such class; the nearest names are listed.
    """
    if isinstance(target, str) and target in names:
        return list(names).index(target)
    if isinstance(target, str) and target.isdecimal():
        target = int(target)
    if isinstance(target, int | np.integer) and 0 <= target < classes:
        return int(target)
    near = difflib.get_close_matches(str(target), names, n=3, cutoff=0.4)
    raise SightkitError(
        f"A class is one of the network's {classes}: an index from 0 to {classes - 1}, or a name.",
        f"The nearest are {', '.join(near)}." if near else "",
        target=target,
    )


def _activation(layer: keras.layers.Layer) -> Any:
    return vars(layer).get("activation")
