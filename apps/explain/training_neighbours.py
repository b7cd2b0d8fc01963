"""The training photos that a network takes to be most like a photo, in its own feature space."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit import inference, training, transfer
from sightkit._errors import SightkitError
from sightkit._scripts import warn
from sightkit.apps.explain.neighbours import Neighbour, nearest, unit
from sightkit.training.classifier import Photo, decoded
from sightkit.transfer.feature_network import cut_model, default_layer

if TYPE_CHECKING:
    import keras

MOST = 20_000
"""Training photos that are looked at: of 2,048 features each they take 160 MB."""
BATCH = 256


class TrainingNeighbours:
    """Find training photos that are near to a photo in the feature space of a network itself.

    The space is what the network's last ``Dense`` takes (without one: its last feature maps,
    averaged); of a network with a head, what the head takes. Photos that are near each other there
    get nearly the same answer, whatever they show.

    Args:
        bundle: as ``training.load_bundle`` or ``transfer.load`` returns it.
        data: dataset file that it was trained on. Of its split those images are looked at that the
            bundle's training manifest lists, or all where it has none.
        split: of the file.
        most: training photos that are looked at, drawn at random where there are more (reported).

    Attributes:
        rows: int64 (n,), of the split, ascending: the training photos that are looked at.
        labels: int64 (n,).
        class_names: in label order.
        features: float32 (n, d), of unit length.

    Raises:
        SightkitError: not a dataset file of images, no such split, other classes than those of the
            network, or no image that the network was trained on.

    Example:
        found = TrainingNeighbours(training.load_bundle("runs/x/bundle"), "datasets/x.h5")
        for neighbour in found.of(["photo.jpg"])[0]:
            print(neighbour.class_name, neighbour.similarity, neighbour.name)
    """

    def __init__(
        self,
        bundle: training.Bundle | transfer.FeatureClassifier,
        data: str | os.PathLike[str],
        *,
        split: str = "train",
        most: int = MOST,
    ) -> None:
        opened, _ = transfer.open_for_evaluation(bundle, data, split=split)
        batches: Any = opened.batches
        if opened.split is None:
            raise SightkitError(
                "The training data must be a dataset file.",
                "Name the file that the network was trained on (.h5).",
                data=str(data),
            )
        rows = np.arange(len(batches.labels)) if opened.seen is None else np.array([*opened.seen])
        if len(rows) < 2:
            raise SightkitError(
                "The data must hold images that the network was trained on.",
                "Name the file that it was trained on, and its split.",
                data=str(data),
                split=split,
            )
        if len(rows) > most:
            warn(f"{most:,} of {len(rows):,} training photos, drawn at random, are looked at.")
            rows = np.random.default_rng(0).choice(rows, most, replace=False)
        self.rows = np.sort(rows).astype(np.int64)
        self.labels = batches.labels[self.rows]
        self.class_names = bundle.class_names
        self._batches = batches
        self._features_of = _space(bundle, batches, len(self.rows))
        self.features = self._features(batches.images, self.rows, stored=True)

    def of(
        self, photos: Sequence[Photo], k: int = 3, *, stored: bool = False
    ) -> list[list[Neighbour]]:
        """Return the nearest training photos of each photo, the most similar first.

        Args:
            photos: paths, or uint8 images (H, W, 3) in RGB order or (H, W, 1).
            k: neighbours.
            stored: the photos are rows of the data, of any split: images that have been through the
                first steps of the network's chain.

        Raises:
            SightkitError: a photo that cannot be read, ``k`` larger than the number of training
                photos, features that are not finite.
        """

        def read(rows: np.ndarray) -> list[np.ndarray]:
            return [decoded(photos[row]) for row in rows.tolist()]

        queries = self._features(read, np.arange(len(photos)), stored=stored)
        found = nearest(queries, self.features, k)
        places, back = np.unique(found.rows, return_inverse=True)
        rows = self.rows[places]
        names, images = self._batches.sources(rows), self._batches.images(rows)
        back = back.reshape(found.rows.shape)
        return [
            [
                Neighbour(
                    names[place],
                    self.class_names[self.labels[places[place]]],
                    float(cosine),
                    np.array(images[place]),
                )
                for place, cosine in zip(own.tolist(), cosines, strict=True)
            ]
            for own, cosines in zip(back, found.similarities, strict=True)
        ]

    def _features(
        self, read: Callable[[np.ndarray], Any], rows: np.ndarray, *, stored: bool
    ) -> np.ndarray:
        """Return features of images, float32 (n, d) of unit length, a batch at a time."""
        parts = [
            unit(self._features_of(list(read(rows[at : at + BATCH])), stored))
            for at in range(0, len(rows), BATCH)
        ]
        return np.concatenate(parts)


def last_features(network: keras.Model) -> str:
    """Return the layer whose output a network's last ``Dense`` takes, else its last feature maps.

    Raises:
        SightkitError: a network without either.
    """
    import keras

    dense = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    return dense[-1].input._keras_history.operation.name if dense else default_layer(network)


def _space(
    bundle: training.Bundle | transfer.FeatureClassifier, batches: Any, count: int
) -> Callable[[list[np.ndarray], bool], np.ndarray]:
    """Return what takes features of images: uint8, and whether they are rows of the data."""
    if isinstance(bundle, transfer.FeatureClassifier):
        chain = training.photo_chain(batches.data.file)[0].to_config()
        return lambda images, stored: bundle.features(images, chain if stored else None)
    network, rest = bundle.network, batches.data.preprocessors
    predictor = inference.compile(
        cut_model(network, last_features(network), "avg"),
        images=count,
        examples=rest.batch(batches.images(slice(0, 8))),
    )
    return lambda images, stored: predictor(
        (rest if stored else bundle.preprocessing).batch(images)
    )
