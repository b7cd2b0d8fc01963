"""Making a network learn: the run folder, ``fit`` with exact resume, bundles.

Everything but the configuration is imported when first used, so that a script's ``--help`` needs
no Keras.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sightkit.training.config import ExperimentConfig

if TYPE_CHECKING:
    from sightkit.training.bundle import Bundle, format_top, load_bundle
    from sightkit.training.bundle_format import check_bundle
    from sightkit.training.bundle_writer import save_bundle, save_run_bundle
    from sightkit.training.fit import fit
    from sightkit.training.learning_rate_finder import RangeTest, learning_rate_finder
    from sightkit.training.preflight_checks import preflight
    from sightkit.training.preflight_report import Preflight
    from sightkit.training.preparation import prepare
    from sightkit.training.run import Run
    from sightkit.training.state import facts, weights_sha256

_MODULES = {
    "Bundle": "bundle",
    "RangeTest": "learning_rate_finder",
    "Preflight": "preflight_report",
    "Run": "run",
    "check_bundle": "bundle_format",
    "facts": "state",
    "fit": "fit",
    "format_top": "bundle",
    "learning_rate_finder": "learning_rate_finder",
    "load_bundle": "bundle",
    "preflight": "preflight_checks",
    "prepare": "preparation",
    "save_bundle": "bundle_writer",
    "save_run_bundle": "bundle_writer",
    "weights_sha256": "state",
}

__all__ = [
    "Bundle",
    "ExperimentConfig",
    "Preflight",
    "RangeTest",
    "Run",
    "check_bundle",
    "facts",
    "fit",
    "format_top",
    "learning_rate_finder",
    "load_bundle",
    "preflight",
    "prepare",
    "save_bundle",
    "save_run_bundle",
    "weights_sha256",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = getattr(importlib.import_module(f"sightkit.training.{_MODULES[name]}"), name)
        globals()[name] = value  # importing training.fit has just bound the module to this name
        return value
    raise AttributeError(f"module 'sightkit.training' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
