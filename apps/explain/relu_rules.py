"""Guided back-propagation and the deconvolution network: gradients with another rule at ReLUs.

Both draw fine pictures, of edges mostly, that hardly depend on the class or on what the network has
learned: see their badges, and Adebayo and others, "Sanity checks for saliency maps", 2018.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Literal

import keras
import numpy as np

from sightkit._errors import SightkitError
from sightkit._network import flat_layers, watching
from sightkit.apps.explain.explainer import Explainer, Inputs, Target
from sightkit.apps.explain.scores import squashing_end

Rule = Literal["guided", "deconvolution"]
LINEAR = (keras.activations.linear, None)
RELUS = {keras.activations.relu: None, keras.activations.relu6: 6.0}
OTHERS = (
    keras.layers.LeakyReLU, keras.layers.PReLU, keras.layers.ELU, keras.layers.Softmax,
)  # fmt: skip


def guided_backpropagation(
    explainer: Explainer, inputs: Inputs, target: Target = None
) -> np.ndarray:
    """Return the gradient of which each ReLU passes only what is positive, forward and backward.

    Args:
        explainer: of a network whose activations are ReLUs.
        inputs: images, as the network takes them.
        target: the class.

    Returns:
        float32 (N, H, W, C).

    Raises:
        SightkitError: another activation; its layer is named.

    Reference:
        Springenberg and others, "Striving for simplicity: the all convolutional net", 2014,
        arXiv:1412.6806.
    """
    return _with_rule(explainer, "guided").gradients(inputs, target)


def deconvolution(explainer: Explainer, inputs: Inputs, target: Target = None) -> np.ndarray:
    """Return the gradient of which each ReLU passes what is positive on the way back.

    Args, Returns, Raises: see ``guided_backpropagation``.

    Reference:
        Zeiler, Fergus, "Visualizing and understanding convolutional networks", 2013,
        arXiv:1311.2901.
    """
    return _with_rule(explainer, "deconvolution").gradients(inputs, target)


class _WithRule(Explainer):
    """An explainer of the same network, whose ReLUs pass gradients by another rule."""

    def __init__(self, explainer: Explainer, rule: Rule) -> None:
        super().__init__(explainer.model, about=explainer.about, class_names=explainer.class_names)
        self.state = explainer.state
        self.rule: Rule = rule

    def _forward(self, given: list[Any], *others: Any, **options: Any) -> Any:
        with relu_rule(self.model, squashing_end(self.calls(given)), self.rule):
            return super()._forward(given, *others, **options)


def _with_rule(explainer: Explainer, rule: Rule) -> Explainer:
    if rule not in explainer.related:
        explainer.related[rule] = _WithRule(explainer, rule)
    return explainer.related[rule]


@contextlib.contextmanager
def relu_rule(network: keras.Model, end: keras.layers.Layer | None, rule: Rule) -> Iterator[None]:
    """Let all ReLUs of a network pass gradients by a rule, inside.

    Args:
        network: of any form.
        end: the layer that makes probabilities of scores; its activation is left as it is.
        rule: ``"guided"`` or ``"deconvolution"``.
    """
    layers, fused = [], []
    for layer in flat_layers(network):
        activation = vars(layer).get("activation")
        if isinstance(layer, keras.layers.ReLU) and not np.any(layer.negative_slope):
            layers.append(layer)
        elif activation in RELUS:
            fused.append(layer)
        elif layer is not end and (isinstance(layer, OTHERS) or activation not in LINEAR):
            raise SightkitError(
                "Guided back-propagation and deconvolution need ReLUs.",
                "Take gradient, smooth_gradient or integrated_gradients.",
                layer=layer.name,
                activation=getattr(activation, "__name__", type(layer).__name__),
            )

    def see(layer: Any, inputs: Any, outputs: Any) -> Any:
        return rectify(layer.max_value, rule)(inputs)

    before = [vars(layer)["activation"] for layer in fused]
    try:
        for layer, activation in zip(fused, before, strict=True):
            vars(layer)["activation"] = rectify(RELUS[activation], rule)
        with watching(layers, see):
            yield
    finally:
        for layer, activation in zip(fused, before, strict=True):
            vars(layer)["activation"] = activation


def rectify(highest: float | None, rule: Rule) -> Callable[[Any], Any]:
    """Return a ReLU, up to a highest value or without one, that passes gradients by a rule."""

    @keras.ops.custom_gradient
    def relu(x: Any) -> Any:
        def backward(*arguments: Any, upstream: Any = None) -> Any:
            (incoming,) = arguments if upstream is None else (upstream,)
            passed = keras.ops.maximum(incoming, 0)
            if rule == "deconvolution":
                return passed
            awake = x > 0 if highest is None else (x > 0) & (x < highest)
            return passed * keras.ops.cast(awake, passed.dtype)

        outputs = keras.ops.maximum(x, 0)
        return (outputs if highest is None else keras.ops.minimum(outputs, highest)), backward

    return relu
