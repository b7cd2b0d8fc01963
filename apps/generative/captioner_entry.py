"""The entry of the captioner among the networks: what lets a bundle build it again."""

from __future__ import annotations

from sightkit.zoo.registry import register
from sightkit.zoo.table import network

register(
    network(
        "Captioner",
        {"input_shape": (32, 32, 3), "words": 9, "base": "mobilenet_0.25", "cut": "conv_pw_5_relu"},
        module="sightkit.apps.generative.caption_network",
        kind="captioner",
    ),
)
