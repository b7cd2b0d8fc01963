"""Adversarial pictures: changed by so little that nobody sees it, and answered wrongly.

Networks are nearly linear, so that many tiny changes, each in the direction of the gradient's
sign, add up: the fast gradient sign method (Goodfellow, Shlens, Szegedy 2015,
https://arxiv.org/abs/1412.6572); and by many small steps, projected gradient descent (Madry et al.
2018, https://arxiv.org/abs/1706.06083).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np

from sightkit._errors import SightkitError
from sightkit.apps.explain.epsilon import EPSILON, EPSILONS, require_epsilon
from sightkit.apps.explain.explainer import Explainer, Target
from sightkit.apps.explain.pixel_chain import PixelChain
from sightkit.apps.explain.scores import class_probabilities
from sightkit.training.classifier import Classifier, Photo

Method = Literal["fgsm", "pgd"]
METHODS: tuple[Method, ...] = ("fgsm", "pgd")
STEPS = 10


class Attack:
    """Attacks on a classifier, in grey levels of the pictures that its network sees.

    ε is the largest change of a pixel's channel, as a share of 255: 8/255 means 8 grey levels. The
    adversarial pictures are uint8, so that saving them as PNG changes nothing.

    Args:
        classifier: a bundle, or a network with a linear head.

    Attributes:
        explainer: of the classifier.
        chain: its preprocessing, in two parts.

    Raises:
        SightkitError: a classifier of several networks, or of several views of a photo.

    Example:
        attack = Attack(transfer.pretrained("mobilenet_0.75"))
        pictures = attack.pictures(["beagle.jpg"])
        wrong = attack.fgsm(pictures, "beagle")
        attack.predict(wrong)[0].argmax()
    """

    def __init__(self, classifier: Classifier) -> None:
        self.explainer = Explainer(classifier)
        self.chain = PixelChain.of(classifier)

    def pictures(self, photos: Sequence[Photo]) -> np.ndarray:
        """Return photos as the network sees them, uint8 (N, H, W, C)."""
        return self.chain.pictures(photos)

    def predict(self, pictures: np.ndarray) -> np.ndarray:
        """Return probabilities, float32 (N, classes), of uint8 (N, H, W, C)."""
        return np.concatenate(
            [
                class_probabilities(self.explainer.model.predict_on_batch(self.chain.inputs(part)))
                for part in np.array_split(pictures, math.ceil(len(pictures) / 32))
            ]
        )

    def fgsm(
        self,
        pictures: np.ndarray,
        classes: Target = None,
        *,
        epsilon: float = EPSILON,
        target: Target = None,
    ) -> np.ndarray:
        """Change each pixel by ε, in the direction of the sign of the loss' gradient.

        Args:
            pictures: uint8 (N, H, W, C), of ``pictures``.
            classes: the true ones, by index or name, which the answer is led away from; by default
                the predicted ones.
            epsilon: from 0 to 1, of the range of a pixel.
            target: class that the answer is led to, in place of any wrong one.

        Returns:
            uint8 (N, H, W, C), nowhere farther than ε.

        Raises:
            SightkitError: ε out of range, an unknown class, or a chain that is no straight line.
        """
        return self._ascend(pictures, classes, target, epsilon, steps=1, step=epsilon, seed=None)

    def pgd(
        self,
        pictures: np.ndarray,
        classes: Target = None,
        *,
        epsilon: float = EPSILON,
        target: Target = None,
        steps: int = STEPS,
        seed: int = 0,
    ) -> np.ndarray:
        """Take many small steps, each back into ±ε, from a random picture within it.

        Args:
            pictures: uint8 (N, H, W, C), of ``pictures``.
            classes: as in ``fgsm``.
            epsilon: as in ``fgsm``.
            target: as in ``fgsm``.
            steps: each of 2.5 ε / steps, as the paper has it: the border can be reached from any
                start.
            seed: of the random start.
        """
        if steps < 1:
            raise SightkitError("PGD takes at least one step.", "Give 10.", steps=steps)
        step = max(2.5 * epsilon / steps, 1e-9)
        return self._ascend(pictures, classes, target, epsilon, steps=steps, step=step, seed=seed)

    def run(self, method: Method, pictures: np.ndarray, classes: Target, **options: Any) -> Any:
        """Attack by the name of a method."""
        return {"fgsm": self.fgsm, "pgd": self.pgd}[method](pictures, classes, **options)

    def accuracy(
        self,
        pictures: np.ndarray,
        classes: Target,
        *,
        method: Method = "fgsm",
        epsilons: Sequence[float] = EPSILONS,
        **options: Any,
    ) -> list[float]:
        """Return the share of pictures that are still answered rightly, for each ε.

        Args:
            pictures: uint8 (N, H, W, C).
            classes: the true ones.
            method: that attacks.
            epsilons: see ``fgsm``.
            **options: of the method: target, and PGD's steps and seed.
        """
        truth = self.explainer.targets(self.chain.inputs(pictures), classes)
        found = []
        for epsilon in epsilons:
            attacked = self.run(method, pictures, truth, epsilon=epsilon, **options)
            found.append(float(np.mean(self.predict(attacked).argmax(axis=1) == truth)))
        return found

    def _ascend(
        self,
        pictures: np.ndarray,
        classes: Target,
        target: Target,
        epsilon: float,
        *,
        steps: int,
        step: float,
        seed: int | None,
    ) -> np.ndarray:
        require_epsilon(epsilon)
        inputs = self.chain.inputs(pictures)
        slope = self.chain.slope(pictures)
        led_to = classes if target is None else target
        weights = self.explainer.one_hot(inputs, led_to) * (-1 if target is None else 1)
        start, limit = pictures.astype(np.float32), math.floor(255 * epsilon + 1e-6)
        low, high = np.maximum(start - limit, 0), np.minimum(start + limit, 255)
        if seed is None:
            found = start
        else:
            rng = np.random.default_rng(seed)
            noise = rng.uniform(-limit, limit, start.shape).astype(np.float32)
            found = np.clip(start + noise, low, high)
            inputs = inputs + (found - start) @ slope
        for _ in range(steps):
            _, gradient = self.explainer.pixel_gradients(inputs, weights, of=keras.ops.log_softmax)
            direction = np.sign(gradient @ slope.T)
            after = np.clip(found + 255 * step * direction, low, high)
            inputs = inputs + (after - found) @ slope
            found = after
        return np.rint(found).astype(np.uint8)
