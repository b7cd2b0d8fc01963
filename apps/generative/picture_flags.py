"""The flags of scripts that let a trained network look at a picture. No Keras until one opens."""

from __future__ import annotations

import difflib
import functools
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import tyro

from sightkit import evaluation, inference, io, training, transfer, zoo
from sightkit._errors import SightkitError, require_at_least
from sightkit.apps.generative.pictures import STILL, read_picture
from sightkit.preprocessing import (
    AspectAwarePreprocessor,
    ColourPreprocessor,
    ImageToArrayPreprocessor,
    Pipeline,
)

if TYPE_CHECKING:
    from sightkit.apps.generative.backbone import Backbone, Pooling

SMOKE_SIDE = 64
"""Pixels: longer side of a smoke run's picture."""


@dataclass(frozen=True)
class PictureFlags:
    """The flags that name a picture, a trained network, and a file to write."""

    picture: Annotated[Path | None, tyro.conf.Positional] = None
    """Image file."""
    model: str | None = field(default=None, kw_only=True)
    """Network trained on ImageNet, vgg16 for example."""
    bundle: Path | None = field(default=None, kw_only=True)
    """Folder of a network of your own, RUN/bundle, in place of --model."""
    size: int | None = field(default=None, kw_only=True)
    """Longer side of the result, pixels; by default the picture's own, but not more than 800."""
    overwrite: bool = field(default=False, kw_only=True)
    """Replace existing files."""
    smoke: bool = field(default=False, kw_only=True)
    """Take a small picture and a network with random weights, to check that everything works."""

    def check(self, output: Path, endings: Sequence[str] = STILL) -> None:
        """Raise unless a picture, one network, and files that can be written are named."""
        if self.picture is None and not self.smoke:
            raise SightkitError("Name a picture.", "For example photo.jpg.")
        require_at_least(self, size=1)
        default = type(self).__dataclass_fields__["output"].default
        replace = self.overwrite or (self.smoke and output == default)
        evaluation.require_file(output, endings, overwrite=replace)
        evaluation.require_file(output.with_suffix(".json"), overwrite=replace)
        if self.bundle is not None and self.model is not None:
            raise SightkitError(
                "One network is used.",
                "Leave --model or --bundle out.",
                bundle=str(self.bundle),
                model=self.model,
            )
        if self.bundle is not None:
            training.check_bundle(self.bundle, training.ALONE)
        elif self.model is not None:
            transfer.source_of(self.model)

    def read(self, path: Path | None = None) -> np.ndarray:
        """Return a picture, uint8 (H, W, 3); by default that of the command."""
        path = path or self.picture
        if path is None:
            return _made_up_picture()
        return read_picture(path, SMOKE_SIDE if self.smoke else self.size)

    def network(self, default: str) -> training.Bundle:
        """Return the network; a small one with random weights in a smoke run."""
        if self.bundle is not None:
            return training.load_bundle(self.bundle)
        if self.smoke and self.model is None:
            return made_up_network()
        return open_pretrained(self.model or default)

    def backbone(
        self, network: training.Bundle, layers: Sequence[str], pooling: Pooling = "max"
    ) -> Backbone:
        """Return some layers of the network, ready for pictures of any size."""
        from sightkit.apps.generative.backbone import Backbone

        return Backbone(network, layers, pooling=pooling)


def open_pretrained(name: str) -> training.Bundle:
    """Return a network trained on ImageNet; its classifier is not needed, but may be there.

    Raises:
        SightkitError: its weights are not available; those of other networks that are, are listed.
    """
    there = [top for top in (False, True) if transfer.weights_available(name, include_top=top)]
    try:
        return transfer.pretrained(name, include_top=there[0] if there else False)
    except SightkitError as error:
        others = [each for each in available_networks() if each != name]
        if not others or there:
            raise
        (nearest,) = difflib.get_close_matches(name, others, 1, cutoff=0)
        raise SightkitError(
            error.args[0],
            f"Put them there, or take one whose weights are here: {', '.join(others)}. The most "
            f"like it: --model={nearest}.",
            model=name,
        ) from error


def available_networks() -> list[str]:
    """Return the names of the pretrained networks whose weights are here, with or without top."""
    return [
        name
        for name in transfer.names()
        if any(transfer.weights_available(name, include_top=top) for top in (False, True))
    ]


def read_weights(given: Sequence[str]) -> dict[str, float]:
    """Return names with weights, of ``NAME=WEIGHT`` or ``NAME``, which weighs 1.

    Raises:
        SightkitError: a weight that is no number, or 0, or a name that occurs twice.
    """
    found: dict[str, float] = {}
    for each in given:
        name, _, text = each.rpartition("=") if "=" in each else (each, "", "1")
        try:
            weight = float(text)
        except ValueError:
            weight = 0.0
        if not name or name in found or not np.isfinite(weight) or weight == 0:
            raise SightkitError(
                "Names and weights are NAME=WEIGHT, each name once, a weight not 0.",
                f"For example {name or 'NAME'}=0.5.",
                given=each,
            )
        found[name] = weight
    return found


def read_styles(
    weights: Mapping[str, float], content: np.ndarray, scale: float
) -> list[tuple[np.ndarray, float]]:
    """Read style pictures, with their weights, at a share of the content's size.

    Raises:
        SightkitError: a weight below 0, or a picture that cannot be read.
    """
    if not weights or min(weights.values()) < 0:
        raise SightkitError(
            "Name at least one style, with a weight above 0.",
            "For example --style starry_night.jpg=1.",
            styles=dict(weights),
        )
    side = max(1, round(max(content.shape[:2]) * scale))
    return [(read_picture(path, side), weight) for path, weight in weights.items()]


def _made_up_picture() -> np.ndarray:
    with tempfile.TemporaryDirectory() as scratch:
        io.write_sample_photos(scratch)
        return read_picture(sorted(Path(scratch).rglob("*.*"))[0], SMOKE_SIDE)


@functools.cache
def made_up_network() -> training.Bundle:
    """Return a small network with random weights, for smoke runs."""
    network = zoo.build("minivggnet", input_shape=(SMOKE_SIDE, SMOKE_SIDE, 3), classes=2)
    middle = AspectAwarePreprocessor(SMOKE_SIDE, SMOKE_SIDE)
    chain = Pipeline((ColourPreprocessor(), middle, ImageToArrayPreprocessor()))
    predictor = inference.compile(network, engine="keras")
    return training.Bundle(lambda: network, predictor, chain, ("china", "flower"), {})
