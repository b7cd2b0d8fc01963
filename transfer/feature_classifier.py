"""Networks with a head on their features: photos in, probabilities out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NotRequired

import numpy as np
from annotated_types import MinLen
from typing_extensions import TypedDict

from sightkit import _files, training, zoo
from sightkit import io as sightkit_io
from sightkit._errors import SightkitError
from sightkit._network import bytes_of_weights, save_weights
from sightkit.preprocessing import Preprocessor, from_config
from sightkit.training.bundle import TrainingRows, read_training_rows, write_training_rows
from sightkit.training.bundle_format import (
    CANARY,
    DISTANCE,
    HEAD,
    NETWORK_AND_HEAD,
    NETWORK_WEIGHTS,
    TRAINING_ROWS,
    Description,
    Kind,
    write_bundle,
)
from sightkit.training.canary import choose_canary
from sightkit.training.classifier import Classifier, load_by_kind
from sightkit.training.shown import steps
from sightkit.transfer.feature_file import Features
from sightkit.transfer.feature_network import (
    FeatureNetwork,
    Identity,
    describe_network,
    example_image,
)
from sightkit.transfer.heads.distance import ClassDistance
from sightkit.transfer.heads.storage import Head, load_head, save_head
from sightkit.transfer.network_sources import open_again, rebuild

EXAMPLES = 12
"""Patterns that the canary is chosen from."""


@dataclass(frozen=True, repr=False)
class FeatureClassifier(Classifier):
    """Networks, cut, and a head on their features side by side; made by ``load``.

    Attributes:
        networks: each with its preprocessing.
        before: for each network the chain that its photos had been through in their
            dataset file; None where features were taken of photos as they are.
        head: features to probabilities.
        class_names: in the order of the probabilities.
        description: all of bundle.json.
        distance: from its classes, for ``predict_known``; None where it was not measured.
        training_rows: the photos that the head was trained on, or None where they are unknown.
        folder: that it was loaded from; None where there is none.
    """

    networks: tuple[FeatureNetwork, ...]
    before: tuple[Preprocessor | None, ...]
    head: Head
    class_names: tuple[str, ...]
    description: dict[str, Any]
    distance: ClassDistance | None = None
    training_rows: sightkit_io.Manifest | None = None
    folder: Path | None = None

    @property
    def images_a_batch(self) -> int:
        """Images at once: as many as each network takes."""
        return min(network.images_a_batch for network in self.networks)

    def features(
        self, images: Sequence[np.ndarray], stored: Mapping[str, Any] | None = None
    ) -> np.ndarray:
        """Return features of all networks side by side, float32 (N, dimensions), of decoded images.

        Args:
            images: uint8 (H, W, 3) or (H, W, 1) each.
            stored: config of the chain that the images have been through already; a network whose
                own photos had been through the same takes them as they are.
        """
        columns = []
        for network, before in zip(self.networks, self.before, strict=True):
            given = images
            if before is not None and before.to_config() != stored:
                given = [before(image) for image in images]
            columns.append(network.features(network.prepare(given)))
        return np.concatenate(columns, axis=1)

    def predict_known(
        self, images: Sequence[np.ndarray], lost: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return probabilities, and for each decoded image whether it is like one of the classes.

        Args:
            images: uint8 (H, W, 3) or (H, W, 1) each.
            lost: share of photos of its own classes that may count as unlike them, above 0.
        """
        if self.distance is None:
            raise SightkitError("The bundle has no distances.", "Train it again.", distance=None)
        size = self.images_a_batch
        features = np.concatenate(
            [self.features(images[at : at + size]) for at in range(0, len(images), size)]
        )
        known = self.distance.distances(features) <= self.distance.limit(lost)
        return self.head.predict_proba(features), known

    def facts(self) -> dict[str, str]:
        """Networks, their preprocessing, head and training photos, as text."""
        facts = {
            "networks": "; ".join(describe_network(each.identity) for each in self.networks),
            "preprocessing": "; ".join(steps(each.preprocessing) for each in self.networks),
            "head": type(self.head).__name__,
        }
        if self.training_rows is not None:
            facts["training photos"] = f"{len(self.training_rows.keys):,}"
        return facts

    def _answer(
        self, images: list[np.ndarray], stored: Mapping[str, Any] | None = None
    ) -> np.ndarray:
        return self.head.predict_proba(self.features(images, stored))


def networks_of(
    features: Features, *, cache: str | os.PathLike[str] | None = None
) -> tuple[FeatureNetwork, ...]:
    """Open the networks of some features again.

    Args:
        features: from ``open_features``.
        cache: folder of compiled networks, see ``open_network``.

    Raises:
        SightkitError: one is gone, or has other weights now.
    """
    return tuple(open_again(identity, cache=cache) for identity in features.networks)


