"""Class activation maps: which places a convolutional layer found the class in."""

from __future__ import annotations

import cv2
import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.explain.explainer import Explainer, Inputs, Target
from sightkit.apps.explain.inputs import BATCH
from sightkit.apps.explain.layer_calls import LayerCall, last_spatial
from sightkit.apps.explain.perturbation import Answers


def grad_cam(
    explainer: Explainer, inputs: Inputs, target: Target = None, *, layer: str | None = None
) -> np.ndarray:
    """Return where a layer's channels speak for the class, each weighted by its mean gradient.

    Args:
        explainer: of the network.
        inputs: images, as the network takes them.
        target: the class.
        layer: name or path; by default the last that computes a map.

    Returns:
        float32 (N, H, W), at least 0.

    Reference:
        Selvaraju and others, "Grad-CAM", 2016, arXiv:1610.02391.
    """
    call = _map_layer(explainer, inputs, layer)
    seen, gradients = explainer.layer_gradients(inputs, target, call)
    weights = gradients.mean(axis=(1, 2), keepdims=True)
    return _maps(explainer, inputs, (seen * weights).sum(axis=-1))


def grad_cam_plus_plus(
    explainer: Explainer, inputs: Inputs, target: Target = None, *, layer: str | None = None
) -> np.ndarray:
    """Return a map of which every place of the class counts, a small one as well as a large one.

    Args, Returns: see ``grad_cam``. The score is taken as the exponential of what the network gives
    before softmax, whose higher derivatives are powers of the gradient.

    Reference:
        Chattopadhyay and others, "Grad-CAM++", 2017, arXiv:1710.11063.
    """
    call = _map_layer(explainer, inputs, layer)
    seen, gradients = explainer.layer_gradients(inputs, target, call)
    squares, cubes = gradients**2, gradients**3
    below = 2 * squares + seen.sum(axis=(1, 2), keepdims=True) * cubes
    shares = np.divide(squares, below, out=np.zeros_like(below), where=below != 0)
    weights = (shares * np.maximum(gradients, 0)).sum(axis=(1, 2), keepdims=True)
    return _maps(explainer, inputs, (seen * weights).sum(axis=-1))


def score_cam(
    explainer: Explainer, inputs: Inputs, target: Target = None, *, layer: str | None = None
) -> np.ndarray:
    """Return a layer's channels weighted by what is left of the class where only they are seen.

    It takes a pass through the network for each channel that is awake, and no gradient.

    Args, Returns: see ``grad_cam``.

    Reference:
        Wang and others, "Score-CAM", 2019, arXiv:1910.01279.
    """
    call = _map_layer(explainer, inputs, layer)
    target = explainer.targets(inputs, target)
    (seen,) = explainer.activations(inputs, [call.path]).values()
    pixels = explainer.pictures(inputs)
    answers = Answers(explainer, inputs, pixels.shape[0] * seen.shape[-1])
    found = np.zeros(seen.shape[:3], np.float32)
    for row, channels in enumerate(seen):
        low, high = channels.min(axis=(0, 1)), channels.max(axis=(0, 1))
        awake = np.flatnonzero(high > low)
        scores = []
        for at in range(0, len(awake), BATCH):
            some = awake[at : at + BATCH]
            masks = (channels[..., some] - low[some]) / (high[some] - low[some])
            masks = _enlarged(masks.transpose(2, 0, 1), pixels.shape[1:3])
            scores.append(answers(row, pixels[row] * masks[..., None])[:, target[row]])
        if len(awake):
            weights = np.exp(np.concatenate(scores))  # of probabilities, as in the authors' code
            found[row] = channels[..., awake] @ (weights / weights.sum())
    return _maps(explainer, inputs, found)


def _map_layer(explainer: Explainer, inputs: Inputs, name: str | None) -> LayerCall:
    """Return the call of a layer that gives a map."""
    call = explainer.layer(inputs, name)
    if not call.is_map:
        best = last_spatial(explainer.calls(inputs))
        raise SightkitError(
            "A class activation map needs a layer whose output has height and width.",
            f"The last one is {best}." if best else "Take a method of pixels: gradient.",
            layer=call.path,
            output=call.shape[1:],
        )
    return call


def _maps(explainer: Explainer, inputs: Inputs, coarse: np.ndarray) -> np.ndarray:
    """Return what speaks for the class, in the size of the images."""
    return _enlarged(np.maximum(coarse, 0), explainer.pictures(inputs).shape[1:3])


def _enlarged(maps: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Return maps (N, h, w) as float32 (N, H, W)."""
    maps = np.ascontiguousarray(maps, np.float32)
    return np.stack([cv2.resize(each, (size[1], size[0])) for each in maps])
