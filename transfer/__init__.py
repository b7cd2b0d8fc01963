"""Reusing trained networks: pretrained ones with their own preprocessing.

``names()`` and ``source_of()`` need no Keras: ``pretrained`` is imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sightkit.transfer.sources import names, source_of

if TYPE_CHECKING:
    from sightkit.transfer.imagenet import pretrained

__all__ = ["names", "pretrained", "source_of"]


def __getattr__(name: str) -> Any:
    if name == "pretrained":
        from sightkit.transfer.imagenet import pretrained

        return pretrained
    raise AttributeError(f"module 'sightkit.transfer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
