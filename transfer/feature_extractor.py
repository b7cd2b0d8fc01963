"""A network's features as a step of scikit-learn's pipelines. Keras starts with ``fit``."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sightkit import inference
from sightkit._errors import SightkitError
from sightkit.inference.break_even import break_even
from sightkit.training.bundle_format import DESCRIPTION
from sightkit.training.classifier import Photo, decoded
from sightkit.transfer.feature_batches import EXAMPLES, feature_batches
from sightkit.transfer.feature_network import FeatureNetwork, Pool, require_same_network
from sightkit.transfer.network_sources import check_network, open_network

MOST = 8
"""Networks and their compiled forms that a process holds; the one unused for longest goes first."""

_held: dict[tuple[Any, ...], FeatureNetwork] = {}
_lock = threading.RLock()


class FeatureExtractor(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A scikit-learn transformer: photos to the features of a trained network.

    It learns nothing from photos. All extractors of a process that have the same parameters, clones
    above all, share one network and one engine; pickled they are a few hundred bytes of JSON, and
    another process opens the network again. ``memory=`` of a pipeline knows photos by their paths:
    clear it when files change.

    Args:
        model: name of a network trained on ImageNet (``transfer.names()``) or folder of a bundle,
            as ``open_network`` takes it with the four that follow.
        layer: whose output is taken; by default the last one with height and width.
        pool: ``"avg"`` or ``"flatten"``.
        crops: views of a photo whose features are averaged: 1, 2 or 10.
        random: weights as they are drawn, of a network of the zoo.
        engine: what computes, see ``inference.compile``; ``"auto"`` goes by the number of photos
            that it is fitted on.
        precision: what the network computes in, ``"float32"`` or ``"bfloat16"``; features are
            float32 either way.
        cache: folder of compiled networks. With it and engine ``"auto"`` OpenVINO computes wherever
            it is installed, and Keras is imported only where the network is not there yet.

    Attributes:
        network_: JSON: name, layer, weights_sha256, dimensions, engine, …
        n_features_out_: number of features.
        n_samples_fit_: photos that it was fitted on.

    Example:
        model = make_pipeline(
            FeatureExtractor("mobilenetv2_0.35"), StandardScaler(), LogisticRegressionCV()
        )
        cross_val_score(model, paths, labels)
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = "mobilenetv2_0.35",
        *,
        layer: str | None = None,
        pool: Pool = "avg",
        crops: int = 1,
        random: bool = False,
        engine: inference.EngineName = "auto",
        precision: str = "float32",
        cache: str | os.PathLike[str] | None = None,
    ) -> None:
        self.model = model
        self.layer = layer
        self.pool = pool
        self.crops = crops
        self.random = random
        self.engine: inference.EngineName = engine
        self.precision = precision
        self.cache = cache

    def fit(self, X: Iterable[Photo], y: object = None) -> FeatureExtractor:  # noqa: N803
        """Check parameters and photos, and open the network.

        Args:
            X: paths of image files, or uint8 arrays (H, W, 3) in RGB order or (H, W, 1), of any
                sizes; at least one.
            y: not used.

        Raises:
            SightkitError: an unknown network, layer, engine or precision; an array of another
                kind, arrays among paths, or no such file: it is named.
        """
        photos = _checked(X)
        check_network(self.model, pool=self.pool, crops=self.crops, random=self.random)
        inference.check_engine(self.engine, self.precision)
        self.n_samples_fit_ = len(photos)
        self.network_ = self._open(photos).identity
        self.n_features_out_ = self._n_features_out = self.network_["dimensions"]
        return self

    def transform(self, X: Iterable[Photo]) -> np.ndarray:  # noqa: N803
        """Compute features, float32 (N, n_features_out_).

        Raises:
            SightkitError: as ``fit``; a file that is no image; the network has other weights now,
                or this extractor other parameters than when it was fitted.
        """
        check_is_fitted(self)
        photos = _checked(X)
        network = self._open(photos)
        require_same_network(
            network.identity,
            self.network_,
            "the network that is here now",
            "Fit again, and all that follows in the pipeline.",
        )
        batches = feature_batches(
            network,
            lambda row: decoded(photos[row]),
            range(len(photos)),
            lambda row: _name(photos, row),
        )
        return np.concatenate([features for _, features, _ in batches])

    def _open(self, photos: list[Photo]) -> FeatureNetwork:
        """The network of these parameters, compiled for as many photos as it was fitted on."""
        options = {name: getattr(self, name) for name in ("layer", "pool", "crops", "random")}
        by_rule = (self.engine, self.precision) == ("auto", "float32")
        options["cache"] = self.cache if by_rule else None
        # A bundle may be written anew; its description holds the hashes of all its files.
        description = Path(self.model) / DESCRIPTION
        content = description.read_bytes() if description.is_file() else b""
        key = (os.fspath(self.model), content, *options.values())
        network = _hold(key, lambda: open_network(self.model, **options))
        many = (
            network.predictor.engine == "keras"
            and self.n_samples_fit_ * self.crops >= break_even(network.model)
        )

        def compiled() -> FeatureNetwork:
            wanted = min(len(photos), EXAMPLES[self.precision])
            rows = np.linspace(0, len(photos) - 1, wanted).astype(int)
            return network.for_many(
                self.n_samples_fit_,
                [decoded(photos[row]) for row in rows],
                engine=self.engine,
                precision=self.precision,
                cache=self.cache,
            )

        return _hold((*key, self.engine, self.precision, self.cache, many), compiled)


def _hold(key: tuple[Any, ...], make: Callable[[], FeatureNetwork]) -> FeatureNetwork:
    """Return what is held under a key, made if it is not."""
    with _lock:
        _held[key] = _held.pop(key) if key in _held else make()  # the last used comes last
        while len(_held) > MOST:
            del _held[next(iter(_held))]
        return _held[key]


def _checked(given: Iterable[Photo]) -> list[Photo]:
    """Return photos as a list: paths of files that exist, or arrays that are images."""
    if isinstance(given, (str, os.PathLike)):
        raise SightkitError("Photos are a list.", "Put the path into a list.", photos=str(given))
    photos = list(given)
    paths = [isinstance(photo, (str, os.PathLike)) for photo in photos]
    arrays = [isinstance(photo, np.ndarray) for photo in photos]
    if not photos or not (all(paths) or all(arrays)):
        raise SightkitError(
            "Photos are paths of image files, or uint8 arrays, at least one, and not both.",
            "Read the files yourself with io.read_image, or give paths alone.",
            photos=len(photos),
            kinds=", ".join(sorted({type(photo).__name__ for photo in photos})),
        )
    for photo in photos:
        if isinstance(photo, np.ndarray):
            decoded(photo)
        elif os.path.isdir(photo):
            raise SightkitError(
                "Photos are paths of image files, and this is a folder.",
                "Give the paths of the files in it.",
                path=os.fspath(photo),
            )
        elif not os.path.isfile(photo):
            raise SightkitError("No such file.", "Check the path.", path=os.fspath(photo))
    return photos


def _name(photos: list[Photo], row: int) -> str:
    photo = photos[row]
    return f"number {row}" if isinstance(photo, np.ndarray) else os.fspath(photo)
