"""The entries of detector and localizer among the networks: what lets a bundle build them again."""

from __future__ import annotations

from sightkit.zoo.registry import register
from sightkit.zoo.table import network

register(
    network(
        "Detector",
        {"input_shape": (64, 64, 3), "classes": 3, "backbone": "mobilenet_0.25", "channels": 8},
        name="detector",
        module="sightkit.apps.detection.detector_network",
        kind="detector",
    ),
    network(
        "Localizer",
        {"input_shape": (32, 32, 3), "classes": 3, "base": "mobilenet_0.25", "reduced": 8},
        name="localizer",
        module="sightkit.apps.detection.localizer_network",
        kind="localizer",
    ),
)
