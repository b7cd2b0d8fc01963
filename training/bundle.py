"""The bundle of a network: a trained network as data, never code."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NotRequired

import numpy as np
from typing_extensions import TypedDict

from sightkit import inference, zoo
from sightkit import io as sightkit_io
from sightkit._schema import Count, Sha256, Whole
from sightkit.preprocessing import Preprocessor, from_config
from sightkit.training.bundle_format import (
    ALONE,
    CANARY,
    KERAS,
    NETWORK,
    TRAINING_ROWS,
    WEIGHTS,
    Description,
    Kind,
    damaged,
)
from sightkit.training.classifier import Classifier, load_by_kind
from sightkit.training.shown import steps

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, repr=False)
class Bundle(Classifier):
    """A network with its preprocessing and class names; made by ``load_bundle``.

    Attributes:
        build: returns ``network``, a plain Keras model in float32, built when it is first used.
        predictor: preprocessed (N, H, W, C) float32 to (N, classes) float32; by Keras, or by the
            engine that ``load_bundle`` has chosen.
        preprocessing: image, uint8 RGB or grey of any size, to what the predictor takes.
        class_names: in the order of the predictor's outputs.
        description: all of bundle.json.
        training_rows: the images that it was trained on, or None where they are unknown.
        folder: that it was loaded from; None where there is none.
    """

    build: Callable[[], keras.Model]
    predictor: inference.Predictor
    preprocessing: Preprocessor
    class_names: tuple[str, ...]
    description: dict[str, Any]
    training_rows: sightkit_io.Manifest | None = None
    folder: Path | None = None

    @classmethod
    def of(
        cls, network: keras.Model, preprocessing: Preprocessor, class_names: Sequence[str]
    ) -> Bundle:
        """Return the bundle of a network in memory, answered by Keras; it is in no folder."""
        predictor = inference.compile(network, engine="keras")
        return cls(lambda: network, predictor, preprocessing, tuple(class_names), {})

    @functools.cached_property
    def network(self) -> keras.Model:
        """Plain Keras model in float32."""
        return self.build()

    @property
    def images_a_batch(self) -> int:
        """As many as the predictor takes."""
        return self.predictor.batch_size

    def facts(self) -> dict[str, str]:
        """Network, parameters, preprocessing and training images, as text."""
        found = self.description
        facts = {"network": zoo.name_of(found["network"])}
        if "parameters" in found:
            facts["parameters"] = f"{found['parameters']:,}"
        facts["preprocessing"] = steps(self.preprocessing)
        if self.training_rows is not None:
            facts["training images"] = f"{len(self.training_rows.keys):,}"
        return facts

    def _answer(self, images: list[np.ndarray]) -> np.ndarray:
        return self.predictor(np.stack([self.preprocessing(image) for image in images]))


def load_bundle(
    folder: str | os.PathLike[str],
    *,
    images: int | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> Bundle:
    """Load the network that a bundle describes, and check that it answers as when it was saved.

    Only builders of the zoo and layers of ``keras.layers`` are called, and only weights are read:
    nothing in a bundle is code.

    Args:
        folder: of the bundle.
        images: number of images to predict, see ``inference.compile``; the engine is compared with
            Keras on the canary image and noise. Without a number and a cache Keras answers, always.
        cache: folder of compiled networks. With it OpenVINO answers wherever it is installed, and
            Keras is imported only where the network's form is not cached yet, or when ``network``
            is used, see ``inference.load_or_compile``.

    Raises:
        SightkitError: no bundle or one of another kind, a damaged file, an unknown builder or
            preprocessor, or an answer to the canary image that differs by more than 1e-2 in a
            log-probability.
    """
    return load_by_kind(folder, ALONE, images=images, cache=cache)


def _open(
    folder: Path,
    description: dict[str, Any],
    *,
    images: int | None,
    cache: str | os.PathLike[str] | None,
) -> Bundle:
    """Load the network of a bundle after ``check_bundle``; its canary is not checked yet."""
    class_names = tuple(description["class_names"])
    chain = from_config(description["preprocessing"])
    build, predictor = open_network(folder, description, chain, images=images, cache=cache)
    if predictor.output_shape[-1] != len(class_names):
        raise damaged(folder, "its class names are not as many as the outputs of its network")
    rows = read_training_rows(folder, description)
    return Bundle(build, predictor, chain, class_names, description, rows, folder)


def network_builder(
    folder: Path,
    description: Mapping[str, Any],
    rebuild: Callable[[], keras.Model] | None = None,
) -> Callable[[], keras.Model]:
    """Return what builds the network of a bundle of any kind, when it is first called.

    Args:
        folder: of the bundle, after ``check_bundle``.
        description: with ``network`` and ``weights_sha256``.
        rebuild: returns the network without its weights; as it was saved by default.

    Raises:
        SightkitError: when it is called: other weights than were saved.
    """

    @functools.cache
    def build() -> keras.Model:
        from sightkit.training.state import weights_sha256

        empty = rebuild or functools.partial(zoo.rebuild, description["network"])
        network = zoo.load_network(empty, folder / WEIGHTS)
        if weights_sha256(network) != description["weights_sha256"]:
            raise damaged(folder, f"{WEIGHTS} are not the weights of its network")
        return network

    return build


def open_network(
    folder: Path,
    description: Mapping[str, Any],
    prepare: Callable[[np.ndarray], np.ndarray],
    *,
    images: int | None = None,
    cache: str | os.PathLike[str] | None = None,
    batch_size: int = 256,
) -> tuple[Callable[[], keras.Model], inference.Predictor]:
    """Return what builds the network of a bundle of any kind, and its predictor.

    Args:
        folder: of the bundle, after ``check_bundle``.
        description: see ``network_builder``.
        prepare: a decoded image to the network's input.
        images: see ``load_bundle``.
        cache: see ``load_bundle``.
        batch_size: images that go through the network at once.
    """
    origin, build = description["network"], network_builder(folder, description)
    code = zoo.code_sha256(origin.get("builder", ""))
    predictor, _ = inference.load_or_compile(
        {"network": origin, "code": code, "weights": description["files"][WEIGHTS]},
        build,
        cache,
        images=images,
        batch_size=batch_size,
        examples=lambda: prepare(sightkit_io.read_image(folder / CANARY))[np.newaxis],
    )
    return build, predictor


def write_training_rows(folder: Path, rows: sightkit_io.Manifest | None) -> dict[str, Any]:
    """Write the images that were trained on; return what bundle.json says of them."""
    if rows is None:
        return {}
    rows.write(folder / TRAINING_ROWS)
    about = {"images": len(rows.keys), "preprocessing": dict(rows.preprocessing)}
    return {"training_rows": about}


def read_training_rows(folder: Path, description: Mapping[str, Any]) -> sightkit_io.Manifest | None:
    """Return the images that were trained on, where a bundle knows them."""
    about = description.get("training_rows")
    if about is None:
        return None
    return sightkit_io.Manifest.read(folder / TRAINING_ROWS, about["preprocessing"])


class TrainingRows(TypedDict):
    """The images that were trained on."""

    images: Count
    preprocessing: dict[str, Any]


class OfNetwork(TypedDict):
    """What every bundle.json with one network says of it, see ``write_network``."""

    network: zoo.Origin
    parameters: Whole
    weights_sha256: Sha256


class NetworkDescription(OfNetwork, Description):
    """The bundle.json of a network."""

    preprocessing: dict[str, Any]
    training_rows: NotRequired[TrainingRows]


def check_network(folder: Path, description: Mapping[str, Any]) -> None:
    """Check network and chain of a description, see ``Kind.check``."""
    zoo.check_origin(description["network"])
    from_config(description["preprocessing"])


KINDS = {
    kind: Kind(
        name,
        "sightkit.training.load_bundle",
        NetworkDescription,
        lambda found: [WEIGHTS, CANARY, *([TRAINING_ROWS] if "training_rows" in found else [])],
        check_network,
        _open,
    )
    for kind, name in ((NETWORK, "a network"), (KERAS, "a network of Keras"))
}
