"""Similarity of a set of pictures to the photos that a network was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from sightkit._errors import SightkitError
from sightkit.training import Bundle
from sightkit.training.classifier import Photo, decoded
from sightkit.transfer.imagenet import pretrained

HALF = 0.1
"""Nats at which similarity is 0.5: between photos and pictures of other kinds, see ``probe``."""
STAGES = 4
FOLDS = 5
PENALTY = 0.1
BATCH = 32


@dataclass(frozen=True)
class Probe:
    """The result of ``probe``; ``print`` shows it.

    Attributes:
        network: name of the network.
        images: number of pictures.
        divergence: nats; 0 where they are to the network as its training photos.
        similarity: 1 / (1 + divergence / 0.1), 0 to 1.
        majority: share of the most frequent class; None without labels.
        stages: (layer, share of held-out pictures that a linear classifier on its features gets
            right), from lower to higher layers; empty without labels, or with a class of one
            picture.
    """

    network: str
    images: int
    divergence: float
    similarity: float
    majority: float | None = None
    stages: tuple[tuple[str, float], ...] = ()

    def __str__(self) -> str:
        lines = [
            f"{self.network} on {self.images:,} pictures: its activations differ from those of its "
            f"training by {self.divergence:.3f} nats, similarity {self.similarity:.2f}.",
            "For comparison: ImageNet's own photos 0.005, other photos 0.02 to 0.03, enlarged ones "
            "of 64x64 0.05 to 0.09, microscopy 0.2, grey faces, digits and captchas 0.2 to 0.3.",
        ]
        if self.stages and self.majority is not None:
            found = ", ".join(f"{name} {100 * share:.1f} %" for name, share in self.stages)
            lines.append(
                f"A linear classifier on the features of a layer gets right, of held-out pictures: "
                f"{found}; the most frequent class alone {100 * self.majority:.1f} %."
            )
        return "\n".join(lines)


def probe(
    images: Sequence[Photo],
    labels: Sequence[int] | np.ndarray | None = None,
    *,
    network: str | Bundle = "mobilenetv2_0.35",
) -> Probe:
    """Measure in seconds how similar pictures are to the photos that a network was trained on.

    Batch normalization stores, channel by channel, mean and variance of what it met in training:
    ImageNet's statistics are in the network, and no photo of ImageNet is needed. For each channel
    the Kullback-Leibler divergence of the normal distribution of the given pictures from that one
    is taken, 0.5 (V/v + (M - m)²/v - 1 - ln(V/v)); the median over a layer's channels, and over
    layers, is the figure. It needs no labels. With labels a linear classifier on the pooled
    features of a few layers says how well they separate the classes: a figure for the reasons, not
    for the similarity, because digits, too, are separated by a network that has seen only photos.

    Measured with MobileNetV2-0.35 and MobileNet-0.25 on up to 210 pictures each, in nats: photos
    of ImageNet 0.004–0.005, animals, flowers, dogs and cats, streets 0.014–0.026, Tiny ImageNet
    0.05–0.09, blood under a microscope 0.18–0.19, grey faces 0.20–0.27, MNIST 0.24–0.28, captchas
    0.21–0.27, noise 0.31–0.56.

    Args:
        images: pictures, at least two: uint8 arrays (H, W, 3) in RGB order or (H, W, 1), or paths;
            a few hundred, taken at random, suffice.
        labels: class indices.
        network: a name of ``transfer.names()`` with batch normalization, or its bundle.

    Raises:
        SightkitError: fewer than two pictures, labels of another number, or a network without
            batch normalization.
    """
    if len(images) < 2 or (labels is not None and len(labels) != len(images)):
        raise SightkitError(
            "A probe needs at least two pictures, and a label for each or none at all.",
            images=len(images),
            labels=None if labels is None else len(labels),
        )
    bundle = pretrained(network, include_top=False) if isinstance(network, str) else network
    body = bundle.network
    layers = [each for each in body.layers if isinstance(each, keras.layers.BatchNormalization)]
    if not layers:
        raise SightkitError(
            "The probe reads the statistics of batch normalization, and this network has none.",
            "Take mobilenetv2_0.35, for example.",
            network=body.name,
        )
    means, squares = _moments(bundle, layers, images)
    divergence = float(
        np.median([_divergence(*each) for each in zip(layers, means, squares, strict=True)])
    )
    majority, stages = None, []
    if labels is not None:
        truth = np.asarray(labels)
        counts = np.bincount(truth)
        majority = float(counts.max() / len(truth))
        folds = min(FOLDS, int(counts[counts > 0].min()))
        if folds >= 2 and (counts > 0).sum() >= 2:
            chosen = np.linspace(0, len(layers) - 1, STAGES + 1).round().astype(int)[1:]
            stages = [(layers[k].name, _separation(means[k], truth, folds)) for k in chosen]
    return Probe(
        network=network if isinstance(network, str) else body.name,
        images=len(images),
        divergence=divergence,
        similarity=1 / (1 + divergence / HALF),
        majority=majority,
        stages=tuple(stages),
    )


def _moments(
    bundle: Bundle, layers: Sequence[keras.layers.Layer], images: Sequence[Photo]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return mean and mean square over places of each layer's input: (N, channels) a layer."""
    inputs = [layer.input for layer in layers]
    outputs = [keras.ops.mean(x, axis=(1, 2)) for x in inputs]
    outputs += [keras.ops.mean(keras.ops.square(x), axis=(1, 2)) for x in inputs]
    probing = keras.Model(bundle.network.inputs[0], outputs)
    parts = []
    for start in range(0, len(images), BATCH):
        batch = [bundle.preprocessing(decoded(image)) for image in images[start : start + BATCH]]
        parts.append(probing.predict_on_batch(np.stack(batch)))
    joined = [np.concatenate(each) for each in zip(*parts, strict=True)]
    return joined[: len(layers)], joined[len(layers) :]


def _divergence(layer: keras.layers.Layer, means: np.ndarray, squares: np.ndarray) -> float:
    """Return the median over channels, nats; epsilon is added as the layer itself adds it."""
    mean = means.mean(axis=0, dtype=np.float64)
    variance = np.maximum(squares.mean(axis=0, dtype=np.float64) - mean**2, 0) + layer.epsilon
    known = keras.ops.convert_to_numpy(layer.moving_mean.value).astype(np.float64)
    spread = keras.ops.convert_to_numpy(layer.moving_variance.value) + layer.epsilon
    ratio = variance / spread
    return float(np.median(0.5 * (ratio + (mean - known) ** 2 / spread - 1 - np.log(ratio))))


def _separation(features: np.ndarray, labels: np.ndarray, folds: int) -> float:
    """Return the rank-1 accuracy of a standardized logistic regression on held-out rows."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=1000))
    parts = StratifiedKFold(folds, shuffle=True, random_state=0)
    return float(cross_val_score(model, features, labels, cv=parts).mean())
