"""Reusing trained networks: pretrained ones with their own preprocessing, fine-tuning, advice.

What needs Keras is imported when first used: names, advice and dataset files need none.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sightkit.transfer.advice import Advice, advise
from sightkit.transfer.photos import Sample, draw_sample, photos_to_file, stored_side
from sightkit.transfer.sources import names, source_of

if TYPE_CHECKING:
    from sightkit.transfer.fine_tuning import (
        freeze_body,
        unfreeze_from,
        with_new_head,
    )
    from sightkit.transfer.imagenet import at_hand, preprocessing_of, pretrained
    from sightkit.transfer.similarity import Probe, probe

_MODULES = {
    "Probe": "similarity",
    "at_hand": "imagenet",
    "freeze_body": "fine_tuning",
    "preprocessing_of": "imagenet",
    "pretrained": "imagenet",
    "probe": "similarity",
    "unfreeze_from": "fine_tuning",
    "with_new_head": "fine_tuning",
}

__all__ = [
    "Advice",
    "Probe",
    "Sample",
    "advise",
    "at_hand",
    "draw_sample",
    "freeze_body",
    "names",
    "photos_to_file",
    "preprocessing_of",
    "pretrained",
    "probe",
    "source_of",
    "stored_side",
    "unfreeze_from",
    "with_new_head",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"sightkit.transfer.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'sightkit.transfer' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
