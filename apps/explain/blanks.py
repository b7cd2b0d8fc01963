"""Inputs of zeros, for questions that need no picture."""

from __future__ import annotations

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.explain.explainer import Explainer, Inputs


def blank_inputs(explainer: Explainer) -> Inputs:
    """Return zeros, float32 (1, H, W, C), as a network takes them; a list for several inputs.

    Raises:
        SightkitError: the network does not know the size of its input.
    """
    shapes = [tuple(each.shape[1:]) for each in getattr(explainer.model, "inputs", None) or ()]
    if not shapes or any(None in shape for shape in shapes):
        raise SightkitError(
            "The network takes pictures of any size, or its input is not known yet.",
            "Give inputs, a picture as it takes them.",
            network=explainer.model.name,
            shapes=shapes,
        )
    blank = [np.zeros((1, *shape), np.float32) for shape in shapes]
    return blank if blank[1:] else blank[0]
