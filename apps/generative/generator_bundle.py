"""The bundle of a generator: latent vectors in, pictures out; its canary is a vector's picture."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from annotated_types import MinLen

from sightkit import io, zoo
from sightkit._errors import SightkitError
from sightkit.apps.generative.latent import draw_latents
from sightkit.apps.generative.pixel_range import to_uint8
from sightkit.training.bundle import OfNetwork, network_builder
from sightkit.training.bundle_format import (
    CANARY,
    WEIGHTS,
    Description,
    Kind,
    check_bundle,
    damaged,
    write_bundle,
)
from sightkit.training.classifier import load_by_kind

if TYPE_CHECKING:
    import keras

KIND = "generator"
BATCH = 256
CHANGED = 2
"""Grey levels by which a pixel of the canary may differ: other backends differ by 1."""


class GeneratorDescription(OfNetwork, Description):
    """The bundle.json of a generator."""

    noise: Literal["normal", "uniform"]
    latent: Annotated[list[float], MinLen(1)]


@dataclass(frozen=True, repr=False)
class GeneratorBundle:
    """A generator; made by ``load_generator``.

    Attributes:
        build: returns ``network``, built when it is first used.
        noise: distribution of its latent vectors, ``"normal"`` or ``"uniform"``.
        latent: their length.
        description: all of bundle.json.
        folder: that it was loaded from.
    """

    build: Callable[[], keras.Model]
    noise: str
    latent: int
    description: dict[str, Any]
    folder: Path

    @functools.cached_property
    def network(self) -> keras.Model:
        """Plain Keras model in float32."""
        return self.build()

    def __repr__(self) -> str:
        return f"<GeneratorBundle {zoo.name_of(self.description['network'])}, latent {self.latent}>"

    def draw(self, count: int, seed: int = 0) -> np.ndarray:
        """Draw latent vectors of its distribution: float32 (count, latent)."""
        return draw_latents(count, self.latent, noise=self.noise, seed=seed)

    def predict(self, latents: np.ndarray | int, seed: int = 0) -> np.ndarray:
        """Make pictures.

        Args:
            latents: float (N, latent), or (latent,) for one; or how many are drawn.
            seed: of the draw.

        Returns:
            uint8 (N, H, W, 1 or 3), RGB.

        Raises:
            SightkitError: vectors of another length, or a negative number of them.
        """
        if isinstance(latents, int | np.integer):
            if latents < 1:
                raise SightkitError("At least one picture is drawn.", count=latents)
            latents = self.draw(int(latents), seed)
        vectors = np.atleast_2d(np.asarray(latents, np.float32))
        if vectors.ndim != 2 or vectors.shape[1] != self.latent:
            raise SightkitError(
                f"Latent vectors of this generator are (N, {self.latent}).",
                "Draw them: bundle.draw(count, seed), or give a number in their place.",
                shape=vectors.shape,
            )
        return draw_pictures(self.network, vectors)

    def check_canary(self, folder: Path) -> None:
        """Compare the picture of the stored latent vector with the stored picture.

        Raises:
            SightkitError: a pixel differs by more than 2 grey levels.
        """
        expected = io.read_image(folder / CANARY).astype(int)
        found = self.predict(np.asarray(self.description["latent"]))[0].astype(int)
        alike = found.shape[:2] == expected.shape[:2]
        difference = int(np.abs(found - expected).max()) if alike else None
        if difference is None or difference > CHANGED:
            raise SightkitError(
                "A bundle must draw the canary's picture as it did when it was saved.",
                "Network or weights have changed: do not trust this bundle.",
                bundle=str(folder),
                difference=difference,
            )


def draw_pictures(network: keras.Model, latents: np.ndarray) -> np.ndarray:
    """Return a generator's pictures of latent vectors: float32 (N, n) to uint8 (N, H, W, C)."""
    return to_uint8(network.predict(latents, batch_size=BATCH, verbose=0))


def check_generator(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Check, without Keras, that a bundle is complete and a generator's; return its description."""
    return check_bundle(folder, (KIND,))


def save_generator(
    folder: str | os.PathLike[str],
    network: keras.Model,
    *,
    noise: str = "normal",
    seed: int = 0,
    metrics: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
) -> Path:
    """Write the bundle of a generator; an existing folder is replaced once the new one is complete.

    Args:
        folder: of the bundle.
        network: made by the zoo, in any precision; saved as a float32 network.
        noise: that it was trained on, ``"normal"`` or ``"uniform"``.
        seed: of the canary's latent vector.
        metrics: of the evaluation, JSON.
        training: facts of the training, JSON.

    Returns:
        The folder.

    Raises:
        SightkitError: a network that no builder of the zoo made.
    """
    from sightkit.training.bundle_writer import write_network

    saved = zoo.rebuild(zoo.origin(network))
    saved.set_weights(network.get_weights())
    latents = draw_latents(1, saved.input_shape[-1], noise=noise, seed=seed)
    picture = draw_pictures(saved, latents)[0]

    def write(place: Path) -> dict[str, Any]:
        return {
            **write_network(place, saved, picture),
            "class_names": ["sample"],
            "noise": noise,
            "latent": latents[0].tolist(),
            "training": dict(training or {}),
            "metrics": dict(metrics or {}),
            "canary": [float(picture.mean())],
        }

    return write_bundle(folder, KIND, write)


def load_generator(folder: str | os.PathLike[str]) -> GeneratorBundle:
    """Load the generator that a bundle describes, and check that it draws what it drew then.

    Raises:
        SightkitError: no bundle or one of another kind, a damaged file, or another picture of the
            canary's latent vector.
    """
    return load_by_kind(folder, (KIND,))


def _open(folder: Path, description: dict[str, Any], **options: Any) -> GeneratorBundle:
    size, build = len(description["latent"]), network_builder(folder, description)

    def build_checked() -> keras.Model:
        network = build()
        if network.input_shape[1:] != (size,):
            raise damaged(folder, "its latent vector is not as long as its network's")
        return network

    return GeneratorBundle(build_checked, description["noise"], size, description, folder)


def _check(folder: Path, description: Mapping[str, Any]) -> None:
    zoo.check_origin(description["network"])


KINDS = {
    KIND: Kind(
        "a generator of pictures",
        "sightkit.apps.generative.load_generator, or draw with scripts/generative/sample_dcgan.py",
        GeneratorDescription,
        lambda found: [WEIGHTS, CANARY],
        _check,
        _open,
    )
}
