"""Which pixels a score depends on, by gradients."""

from __future__ import annotations

import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.explain.explainer import Explainer, Inputs, Target
from sightkit.apps.explain.inputs import BATCH

STEPS = (40, 300)
"""Of integrated gradients: more where fewer do not sum to what they must."""
EDGES = (0, 0.01, 0.04, 0.15, 0.4, 1)
"""Parts of the line with as many steps each: a network with batch normalization changes most where
the picture has hardly begun. 300 steps in one part missed the sum by up to 1.4 %, so by 0.6 %."""
CLOSE = 0.01
"""Share of the score's difference, or of 0.1, that their sum may be away from it."""


def gradient(explainer: Explainer, inputs: Inputs, target: Target = None) -> np.ndarray:
    """Return the gradient of the score by each pixel: where a small change matters most.

    Args:
        explainer: of the network.
        inputs: images, as the network takes them.
        target: the class.

    Returns:
        float32 (N, H, W, C). Positive: a higher value excites the class; negative: it inhibits it.

    Reference:
        Simonyan, Vedaldi, Zisserman, "Deep inside convolutional networks", 2013,
        arXiv:1312.6034.
    """
    return explainer.gradients(inputs, target)


def gradient_times_input(explainer: Explainer, inputs: Inputs, target: Target = None) -> np.ndarray:
    """Return the gradient times the pixel: what each one adds to the score, to the first order.

    Args, Returns: see ``gradient``; positive pixels speak for the class.

    Reference:
        Shrikumar, Greenside, Kundaje, "Learning important features through propagating activation
        differences", 2017, arXiv:1704.02685.
    """
    return explainer.gradients(inputs, target) * explainer.pixels(inputs)


def smooth_gradient(
    explainer: Explainer,
    inputs: Inputs,
    target: Target = None,
    *,
    samples: int = 25,
    noise: float = 0.15,
    seed: int = 0,
) -> np.ndarray:
    """Return the mean gradient over noisy copies of each image (SmoothGrad).

    Args:
        explainer: of the network.
        inputs: images, as the network takes them.
        target: the class.
        samples: copies.
        noise: standard deviation, a share of the image's range.
        seed: of the noise.

    Returns:
        float32 (N, H, W, C), as of ``gradient``.

    Reference:
        Smilkov and others, "SmoothGrad: removing noise by adding noise", 2017, arXiv:1706.03825.
    """
    if samples < 1 or not noise >= 0:
        raise SightkitError("samples must be at least 1, noise 0.", samples=samples, noise=noise)
    rng = np.random.default_rng(seed)
    pixels = explainer.pixels(inputs)
    target = explainer.targets(inputs, target)
    axes = tuple(range(1, pixels.ndim))
    spread = noise * (pixels.max(axis=axes, keepdims=True) - pixels.min(axis=axes, keepdims=True))
    total = np.zeros(pixels.shape, np.float64)
    for _ in range(samples):
        moved = pixels + spread * rng.standard_normal(pixels.shape, np.float32)
        total += explainer.gradients(explainer.with_pixels(inputs, moved), target)
    return (total / samples).astype(np.float32)


def integrated_gradients(
    explainer: Explainer,
    inputs: Inputs,
    target: Target = None,
    *,
    baseline: np.ndarray | None = None,
) -> np.ndarray:
    """Return what each pixel adds to the score on the way from a baseline to the image.

    The sum over all pixels is the difference of both scores, within 1 % of it (or of 0.1, where
    that is more): of 40 gradients along the line, at Gauss' and Legendre's places, or else of 300.

    Args:
        explainer: of the network.
        inputs: images, as the network takes them.
        target: the class.
        baseline: image, or images, without what is asked about; zeros by default: black, or the
            mean colour, as the network's preprocessing has it.

    Returns:
        float32 (N, H, W, C); positive pixels speak for the class.

    Reference:
        Sundararajan, Taly, Yan, "Axiomatic attribution for deep networks", 2017, arXiv:1703.01365.
    """
    pixels = explainer.pixels(inputs)
    target = explainer.targets(inputs, target)
    start = np.broadcast_to(np.float32(0) if baseline is None else baseline, pixels.shape)
    found = np.empty_like(pixels)
    for row in range(len(pixels)):
        own = explainer.part(inputs, slice(row, row + 1))
        found[row] = _along_line(explainer, own, start[row], int(target[row]))
    return found


def _along_line(explainer: Explainer, inputs: Inputs, start: np.ndarray, target: int) -> np.ndarray:
    """Integrate the gradient for one image."""
    image = explainer.pixels(inputs)[0]
    before = explainer.with_pixels(inputs, start[None])
    difference = float((explainer.scores(inputs) - explainer.scores(before))[0, target])
    found = np.zeros_like(image)
    for steps in STEPS:
        points, weights = _rule(steps)
        total = np.zeros(image.shape, np.float64)
        for at in range(0, steps, BATCH):
            shares = points[at : at + BATCH].reshape(-1, *(1,) * image.ndim)
            part = explainer.repeated(inputs, start + shares * (image - start))
            total += np.tensordot(weights[at : at + BATCH], explainer.gradients(part, target), 1)
        found = (total * (image - start)).astype(np.float32)
        away = abs(float(found.sum(dtype=np.float64)) - difference)
        if away <= CLOSE * max(abs(difference), 0.1):
            break
    return found


def _rule(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return places on the line, float32 (steps,), 0 to 1, and their weights."""
    points, weights = np.polynomial.legendre.leggauss(steps // (len(EDGES) - 1))
    starts, widths = np.array(EDGES[:-1])[:, None], np.diff(EDGES)[:, None]
    places = starts + widths * (points + 1) / 2
    return places.ravel().astype(np.float32), (widths * weights / 2).ravel()
