"""The names of the methods. No Keras here: a script checks them before it starts."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from sightkit._errors import SightkitError

TITLES = {
    "gradient": "gradient",
    "excitatory": "what excites",
    "inhibitory": "what inhibits",
    "smooth_gradient": "SmoothGrad",
    "gradient_times_input": "gradient × input",
    "integrated_gradients": "integrated gradients",
    "guided_backpropagation": "guided back-propagation",
    "deconvolution": "deconvolution",
    "grad_cam": "Grad-CAM",
    "grad_cam_plus_plus": "Grad-CAM++",
    "score_cam": "Score-CAM",
    "occlusion": "occlusion",
    "rise": "RISE",
}
"""For people, by name."""
OF_A_LAYER = ("grad_cam", "grad_cam_plus_plus", "score_cam")
"""Class activation maps."""


def check_methods(names: Sequence[str], layer: str | None = None) -> None:
    """Raise unless methods are known, at least one, each once, and one takes the layer."""
    for name in names:
        if name not in TITLES:
            near = difflib.get_close_matches(name, TITLES, n=2, cutoff=0.3)
            raise SightkitError(
                f"A method is one of {', '.join(TITLES)}.",
                f"Perhaps you meant {' or '.join(near)}." if near else "",
                method=name,
            )
    if not names or len({*names}) < len(names):
        raise SightkitError("Name at least one method, each once.", method=list(names))
    if layer is not None and not {*names} & {*OF_A_LAYER}:
        raise SightkitError(
            f"A layer is of class activation maps: {', '.join(OF_A_LAYER)}.",
            "Leave it out, or take one of these methods.",
            layer=layer,
            method=list(names),
        )
