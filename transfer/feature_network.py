"""A network cut at a layer: photos in, features out, its own preprocessing bound to it."""

from __future__ import annotations

import dataclasses
import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np

from sightkit import inference, training, zoo
from sightkit._errors import SightkitError
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    ColourPreprocessor,
    GrayscalePreprocessor,
    ImageToArrayPreprocessor,
    Pipeline,
    Preprocessor,
    from_config,
)
from sightkit.transfer import imagenet
from sightkit.transfer.network_names import check_network, is_bundle
from sightkit.transfer.views import all_views, with_crops

Pool = Literal["avg", "flatten"]
BATCH_SIZE = 32
"""Views that go through the network at once."""
NEAREST = 5
"""Names that an error gives of what is not there."""
SAME = ("network", "layer", "pool", "crops", "weights_sha256", "preprocessing")
"""What two networks must agree on for one's features to be the other's."""


@dataclass(frozen=True)
class FeatureNetwork:
    """A network whose output is features; made by ``open_network`` and ``FeatureNetwork.cut``.

    Attributes:
        model: (N, H, W, C) to (N, D), a plain Keras model.
        predictor: the same; preprocessed float32 to float32, by Keras unless ``for_many`` gave it.
        preprocessing: image, uint8 RGB or grey of any size, to what the network takes, before
            crops.
        identity: JSON: name, origin, network, layer, pool, crops, dimensions, weights_sha256,
            preprocessing, engine, precision.
    """

    model: keras.Model
    predictor: inference.Predictor
    preprocessing: Preprocessor
    identity: dict[str, Any]

    @classmethod
    def cut(
        cls,
        network: keras.Model,
        preprocessing: Preprocessor,
        *,
        name: str,
        origin: Mapping[str, Any],
        layer: str | None = None,
        pool: Pool = "avg",
        crops: int = 1,
    ) -> FeatureNetwork:
        """Cut a network of the zoo at a layer.

        Args:
            network: built by the zoo.
            preprocessing: its chain.
            name: what it is called.
            origin: JSON that says where its weights come from.
            layer: whose output is taken; by default the last one with height and width, or,
                where no layer has them, what ``logits`` reads.
            pool: of an output with height and width: its mean over both, or all of it.
            crops: views of an image whose features are averaged: 1, 2 or 10.

        Raises:
            SightkitError: no such layer, pooling or number of crops.
        """
        with_crops(preprocessing, crops)  # raises where the chain has no ten crops
        layer = layer or default_layer(network)
        model = _model(network, layer, pool)
        predictor = inference.compile(model, batch_size=BATCH_SIZE)
        identity = {
            "name": name,
            "origin": dict(origin),
            "network": zoo.origin(network),
            "layer": layer,
            "pool": pool,
            "crops": crops,
            "dimensions": int(model.output_shape[-1]),
            "weights_sha256": training.weights_sha256(model),
            "preprocessing": preprocessing.to_config(),
            "engine": predictor.engine,
            "precision": predictor.precision,
        }
        return cls(model, predictor, preprocessing, identity)

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

        The engine is settled by their number alone: an extraction that was killed goes on with the
        engine that it was begun with.

        Args:
            photos: how many there are.
            examples: uint8 images of them that an engine is compared with Keras on.
            engine: see ``inference.compile``, as for all that follow.
            precision: what the network computes in; features are float32 either way.
            cache: folder where the converted network is saved for the next process.
        """
        predictor = inference.compile(
            self.model,
            images=photos * self.crops,
            engine=engine,
            examples=all_views(self.prepare(examples), self.crops)[:, 0],
            precision=precision,
            batch_size=BATCH_SIZE,
            cache=cache,
        )
        more = {"engine": predictor.engine, "precision": predictor.precision}
        return dataclasses.replace(self, predictor=predictor, identity={**self.identity, **more})

    def prepare(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Images of any sizes, uint8, to what ``features`` takes; for threads."""
        return with_crops(self.preprocessing, self.crops).batch(images)

    def features(self, prepared: np.ndarray) -> np.ndarray:
        """Features of what ``prepare`` gave: float32 (N, D), the mean over all views."""
        views = all_views(prepared, self.crops)
        count, crops = views.shape[:2]
        flat = self.predictor(views.reshape(-1, *views.shape[2:]))
        if crops == 1:
            return np.asarray(flat, np.float32)
        return flat.reshape(count, crops, -1).mean(axis=1, dtype=np.float32)


