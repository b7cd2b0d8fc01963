"""Opening networks for their features: pretrained ones, bundles, and those of a stored head.

No Keras until one is opened: a wrong name is reported at once.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit import inference, training, zoo
from sightkit._errors import SightkitError
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    ImageToArrayPreprocessor,
    Pipeline,
    from_config,
)
from sightkit.training.bundle_format import WEIGHTS, damaged
from sightkit.transfer import imagenet
from sightkit.transfer.feature_network import (
    BATCH_SIZE,
    FeatureNetwork,
    Pool,
    Source,
    cut_model,
    cut_source,
    example_image,
    require_same_network,
)
from sightkit.transfer.sources import is_bundle, source_of

if TYPE_CHECKING:
    import keras


def check_network(
    name: str | os.PathLike[str], *, pool: str = "avg", crops: int = 1, random: bool = False
) -> None:
    """Raise unless ``open_network`` may know the name, the pooling and the number of crops.

    Raises:
        SightkitError: an unknown name (the nearest ones are listed), or a damaged bundle.
    """
    if crops not in (1, 2, 10):
        raise SightkitError(
            "crops must be 1 (the middle), 2 (with its mirror image) or 10 (five crops, both ways "
            "round).",
            crops=crops,
        )
    if pool not in ("avg", "flatten"):
        raise SightkitError('pool must be "avg" or "flatten".', pool=pool)
    if random:
        zoo.entry(os.fspath(name))
    elif is_bundle(name):
        training.check_bundle(name, training.ALONE)
    else:
        source_of(os.fspath(name))


def open_network(
    name: str | os.PathLike[str],
    *,
    layer: str | None = None,
    pool: Pool = "avg",
    crops: int = 1,
    random: bool = False,
    cache: str | os.PathLike[str] | None = None,
) -> FeatureNetwork:
    """Open a network for its features.

    Args:
        name: of a network trained on ImageNet (``transfer.names()``), or the folder of a bundle
            that one of the training scripts wrote; with ``random`` a name of the zoo.
        layer: whose output is taken; by default the last one with height and width, or, where no
            layer has them, what ``logits`` reads.
        pool: of an output with height and width: its mean over both, or all of it.
        crops: views of an image whose features are averaged: 1, 2 or 10.
        random: weights as they are drawn, with seed 0, for comparison and for trials.
        cache: folder of compiled networks. With it OpenVINO answers wherever it is installed, but
            for random weights, and Keras is imported only where the form does not exist yet, see
            ``inference.load_or_compile``.

    Raises:
        SightkitError: an unknown name, weights that are not available, no such layer.

    Example:
        network = open_network("mobilenetv2_0.35", crops=2)
        network.features(network.prepare([image]))
    """
    check_network(name, pool=pool, crops=crops, random=random)
    name = os.fspath(name)
    if random:
        arguments = zoo.published_arguments(name)
        chain = plain_chain(arguments["input_shape"])
        source = Source(name, chain, lambda: (_random(name, arguments), {"random": 0}))
    elif is_bundle(name):
        source = _of_bundle(name)
    else:
        source = _pretrained(name, layer, hashed=cache is not None)
    return cut_source(source, layer, pool, crops, cache)


def open_again(
    identity: Mapping[str, Any], *, cache: str | os.PathLike[str] | None = None
) -> FeatureNetwork:
    """Open the network that features were extracted with, by its description in their file.

    Args:
        identity: of the network.
        cache: see ``open_network``.

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
        cache=cache,
    )
    require_same_network(found.identity, identity, "the network that is here now")
    return found


def plain_chain(shape: Sequence[int]) -> Pipeline:
    """Return a chain for a network without one: the middle of any photo, scaled to 0–1."""
    height, width, channels = shape
    middle = AspectAwarePreprocessor(width, height)
    return Pipeline((training.step_to(channels), middle, ImageToArrayPreprocessor()))


def rebuild(
    identity: Mapping[str, Any],
    weights: Path,
    sha256: str,
    *,
    images: int | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> FeatureNetwork:
    """Build a network by its identity, with the weights of a file that ``model`` saved.

    Args:
        identity: of a feature network.
        weights: the file.
        sha256: its hash, which was compared.
        images: how many are to be answered, see ``inference.compile``.
        cache: see ``open_network``.
    """
    origin, layer, pool = (identity[name] for name in ("network", "layer", "pool"))

    @functools.cache
    def build() -> keras.Model:
        part = functools.partial(zoo.only_used, lambda: cut_model(zoo.rebuild(origin), layer, pool))
        model = zoo.load_network(part, weights)
        if training.weights_sha256(model) != identity["weights_sha256"]:
            raise damaged(weights.parent, f"{weights.name} are not the weights of its network")
        return model

    chain = from_config(identity["preprocessing"])
    key = {
        "network": origin,
        "code": zoo.code_sha256(),
        "layer": layer,
        "pool": pool,
        "weights": [sha256, identity["weights_sha256"]],
    }
    predictor, _ = inference.load_or_compile(
        key,
        build,
        cache,
        images=None if images is None else images * identity["crops"],
        batch_size=BATCH_SIZE,
        examples=lambda: chain(example_image())[np.newaxis],
    )
    return FeatureNetwork(build, predictor, chain, dict(identity))


def _of_bundle(folder: str) -> Source:
    description = training.check_bundle(folder, training.ALONE)
    origin = {"bundle": str(Path(folder).resolve())}
    return Source(
        zoo.name_of(description["network"]),
        from_config(description["preprocessing"]),
        lambda: (training.load_bundle(folder).network, origin),
        {
            "network": description["network"],
            "bundle": origin["bundle"],
            "code": zoo.code_sha256(),
            "weights": description["files"][WEIGHTS],
        },
    )


def _pretrained(name: str, layer: str | None, *, hashed: bool) -> Source:
    """Return the source, with the classifier where only its weights are here or hold the layer."""
    here = [top for top in (False, True) if imagenet.weights_available(name, include_top=top)]

    def has_layer(network: keras.Model) -> bool:
        return layer is None or layer in {each.name for each in network.layers}

    def load() -> tuple[keras.Model, dict[str, Any]]:
        top = bool(here and here[0])
        network = imagenet.trained_network(name, include_top=top)
        # Other weights are looked for only where they are of a network that has the layer.
        if not top and not has_layer(network) and has_layer(imagenet.random_network(name)):
            top, network = True, imagenet.trained_network(name)
        return network, {"pretrained": name, "include_top": top}

    key = None
    if here and hashed:
        tops = here[:1] if layer is None else here
        key = {"tops": [imagenet.saved_weights(name, include_top=top) for top in tops]}
    return Source(name, imagenet.preprocessing_of(name), load, key)


def _random(name: str, arguments: Mapping[str, Any]) -> keras.Model:
    import keras

    keras.utils.set_random_seed(0)
    return zoo.build(name, **arguments)
