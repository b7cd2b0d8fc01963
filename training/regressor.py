"""The bundle of a network that regresses numbers: a steering angle, an age, a count."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sightkit import inference, zoo
from sightkit._errors import SightkitError, few
from sightkit.io import read_image
from sightkit.preprocessing import Preprocessor, from_config
from sightkit.training.any_photo import for_grey_and_colour
from sightkit.training.bundle import NetworkDescription, check_network, network_builder
from sightkit.training.bundle_format import (
    CANARY,
    REGRESSOR,
    WEIGHTS,
    Kind,
    damaged,
    write_bundle,
)
from sightkit.training.classifier import OnPhotos, Photo, changed_canary, decoded, load_by_kind

if TYPE_CHECKING:
    import keras

RELATIVE, ABSOLUTE = 1e-2, 1e-5
"""Of the canary's numbers: pixels of another scale move them by far more."""


class Regressor(OnPhotos):
    """A network with its preprocessing and the names of its numbers; made by ``load_regressor``.

    Attributes:
        network: plain Keras model in float32, which ends in ``"linear"``.
        preprocessing: image, uint8 RGB or grey of any size, to the network's input.
        target_names: in the order of its numbers.
        description: all of bundle.json.
        folder: that it was loaded from; None where there is none.
    """

    def __init__(
        self,
        network: keras.Model,
        preprocessing: Preprocessor,
        target_names: Sequence[str],
        description: Mapping[str, Any] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.network = network
        self.preprocessing = preprocessing
        self.target_names = tuple(target_names)
        self.description = dict(description or {})
        self.folder = folder
        self._predictor = inference.compile(network, engine="keras")

    def __repr__(self) -> str:
        return f"<Regressor {self.network.name}: {few(self.target_names)}>"

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its numbers."""
        return self.target_names

    @property
    def images_a_batch(self) -> int:
        """As many as the predictor takes."""
        return self._predictor.batch_size

    def check_canary(self, folder: Path) -> None:
        """Compare the answer to the canary image in the bundle's folder with the stored one.

        Raises:
            SightkitError: a number is not within a hundredth of the one that was saved.
        """
        found, stored = self.predict(folder / CANARY)[0], np.asarray(self.description["canary"])
        if not np.isclose(found, stored, RELATIVE, ABSOLUTE).all():
            raise changed_canary("bundle", folder, float(np.abs(found - stored).max()))

    def _answer(self, images: list[np.ndarray]) -> np.ndarray:
        return self._predictor(np.stack([self.preprocessing(image) for image in images]))


def save_regressor(
    folder: str | os.PathLike[str],
    network: keras.Model,
    *,
    preprocessing: Preprocessor,
    target_names: Sequence[str],
    canary: Photo,
    metrics: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
) -> Path:
    """Write the bundle of a network that ends in ``"linear"``; an existing folder is replaced.

    Args:
        folder: of the bundle.
        network: trained, built by the zoo with ``end="linear"``; saved in float32.
        preprocessing: from decoded image to the network's input; where it takes only grey or only
            colour images, the step for the others is put first.
        target_names: one for each number, in their order.
        canary: uint8 image, (H, W, 3) RGB or (H, W, 1), or the path of an image file; the
            network's answer to it is stored and compared whenever the bundle is loaded.
        metrics: ``RegressionEvaluation.to_metrics()``, or other JSON.
        training: facts of the training, JSON.

    Returns:
        The folder.

    Raises:
        SightkitError: a network with another end, or names that are not one a number.
    """
    from sightkit.training.bundle_writer import answer_of, write_network

    names = [target_names] if isinstance(target_names, str) else list(target_names)
    origin = zoo.origin(network) if zoo.has_origin(network) else {}
    if origin.get("arguments", {}).get("end") != "linear":
        raise SightkitError(
            'A regressor must be a network of the zoo that ends in "linear".',
            ('build it by zoo.build(…, end="linear")', "save a classifier by training.save_bundle"),
            network=getattr(network, "name", network),
        )
    if len(set(names)) != network.output_shape[-1] or len(set(names)) < len(names):
        raise SightkitError(
            "Each number of a regression must have a name of its own.",
            target_names=names,
            outputs=network.output_shape[-1],
        )
    saved = zoo.rebuild(origin)
    saved.set_weights(network.get_weights())
    regressor = Regressor(saved, for_grey_and_colour(preprocessing, saved.input_shape[-1]), names)
    image = decoded(canary)

    def write(place: Path) -> dict[str, Any]:
        network = write_network(place, saved, image)
        answer = answer_of(saved, regressor.preprocessing, read_image(place / CANARY))
        if not np.isfinite(answer).all():
            raise SightkitError(
                "The numbers of a regressor must be finite.",
                "Its training diverged: train it again at a lower learning rate.",
                answer=answer.tolist(),
            )
        return {
            **network,
            "class_names": names,
            "preprocessing": regressor.preprocessing.to_config(),
            "training": dict(training or {}),
            "metrics": dict(metrics or {}),
            "canary": answer.tolist(),
        }

    return write_bundle(folder, REGRESSOR, write)


def load_regressor(folder: str | os.PathLike[str]) -> Regressor:
    """Load the network that a bundle describes, and check that it answers as when it was saved.

    Raises:
        SightkitError: no bundle or one of another kind, a damaged file, or an answer to the canary
            image that differs by more than a hundredth.
    """
    return load_by_kind(folder, (REGRESSOR,))


def _open(folder: Path, description: dict[str, Any]) -> Regressor:
    network, names = network_builder(folder, description)(), description["class_names"]
    if network.output_shape[-1] != len(names):
        raise damaged(folder, "its names are not as many as the numbers of its network")
    return Regressor(network, from_config(description["preprocessing"]), names, description, folder)


KINDS = {
    REGRESSOR: Kind(
        "a network that regresses numbers",
        "sightkit.training.load_regressor",
        NetworkDescription,
        lambda found: [WEIGHTS, CANARY],
        check_network,
        _open,
    )
}
