"""A network cut at a layer: photos in, features out, its own preprocessing bound to it."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from typing_extensions import TypedDict

from sightkit import inference, training, zoo
from sightkit._errors import SightkitError
from sightkit._schema import Count, Name, Sha256
from sightkit.evaluation.crops import average_views, with_views
from sightkit.preprocessing import Pipeline, Preprocessor

if TYPE_CHECKING:
    import keras

Pool = Literal["avg", "flatten"]
BATCH_SIZE = 32
"""Views that go through the network at once."""
NEAREST = 5
"""Names that an error lists in place of an unknown one."""
SAME = ("network", "layer", "pool", "crops", "weights_sha256", "preprocessing")
"""Entries of the identity that networks with the same features share."""


class Identity(TypedDict):
    """What features are of: of a network, cut and fed in this way."""

    name: Name
    origin: dict[str, Any]
    network: zoo.Origin | zoo.ShortOrigin
    layer: Name
    pool: Pool
    crops: Literal[1, 2, 10]
    dimensions: Count
    weights_sha256: Sha256
    preprocessing: dict[str, Any]
    engine: Name
    precision: Name


@dataclass(frozen=True)
class FeatureNetwork:
    """A network whose output is features; made by ``open_network``.

    Attributes:
        build: gives ``model``: (N, H, W, C) to (N, D), a plain Keras model, built when it is first
            used.
        predictor: the same; preprocessed float32 to float32, by Keras unless ``open_network`` was
            given a cache, or ``for_many`` gave it.
        preprocessing: image, uint8 RGB or grey of any size, to what the network takes, before
            crops.
        identity: JSON: name, origin, network, layer, pool, crops, dimensions, weights_sha256,
            preprocessing, engine, precision.
    """

    build: Callable[[], keras.Model]
    predictor: inference.Predictor
    preprocessing: Preprocessor
    identity: dict[str, Any]

    @functools.cached_property
    def model(self) -> keras.Model:
        """(N, H, W, C) to (N, D), a plain Keras model."""
        return self.build()

    @functools.cached_property
    def _views(self) -> Pipeline:
        """The chain that makes the views of one image."""
        shape: Any = self.predictor.input_shape
        return with_views(self.preprocessing, shape[1:3], self.crops)

    @property
    def crops(self) -> int:
        """Views of each image."""
        return self.identity["crops"]

    @property
    def images_a_batch(self) -> int:
        """How many images give one batch of views."""
        return max(1, BATCH_SIZE // self.crops)

    def for_many(
        self,
        photos: int,
        examples: Sequence[np.ndarray],
        *,
        engine: inference.EngineName = "auto",
        precision: str = "float32",
        cache: str | os.PathLike[str] | None = None,
    ) -> FeatureNetwork:
        """Return the same, compiled for so many photos; engine and precision are in identity.

        The engine is settled by their number alone, or, where ``open_network`` was given a cache,
        by whether OpenVINO is installed: an extraction that was killed goes on with the engine that
        it was begun with.

        Args:
            photos: how many there are.
            examples: uint8 images of them that an engine is compared with Keras on.
            engine: see ``inference.compile``, as for all that follow.
            precision: what the network computes in; features are float32 either way.
            cache: folder where the converted network is saved for the next process.
        """
        own = self.predictor
        same = engine in ("auto", own.engine) and precision == own.precision
        if own.engine == "openvino" and same:  # from the cache, and Keras may not have been started
            return self
        predictor = inference.compile(
            self.model,
            images=photos * self.crops,
            engine=engine,
            examples=self.preprocessing.batch(examples),
            precision=precision,
            batch_size=BATCH_SIZE,
            cache=cache,
        )
        more = {"engine": predictor.engine, "precision": predictor.precision}
        return dataclasses.replace(self, predictor=predictor, identity={**self.identity, **more})

    def prepare(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Images of any sizes, uint8, to what ``features`` takes; for threads."""
        return self._views.batch(images)

    def features(self, prepared: np.ndarray) -> np.ndarray:
        """Features of what ``prepare`` gave: float32 (N, D), the mean over all views."""
        return average_views(self.predictor)(prepared)


def require_same_network(
    found: Mapping[str, Any],
    wanted: Mapping[str, Any],
    what: str = "these features' network",
    next_step: str = "Extract them again by the same network, layer, pool and crops.",
) -> None:
    """Raise unless two identities are of one network, cut and fed alike."""
    found, wanted = (
        {**identity, "network": zoo.short_origin(identity["network"])}
        for identity in (found, wanted)
    )
    differ = [field for field in SAME if found.get(field) != wanted.get(field)]
    if differ:
        raise SightkitError(
            f"Features must be of the network that they are used with; {what} differs in "
            f"{', '.join(differ)}.",
            next_step,
            found=describe_network(found),
            wanted=describe_network(wanted),
        )


