"""Reusing trained networks: pretrained ones, their features, heads on top of features.

Each name is imported when first used: those that list and check names need no Keras.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sightkit.transfer.sources import names, source_of

if TYPE_CHECKING:
    from sightkit.transfer.feature_file import Features, open_features
    from sightkit.transfer.feature_network import FeatureNetwork, describe_network, open_network
    from sightkit.transfer.features import Photos, extract_features, open_photos
    from sightkit.transfer.imagenet import pretrained
    from sightkit.transfer.network_names import check_network

_MODULES = {
    "FeatureNetwork": "feature_network",
    "Features": "feature_file",
    "Photos": "features",
    "check_network": "network_names",
    "describe_network": "feature_network",
    "extract_features": "features",
    "open_features": "feature_file",
    "open_network": "feature_network",
    "open_photos": "features",
    "pretrained": "imagenet",
}

__all__ = [
    "FeatureNetwork",
    "Features",
    "Photos",
    "check_network",
    "describe_network",
    "extract_features",
    "names",
    "open_features",
    "open_network",
    "open_photos",
    "pretrained",
    "source_of",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"sightkit.transfer.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'sightkit.transfer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
