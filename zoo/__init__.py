"""Networks: one architecture a file, each an uncompiled functional ``keras.Model``.

``names()`` and ``describe`` of the rows need no Keras: a builder's module is imported when its
name is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sightkit.zoo.registry import BUILDERS, build, names, origin, row

if TYPE_CHECKING:
    from sightkit.zoo.lenet import LeNet

__all__ = ["LeNet", "build", "names", "origin", "row"]


def __getattr__(name: str) -> Any:
    if name in BUILDERS:
        return getattr(importlib.import_module(f"sightkit.zoo.{BUILDERS[name]}"), name)
    raise AttributeError(f"module 'sightkit.zoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
