"""The network's own arguments, and where its weights begin."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sightkit import training
from sightkit._errors import SightkitError
from sightkit.experiments.flags.base import Flags

InitializerName = Literal[
    "default",
    "lsuv",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "orthogonal",
    "random_normal",
    "truncated_normal",
]
OF_THE_RUN = ("input_shape", "classes", "end", "name", "precision")
"""Arguments of a builder that the run gives: its loss, its checks and its bundle go with them."""
EXAMPLES = 64
"""Training images that LSUV scales weights by."""
WHITENING, PATCHED = "whitening", 1_000
"""Layer that whitens patches, and the training images that they are of."""


@dataclass(frozen=True, kw_only=True)
class NetworkFlags(Flags):
    """Arguments of the network's builder, and the first weights.

    Raises:
        SightkitError: no ``NAME=VALUE``, two ways to begin, or a folder that holds no bundle.
    """

    arguments: tuple[str, ...] = ()
    """Arguments of the network's builder, in place of the script's: dropout=0.3 activation=elu
    stages=[3,3,3]."""

    initializer: InitializerName = "default"
    """Initializer of all kernels in place of the network's own; ``lsuv``: orthonormal ones, scaled
    by training images until each layer's outputs have a variance of 1."""
    whitening: bool = True
    """Give a layer named ``whitening`` (of CifarNet) the eigenvectors of patches of training
    images, rather than random weights that stay."""
    weights: Path | None = None
    """Bundle (RUN/bundle) of the same network and classes, to begin from its weights."""

    def __post_init__(self) -> None:
        """Check the values."""
        super().__post_init__()
        _ = self.builder_arguments
        if self.initializer != "default" and self.weights is not None:
            raise SightkitError("The weights begin by --initializer or by --weights: give one.")
        if self.weights is not None:
            training.check_bundle(self.weights, training.ALONE)

    @property
    def builder_arguments(self) -> dict[str, Any]:
        """Arguments of the builder by name; what is no JSON is text."""
        pairs = [text.partition("=") for text in self.arguments]
        if not all(name.isidentifier() and value for name, _, value in pairs):
            raise SightkitError(
                "--arguments takes NAME=VALUE, arguments of the network's builder.",
                "Give --arguments dropout=0.3, for example.",
                arguments=self.arguments,
            )
        if taken := sorted({name for name, _, _ in pairs} & {*OF_THE_RUN}):
            raise SightkitError(
                "Images and classes are those of the data, and the end is that of --end.",
                f"Leave {', '.join(taken)} out of --arguments.",
                arguments=self.arguments,
            )
        return {name: _value(value) for name, _, value in pairs}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def begin(flags: NetworkFlags, network: Any, train: Any, class_names: Any, *, seed: int) -> None:
    """Give a network its first weights, where a flag decides them.

    Args:
        flags: which.
        network: built.
        train: training data, batches (x, …) by index.
        class_names: of the data, in label order.
        seed: of LSUV.

    Raises:
        SightkitError: the bundle is of another network, or of other classes.
    """
    if flags.weights is not None:
        _load(flags.weights, network, class_names)
        return
    if flags.initializer == "lsuv":
        training.initialize_lsuv(network, _images(train, EXAMPLES), seed=seed)
    elif flags.initializer != "default":
        import keras

        for layer in network._flatten_layers(include_self=False):
            if getattr(layer, "kernel", None) is not None:
                made = keras.initializers.get(flags.initializer)
                layer.kernel.assign(made(layer.kernel.shape))
    if flags.whitening and any(layer.name == WHITENING for layer in network.layers):
        training.initialize_whitening(network, _images(train, PATCHED), layer=WHITENING)


def _images(train: Any, count: int) -> np.ndarray:
    train.set_epoch(0)
    batches = min(-(-count // train.batch_size), len(train))
    return np.concatenate([train[index][0] for index in range(batches)])[:count]


def _load(folder: Path, network: Any, class_names: Any) -> None:
    bundle = training.load_bundle(folder)
    both = itertools.zip_longest(bundle.class_names, class_names)
    if other := next((pair for pair in both if pair[0] != pair[1]), None):
        raise SightkitError(
            "--weights must be a bundle of the same classes.",
            "Name another one; scripts/finetune.py --model takes one of other classes.",
            weights=str(folder),
            classes=len(bundle.class_names),
            here=len(class_names),
            first_other=other[0],
            first_other_here=other[1],
        )
    # Names of networks, not of builders: the bundle of a sigmoid is a description, see zoo.adopt.
    found, wanted = bundle.network.name, network.name
    shapes = [[each.shape for each in net.get_weights()] for net in (bundle.network, network)]
    if found != wanted or shapes[0] != shapes[1]:
        raise SightkitError(
            "--weights must be a bundle of the same network, of the same size.",
            "Name one of the same --end and --arguments, or leave it out.",
            weights=str(folder),
            network=f"{found}, {bundle.network.count_params():,} parameters",
            here=f"{wanted}, {network.count_params():,} parameters",
        )
    network.set_weights(bundle.network.get_weights())
