"""The entry of the detector among the networks: what lets a bundle build it again."""

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
    )
)
