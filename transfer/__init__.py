"""Reusing trained networks: pretrained ones with their own preprocessing."""

from sightkit.transfer.pretrained import names, pretrained

__all__ = ["names", "pretrained"]