def open_network(
    name: str | os.PathLike[str],
    *,
    layer: str | None = None,
    pool: Pool = "avg",
    crops: int = 1,
    random: bool = False,
) -> FeatureNetwork:
    """Open a network for its features.

    Args:
        name: of a network trained on ImageNet (``transfer.names()``), or the folder of a bundle
            that one of the training scripts wrote; with ``random`` a name of the zoo.
        layer: whose output is taken, see ``FeatureNetwork.cut``.
        pool: ``"avg"`` or ``"flatten"``.
        crops: views of an image whose features are averaged: 1, 2 or 10.
        random: weights as they are drawn, with seed 0, for comparison and for trials.

    Raises:
        SightkitError: an unknown name, weights that are not to be had, no such layer.

    Example:
        network = open_network("mobilenetv2_0.35", crops=2)
        network.features(network.prepare([image]))
    """
    check_network(name, pool=pool, crops=crops, random=random)
    name = os.fspath(name)
    options: dict[str, Any] = {"layer": layer, "pool": pool, "crops": crops}
    if random:
        network = _random(name)
        chain = plain_chain(network.input_shape[1:])
        return FeatureNetwork.cut(network, chain, name=name, origin={"random": 0}, **options)
    if is_bundle(name):
        bundle = training.load_bundle(name)
        origin = {"bundle": str(Path(name).absolute())}
        network, chain = bundle.network, bundle.preprocessing
        title = str(bundle.description["network"]["builder"])
        return FeatureNetwork.cut(network, chain, name=title, origin=origin, **options)
    network, include_top = _pretrained(name, layer)
    origin = {"pretrained": name, "include_top": include_top}
    chain = imagenet.preprocessing_of(name)
    return FeatureNetwork.cut(network, chain, name=name, origin=origin, **options)


def open_again(identity: Mapping[str, Any]) -> FeatureNetwork:
    """Open the network that features were extracted with, by what their file says of it.

    Raises:
        SightkitError: the network is gone, or has other weights now.
    """
    origin = identity["origin"]
    name = origin.get("bundle") or origin.get("pretrained") or identity["name"]
    found = open_network(
        name,
        layer=identity["layer"],
        pool=identity["pool"],
        crops=identity["crops"],
        random="random" in origin,
    )
    require_same_network(found.identity, identity, "the network that is here now")
    return found


def rebuild(identity: Mapping[str, Any], weights: Path) -> FeatureNetwork:
    """Build a network by its identity, with the weights of a file that ``model`` saved."""
    network = zoo.build(
        identity["network"]["builder"], precision="float32", **identity["network"]["arguments"]
    )
    model = _model(network, identity["layer"], identity["pool"])
    zoo.load_weights(model, weights)
    return FeatureNetwork(
        model,
        inference.compile(model, batch_size=BATCH_SIZE),
        from_config(identity["preprocessing"]),
        dict(identity),
    )


def require_same_network(
    found: Mapping[str, Any], wanted: Mapping[str, Any], what: str = "these features' network"
) -> None:
    """Raise unless two identities are of one network, cut and fed alike."""
    differ = [field for field in SAME if found.get(field) != wanted.get(field)]
    if differ:
        raise SightkitError(
            f"Features must be of the network that they are used with; {what} differs in "
            f"{', '.join(differ)}.",
            "Extract them again with the same --model, --layer, --pool and --crops.",
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


def plain_chain(shape: Sequence[int]) -> Pipeline:
    """The middle of any photo, scaled to 0–1, for a network that brings no chain of its own."""
    height, width, channels = shape
    colour = GrayscalePreprocessor() if channels == 1 else ColourPreprocessor()
    return Pipeline((colour, AspectAwarePreprocessor(width, height), ImageToArrayPreprocessor()))


def _model(network: keras.Model, layer: str, pool: Pool) -> keras.Model:
    names = [each.name for each in network.layers]
    if layer not in names:
        near = difflib.get_close_matches(layer, names, NEAREST, cutoff=0)
        raise SightkitError(
            "layer must name a layer of the network.",
            f"The nearest of its {len(names)} are {', '.join(near)}; scripts/inspect_model.py "
            "lists them.",
            layer=layer,
        )
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


def _pretrained(name: str, layer: str | None) -> tuple[keras.Model, bool]:
    """With the classifier only where its weights alone are here, or the layer is one of its."""
    here = [top for top in (False, True) if imagenet.at_hand(name, include_top=top)]
    first = here[0] if here else False
    network = imagenet.trained_network(name, include_top=first)
    if layer is None or first or layer in {each.name for each in network.layers}:
        return network, first
    whole = imagenet.random_network(name, include_top=True)
    if layer not in {each.name for each in whole.layers}:  # no reason to look for its weights
        return network, first
    return imagenet.trained_network(name, include_top=True), True


def _random(name: str) -> keras.Model:
    keras.utils.set_random_seed(0)
    return zoo.build(name, **zoo.published_arguments(name))