def describe_network(identity: Mapping[str, Any]) -> str:
    """A network in a few words."""
    return (
        f"{identity['name']} at {identity['layer']}, {identity['pool']}, "
        f"{identity['crops']} crop(s), weights {str(identity['weights_sha256'])[:8]}"
    )


def default_layer(network: keras.Model) -> str:
    """The last layer whose output has height and width, else the one that ``logits`` reads."""
    import keras

    for layer in reversed(network.layers):
        shape = getattr(layer.output, "shape", ())
        if (
            len(shape) == 4
            and min(shape[1:3]) > 1
            and not isinstance(layer, keras.layers.InputLayer)
        ):
            return layer.name
    names = [layer.name for layer in network.layers]
    if "logits" not in names:
        raise SightkitError("The network has no layer of features.", "Name one.", network=names)
    return network.get_layer("logits").input._keras_history.operation.name


def require_layer(layer: str, names: Sequence[str], rule: str, argument: str) -> None:
    """Raise an error with this rule unless an argument names one of some layers."""
    if layer not in names:
        near = difflib.get_close_matches(layer, names, NEAREST, cutoff=0)
        raise SightkitError(
            rule,
            f"The nearest of {len(names)} are {', '.join(near)}; scripts/inspect_model.py lists "
            "them.",
            **{argument: layer},
        )


def cut_model(network: keras.Model, layer: str, pool: Pool) -> keras.Model:
    """Return the part of a network up to a layer, pooled; an error if there is no such layer."""
    import keras

    names = [each.name for each in network.layers]
    require_layer(layer, names, "layer must name a layer of the network.", "layer")
    output = network.get_layer(layer).output
    if len(output.shape) == 4:
        pooling = {"avg": keras.layers.GlobalAveragePooling2D, "flatten": keras.layers.Flatten}
        output = pooling[pool](name="features")(output)
    elif len(output.shape) != 2:
        raise SightkitError(
            "The layer's output must be (height, width, channels) or one vector an image.",
            layer=layer,
            shape=output.shape,
        )
    return keras.Model(network.inputs[0], output, name="features")


@dataclass(frozen=True)
class Source:
    """Where a network comes from.

    Attributes:
        name: what it is called.
        preprocessing: its chain.
        load: gives the network and JSON, the source of its weights.
        key: JSON that identifies it without its being loaded; None where there is none.
    """

    name: str
    preprocessing: Preprocessor
    load: Callable[[], tuple[keras.Model, dict[str, Any]]]
    key: dict[str, Any] | None = None


def cut_source(
    source: Source, layer: str | None, pool: Pool, crops: int, cache: str | os.PathLike[str] | None
) -> FeatureNetwork:
    """Cut a network at a layer, by its form in the cache where that is known; see ``open_network``.

    The facts that only the network knows are saved with the form.
    """
    chain = source.preprocessing
    load = functools.cache(source.load)

    def layer_of(network: keras.Model) -> str:
        return layer or default_layer(network)

    @functools.cache
    def build() -> keras.Model:
        network, _ = load()
        return cut_model(network, layer_of(network), pool)

    def facts() -> dict[str, Any]:
        network, origin = load()
        return {
            "origin": origin,
            "network": zoo.origin(network),
            "layer": layer_of(network),
            "dimensions": int(build().output_shape[-1]),
            "weights_sha256": training.weights_sha256(build()),
        }

    predictor, found = inference.load_or_compile(
        {**(source.key or {}), "layer": layer, "pool": pool},
        build,
        cache if source.key is not None else None,
        batch_size=BATCH_SIZE,
        examples=lambda: chain(example_image())[np.newaxis],
        facts=facts,
    )
    identity = {
        "name": source.name,
        "pool": pool,
        "crops": crops,
        "preprocessing": chain.to_config(),
        "engine": predictor.engine,
        "precision": predictor.precision,
        **found,
    }
    return FeatureNetwork(build, predictor, chain, identity)


def example_image(number: int = 0) -> np.ndarray:
    """uint8 (96, 128, 3): shades that differ in every channel and direction; each number others."""
    rows, columns = np.mgrid[0:96, 0:128]
    waves = 40 * np.sin(rows / (5 + number)) + 40 * np.cos(columns / (7 + 3 * number))
    return (
        np.stack([rows * 2 + waves, columns + waves, 200 - rows - waves], axis=-1)
        .clip(0, 255)
        .astype(np.uint8)
    )
