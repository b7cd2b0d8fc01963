"""The methods by name, and what all of them come to: a value for each place of a picture."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.explain.class_activation import grad_cam, grad_cam_plus_plus, score_cam
from sightkit.apps.explain.explainer import Explainer, Inputs, Target
from sightkit.apps.explain.perturbation import occlusion, rise
from sightkit.apps.explain.pixel_gradients import (
    gradient,
    gradient_times_input,
    integrated_gradients,
    smooth_gradient,
)
from sightkit.apps.explain.relu_rules import deconvolution, guided_backpropagation


def _largest(maps: np.ndarray) -> np.ndarray:
    return np.abs(maps).max(axis=-1)


def _sum(maps: np.ndarray) -> np.ndarray:
    return maps.sum(axis=-1)


def _excites(maps: np.ndarray) -> np.ndarray:
    return np.maximum(maps, 0).max(axis=-1)


def _inhibits(maps: np.ndarray) -> np.ndarray:
    return np.maximum(-maps, 0).max(axis=-1)


def _as_it_is(maps: np.ndarray) -> np.ndarray:
    return maps


@dataclass(frozen=True)
class Method:
    """A method, and how its result becomes a value for each place.

    Attributes:
        title: for people.
        run: (explainer, inputs, target, **options) to float32 (N, H, W) or (N, H, W, C).
        place: of these to (N, H, W).
        signed: places may speak against the class, with values below 0.
        slow: a picture takes a hundred passes through the network, or more.
    """

    title: str
    run: Callable[..., np.ndarray]
    place: Callable[[np.ndarray], np.ndarray] = _as_it_is
    signed: bool = False
    slow: bool = False


METHODS = {
    "gradient": Method("gradient", gradient, _largest),
    "excitatory": Method("what excites", gradient, _excites),
    "inhibitory": Method("what inhibits", gradient, _inhibits),
    "smooth_gradient": Method("SmoothGrad", smooth_gradient, _largest),
    "gradient_times_input": Method("gradient × input", gradient_times_input, _sum, signed=True),
    "integrated_gradients": Method(
        "integrated gradients", integrated_gradients, _sum, signed=True, slow=True
    ),
    "guided_backpropagation": Method("guided back-propagation", guided_backpropagation, _largest),
    "deconvolution": Method("deconvolution", deconvolution, _largest),
    "grad_cam": Method("Grad-CAM", grad_cam),
    "grad_cam_plus_plus": Method("Grad-CAM++", grad_cam_plus_plus),
    "score_cam": Method("Score-CAM", score_cam, slow=True),
    "occlusion": Method("occlusion", occlusion, signed=True),
    "rise": Method("RISE", rise, slow=True),
}


def method_of(name: str) -> Method:
    """Return a method.

    Raises:
        SightkitError: an unknown one; the nearest is named.
    """
    if name not in METHODS:
        near = difflib.get_close_matches(name, METHODS, n=2, cutoff=0.3)
        raise SightkitError(
            f"A method is one of {', '.join(METHODS)}.",
            f"Perhaps you meant {' or '.join(near)}." if near else "",
            method=name,
        )
    return METHODS[name]


def explain(
    explainer: Explainer, inputs: Inputs, target: Target = None, *, method: str, **options: Any
) -> np.ndarray:
    """Explain answers: a value for each place, higher where it matters more for the class.

    Args:
        explainer: of the network.
        inputs: images, as the network takes them: ``explainer.prepare(photos)``.
        target: the class; by default the predicted one.
        method: see ``METHODS``.
        **options: of the method.

    Returns:
        float32 (N, H, W).
    """
    found = method_of(method)
    return found.place(found.run(explainer, inputs, target, **options))