def require_space(folder: str | os.PathLike[str], networks: Sequence[FeatureNetwork]) -> None:
    """Raise unless the disk under a folder has room for the bundle of networks and a head."""
    needed = sum(bytes_of_weights(network.model) for network in networks)
    _files.require_free_space(folder, needed, "the networks of the bundle")


def save_feature_classifier(
    folder: str | os.PathLike[str],
    networks: Sequence[FeatureNetwork],
    features: Features,
    head: Head,
    *,
    metrics: Mapping[str, Any],
    settings: Mapping[str, Any],
    distance: ClassDistance | None = None,
    training_rows: sightkit_io.Manifest | None = None,
) -> Path:
    """Write networks and head as data; an existing folder is replaced once the new is complete.

    Args:
        folder: of the bundle.
        networks: those of ``networks_of(features)``.
        features: what the head was trained on.
        head: fitted.
        metrics: what was measured, JSON.
        settings: how it was trained, JSON.
        distance: of photos from its classes.
        training_rows: the photos that the head was trained on, see ``training.save_bundle``.
    """
    before = [file.recipe.get("before") for file in features.files]
    classifier = FeatureClassifier(
        tuple(networks), tuple(map(_chain, before)), head, features.class_names, {}
    )

    def write(place: Path) -> dict[str, Any]:
        for index, network in enumerate(networks):
            save_weights(network.model, place / NETWORK_WEIGHTS.format(index))
        images = map(example_image, range(EXAMPLES))
        canary = choose_canary(images, lambda image: image, classifier.predict)
        sightkit_io.write_png(place / CANARY, canary.image)
        if distance is not None:
            distance.save(place / DISTANCE)
        return {
            "networks": [
                {"identity": network.identity, "before": chain}
                for network, chain in zip(networks, before, strict=True)
            ],
            "head": save_head(place, head),
            "class_names": list(features.class_names),
            "training": dict(settings),
            "metrics": dict(metrics),
            "canary": classifier.predict([place / CANARY])[0].tolist(),
            **write_training_rows(place, training_rows),
        }

    return write_bundle(folder, NETWORK_AND_HEAD, write)


def load(
    folder: str | os.PathLike[str],
    *,
    images: int | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> FeatureClassifier | training.Bundle:
    """Load a trained classifier of either kind: networks with a head, or a network alone.

    Only builders of the zoo are called and only arrays are read: nothing in it is code.

    Args:
        folder: of the bundle.
        images: how many are to be answered; without a number and a cache Keras answers, always.
        cache: folder of compiled networks, see ``training.load_bundle``.

    Raises:
        SightkitError: no bundle, a damaged one, or an answer to the canary image that differs by
            more than 1e-2 in a log-probability.

    Example:
        classifier = load("runs/photos/logistic/bundle")
        classifier.top(classifier.predict(["photo.jpg"]), 5)
    """
    return load_by_kind(folder, images=images, cache=cache)


def _open(
    folder: Path,
    description: dict[str, Any],
    *,
    images: int | None,
    cache: str | os.PathLike[str] | None,
) -> FeatureClassifier:
    names = tuple(description["class_names"])
    dimensions = sum(entry["identity"]["dimensions"] for entry in description["networks"])
    head = load_head(folder, description["head"], classes=len(names), dimensions=dimensions)
    networks = []
    for index, entry in enumerate(description["networks"]):
        name = NETWORK_WEIGHTS.format(index)
        sha256 = description["files"][name]
        networks.append(
            rebuild(entry["identity"], folder / name, sha256, images=images, cache=cache)
        )
    before = tuple(_chain(entry["before"]) for entry in description["networks"])
    distance = None
    if DISTANCE in description["files"]:
        distance = ClassDistance.load(folder / DISTANCE, len(names), dimensions)
    trained = read_training_rows(folder, description)
    return FeatureClassifier(
        tuple(networks), before, head, names, description, distance, trained, folder
    )


def _chain(config: dict[str, Any] | None) -> Preprocessor | None:
    return from_config(config) if config else None


class NetworkOfHead(TypedDict):
    """A network whose features a head takes."""

    identity: Identity
    before: dict[str, Any] | None


class HeadDescription(Description):
    """The bundle.json of networks with a head."""

    networks: Annotated[list[NetworkOfHead], MinLen(1)]
    head: dict[str, Any]
    training_rows: NotRequired[TrainingRows]


def _check(folder: Path, description: Mapping[str, Any]) -> None:
    for entry in description["networks"]:
        zoo.check_origin(entry["identity"]["network"])
        for chain in (entry["identity"]["preprocessing"], entry["before"]):
            _chain(chain)


KINDS = {
    NETWORK_AND_HEAD: Kind(
        "networks with a head on their features",
        "sightkit.transfer.load",
        HeadDescription,
        lambda found: [
            HEAD,
            CANARY,
            *({DISTANCE, TRAINING_ROWS} & set(found["files"])),
            *map(NETWORK_WEIGHTS.format, range(len(found["networks"]))),
        ],
        _check,
        _open,
    )
}
