"""The methods by name, and what all of them come to: a value for each place of a picture."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.explain.class_activation import grad_cam, grad_cam_plus_plus, score_cam
from sightkit.apps.explain.explainer import Explainer, Inputs, Target
from sightkit.apps.explain.method_names import check_methods
from sightkit.apps.explain.perturbation import occlusion, rise
from sightkit.apps.explain.pixel_gradients import (
    gradient,
    gradient_times_input,
    integrated_gradients,
    smooth_gradient,
)
from sightkit.apps.explain.relu_rules import deconvolution, guided_backpropagation

PLACES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "largest": lambda maps: np.abs(maps).max(axis=-1),
    "sum": lambda maps: maps.sum(axis=-1),
    "excites": lambda maps: np.maximum(maps, 0).max(axis=-1),
    "inhibits": lambda maps: np.maximum(-maps, 0).max(axis=-1),
    "": lambda maps: maps,
}
"""From a value for each channel of a place to one."""


@dataclass(frozen=True)
class Method:
    """A method, and how its result becomes a value for each place.

    Attributes:
        run: (explainer, inputs, target, **options) to float32 (N, H, W) or (N, H, W, C).
        place: of these to (N, H, W), of ``PLACES``.
        signed: places may speak against the class, with values below 0.
    """

    run: Callable[..., np.ndarray]
    place: str = ""
    signed: bool = False


METHODS = {
    "gradient": Method(gradient, "largest"),
    "excitatory": Method(gradient, "excites"),
    "inhibitory": Method(gradient, "inhibits"),
    "smooth_gradient": Method(smooth_gradient, "largest"),
    "gradient_times_input": Method(gradient_times_input, "sum", signed=True),
    "integrated_gradients": Method(integrated_gradients, "sum", signed=True),
    "guided_backpropagation": Method(guided_backpropagation, "largest"),
    "deconvolution": Method(deconvolution, "largest"),
    "grad_cam": Method(grad_cam),
    "grad_cam_plus_plus": Method(grad_cam_plus_plus),
    "score_cam": Method(score_cam),
    "occlusion": Method(occlusion, signed=True),
    "rise": Method(rise),
}


def explain(
    explainer: Explainer, inputs: Inputs, target: Target = None, *, method: str, **options: Any
) -> np.ndarray:
    """Explain answers: a value for each place, higher where it matters more for the class.

    Args:
        explainer: of the network.
        inputs: images, as the network takes them: ``explainer.prepare(photos)``.
        target: the class; by default the predicted one.
        method: see ``method_names``.
        **options: of the method.

    Returns:
        float32 (N, H, W).
    """
    check_methods([method])
    found = METHODS[method]
    arguments = {each: [*inspect.signature(METHODS[each].run).parameters][3:] for each in METHODS}
    for name in options.keys() - arguments[method]:
        others = [each for each, known in arguments.items() if name in known]
        raise SightkitError(
            f"{method} takes {', '.join(arguments[method]) or 'no further arguments'}.",
            f"Leave {name} out{', or take ' * bool(others)}{' or '.join(others)}.",
            **{name: options[name]},
        )
    explainer.pictures(inputs)
    return PLACES[found.place](found.run(explainer, inputs, target, **options))
