"""The entry of the fast style network: what lets a bundle build it again."""

from __future__ import annotations

from sightkit.zoo.registry import register
from sightkit.zoo.table import network

register(
    network(
        "FastStyle",
        {"input_shape": (32, 32, 3)},
        module="sightkit.apps.generative.fast_style_network",
        kind="fast_style",
    ),
)
