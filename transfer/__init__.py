"""Reusing trained networks: pretrained ones, their features, heads on features, fine-tuning.

Each name is imported when first used: those that list and check names, and
advise, need no Keras.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sightkit.transfer.advice import Advice, advise
from sightkit.transfer.photos import Sample, draw_sample, photos_to_file, stored_side
from sightkit.transfer.sources import names, source_of

if TYPE_CHECKING:
    from sightkit.transfer.feature_classifier import (
        FeatureClassifier,
        load,
        networks_of,
        save_feature_classifier,
    )
    from sightkit.transfer.feature_file import Features, open_features
    from sightkit.transfer.feature_network import FeatureNetwork, describe_network, open_network
    from sightkit.transfer.features import PhotoSource, extract_features, open_photos
    from sightkit.transfer.fine_tuning import freeze_body, unfreeze_from, with_new_head
    from sightkit.transfer.head_run import HeadRun, HeadSettings, Judged, train_head
    from sightkit.transfer.head_run import as_json as head_settings_json
    from sightkit.transfer.head_run import describe as describe_head
    from sightkit.transfer.heads.fitting import Fitted, check_head, fit_head
    from sightkit.transfer.imagenet import at_hand, preprocessing_of, pretrained
    from sightkit.transfer.labelled_photos import open_for_evaluation
    from sightkit.transfer.network_names import check_network
    from sightkit.transfer.similarity import Probe, probe
    from sightkit.transfer.suspicion import suspicious_labels

_MODULES = {
    "FeatureClassifier": "feature_classifier",
    "FeatureNetwork": "feature_network",
    "Features": "feature_file",
    "Fitted": "heads.fitting",
    "HeadRun": "head_run",
    "HeadSettings": "head_run",
    "Judged": "head_run",
    "PhotoSource": "features",
    "Probe": "similarity",
    "at_hand": "imagenet",
    "check_head": "heads.fitting",
    "check_network": "network_names",
    "describe_head": "head_run:describe",
    "describe_network": "feature_network",
    "extract_features": "features",
    "fit_head": "heads.fitting",
    "freeze_body": "fine_tuning",
    "head_settings_json": "head_run:as_json",
    "load": "feature_classifier",
    "networks_of": "feature_classifier",
    "open_for_evaluation": "labelled_photos",
    "open_features": "feature_file",
    "open_network": "feature_network",
    "open_photos": "features",
    "preprocessing_of": "imagenet",
    "pretrained": "imagenet",
    "probe": "similarity",
    "save_feature_classifier": "feature_classifier",
    "suspicious_labels": "suspicion",
    "train_head": "head_run",
    "unfreeze_from": "fine_tuning",
    "with_new_head": "fine_tuning",
}

__all__ = [
    "Advice",
    "FeatureClassifier",
    "FeatureNetwork",
    "Features",
    "Fitted",
    "HeadRun",
    "HeadSettings",
    "Judged",
    "PhotoSource",
    "Probe",
    "Sample",
    "advise",
    "at_hand",
    "check_head",
    "check_network",
    "describe_head",
    "describe_network",
    "draw_sample",
    "extract_features",
    "fit_head",
    "freeze_body",
    "head_settings_json",
    "load",
    "names",
    "networks_of",
    "open_features",
    "open_for_evaluation",
    "open_network",
    "open_photos",
    "photos_to_file",
    "preprocessing_of",
    "pretrained",
    "probe",
    "save_feature_classifier",
    "source_of",
    "stored_side",
    "suspicious_labels",
    "train_head",
    "unfreeze_from",
    "with_new_head",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        module, _, other = _MODULES[name].partition(":")
        return getattr(importlib.import_module(f"sightkit.transfer.{module}"), other or name)
    raise AttributeError(f"module 'sightkit.transfer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
