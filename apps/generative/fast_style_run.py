"""The training of a fast style network, from its flags to its bundle."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from sightkit import _files, _run_files, callbacks, io, training
from sightkit._arrays import sha256_of
from sightkit.apps.generative.fast_style_bundle import FastStyleBundle
from sightkit.apps.generative.fast_style_flags import FastStyleFlags
from sightkit.apps.generative.fast_style_network import FastStyle
from sightkit.apps.generative.patch_batches import PatchBatches, grid_batches
from sightkit.apps.generative.picture_flags import made_up_network, open_pretrained
from sightkit.apps.generative.pictures import resized
from sightkit.apps.generative.style import TERMS, StyleLoss, StyleWeights
from sightkit.apps.generative.style_run import open_style

WARM_UP = 0.05
"""Share of the steps in which the rate rises."""
STYLE_STAGES = 4
"""Of VGG16 the style layers are block1_conv1 to block4_conv1: a fifth costs as much as the rest."""
CANARY_SIDE = 96
SHOWN = 4
"""Validation photos of the sheet."""
FOR_PHOTOS = "the network, for scripts/generative/fast_style.py"


@dataclass(frozen=True)
class WholePhoto:
    """A photo teaches itself: the loss compares what is painted with it."""

    factor: int = 4
    scale: int = 1
    halo: int = 0

    def pair(self, photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the photo as float32, twice."""
        pixels = photo.astype(np.float32)
        return pixels, pixels


@contextlib.contextmanager
def start_fast_style(
    config: FastStyleFlags, script: str | os.PathLike[str]
) -> Iterator[FastStyleRun]:
    """Read the pictures, then lock the run folder.

    Raises:
        SightkitError: as ``FastStyleFlags.read_photos`` and ``training.Run.open``.
    """
    style, parts = config.read_style(), config.read_photos()
    photos = {name: list(part.values()) for name, part in parts.items()}
    with training.Run.open(config, experiment=Path(script).stem) as run:
        yield FastStyleRun(config, run, photos, style)


class FastStyleRun:
    """One training; made by ``start_fast_style``.

    Attributes:
        config: the script's flags.
        run: its folder.
        photos: those of ``train`` and ``val``, uint8 (H, W, 3).
        style: uint8 (H, W, 3).
    """

    def __init__(
        self,
        config: FastStyleFlags,
        run: training.Run,
        photos: Mapping[str, list[np.ndarray]],
        style: np.ndarray,
    ) -> None:
        self.config, self.run, self.photos, self.style = config, run, photos, style
        count = {name: len(part) for name, part in photos.items()}
        print(f"{count['train']} photos to learn from, {count['val']} for validation.")

    def network(self) -> keras.Model:
        """Set the seed; build the network, compiled with what a pretrained one says of it."""
        config = self.config
        training.prepare(seed=config.seed, precision=config.precision)
        network = FastStyle(
            (config.patch, config.patch, 3), filters=config.filters, blocks=config.blocks
        )
        steps = config.epochs * -(-config.patches // config.batch_size)
        rate = callbacks.warmed_cosine(config.learning_rate, steps, WARM_UP)
        network.compile(keras.optimizers.Adam(rate), painting_loss(self.loss(), self.style))
        return network

    def loss(self) -> StyleLoss:
        """Return the loss, by the layers of the loss network."""
        config = self.config
        network = made_up_network() if config.smoke else open_pretrained(config.model)
        weights = StyleWeights(config.content_weight, config.style_weight, config.variation_weight)
        return open_style(
            network, config.content_layers, config.style_layers,
            weights=weights, stages=STYLE_STAGES,
        )  # fmt: skip

    def fit(self, network: keras.Model, *, callbacks: Sequence[Any] = ()) -> None:
        """Train; the network ends with the weights of the lowest validation loss.

        Raises:
            Diverged: the loss or a weight became NaN.
        """
        config, whole = self.config, WholePhoto()
        train = PatchBatches(
            self.photos["train"], whole, patch=config.patch, count=config.patches,
            batch_size=config.batch_size, augment=False, seed=config.seed,
        )  # fmt: skip
        validation = grid_batches(
            self.photos["val"], whole, patch=config.patch, batch_size=config.batch_size
        )
        identity = f"{train.sha256} {validation.sha256} {sha256_of([('style', self.style)])}"
        file = str(config.data.resolve())
        self.run.write_environment(data={"file": file, "sha256": identity})
        with self.run.timed():
            training.fit(
                network, train, validation, run=self.run, epochs=config.epochs,
                callbacks=callbacks, preflight=False,
            )  # fmt: skip

    def report(self, network: keras.Model) -> dict[str, Any]:
        """Measure the terms of the loss, paint some validation photos, write the bundle."""
        run, photos = self.run, self.photos["val"]
        bundle = FastStyleBundle.of(network)
        metrics: dict[str, Any] = training.facts(network, seed=self.config.seed)
        painted = bundle.predict(photos[:SHOWN])
        metrics["val"] = self._terms(photos[:SHOWN], painted)
        _files.write_json(run.path(_run_files.METRICS), metrics)
        io.write_png(run.path(_run_files.SAMPLES_SHEET), sheet(photos[:SHOWN], painted, self.style))
        part = photos[0][:CANARY_SIDE, :CANARY_SIDE]
        bundle.save(run.path(_run_files.BUNDLE), part, metrics=metrics, training=run.config)
        run.tidy()
        return metrics

    def _terms(
        self, photos: Sequence[np.ndarray], painted: Sequence[np.ndarray]
    ) -> dict[str, float]:
        loss = self.loss()
        found = []
        for photo, picture in zip(photos, painted, strict=True):
            targets = loss.targets(photo.astype(np.float32), [(self.style, 1.0)])
            found.append(loss(picture.astype(np.float32), targets)[0])
        terms = np.mean(found, axis=0).tolist()
        return {"loss": sum(terms), **dict(zip(TERMS, terms, strict=True))}


def painting_loss(loss: StyleLoss, style: np.ndarray) -> Any:
    """Return a loss of Keras: photos (N, H, W, 3) and what is painted of them, to a scalar."""
    pixels = style.astype(np.float32)
    grams = loss.targets(pixels, [(pixels, 1.0)])["grams"]

    def painting(photos: Any, painted: Any) -> Any:
        return keras.ops.sum(loss.of_batch(photos, painted, grams))

    return painting


def sheet(
    photos: Sequence[np.ndarray], painted: Sequence[np.ndarray], style: np.ndarray
) -> np.ndarray:
    """Return the style, then photos over their paintings, all of one height: uint8 (H, W, 3)."""
    height = min(photo.shape[0] for photo in photos)

    def high(picture: np.ndarray, side: int) -> np.ndarray:
        width = round(side * picture.shape[1] / picture.shape[0])
        return resized(picture.astype(np.float32), (side, width))

    rows = [
        np.concatenate([high(each, height) for each in several], axis=1)
        for several in (photos, painted)
    ]
    left = high(style, 2 * height)
    joined = np.concatenate([left, np.concatenate(rows)], axis=1)
    return np.rint(np.clip(joined, 0, 255)).astype(np.uint8)


def describe_fast_style(metrics: Mapping[str, Any], run: training.Run) -> str:
    """Return the result of a training for the terminal."""
    terms = ", ".join(f"{name} {metrics['val'][name]:.3g}" for name in TERMS)
    return (
        f"Validation photos: loss {metrics['val']['loss']:.3g} ({terms}); "
        f"{metrics['parameters']:,} parameters.\n{run.describe(FOR_PHOTOS)}"
    )
