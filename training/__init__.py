"""Making a network learn: the run folder, ``fit`` with exact resume, bundles.

Everything but the configuration is imported when first used, so that a script's ``--help`` needs
no Keras.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sightkit.training.run_config import RunConfig

if TYPE_CHECKING:
    from sightkit.training.bundle import Bundle, load_bundle
    from sightkit.training.bundle_format import NETWORK, NETWORK_AND_HEAD, check_bundle
    from sightkit.training.bundle_writer import save_bundle, save_run_bundle
    from sightkit.training.checks.preflight import preflight
    from sightkit.training.checks.report import Preflight
    from sightkit.training.classifier import format_top
    from sightkit.training.execution_plan import ExecutionPlan, plan_execution
    from sightkit.training.fit import fit
    from sightkit.training.gradient_noise import with_gradient_noise
    from sightkit.training.learning_rate_finder import RangeTest, learning_rate_finder
    from sightkit.training.lsuv import initialize_lsuv
    from sightkit.training.mixing import CutMix, MixUp
    from sightkit.training.preparation import prepare
    from sightkit.training.run import Run
    from sightkit.training.soft_labels import SoftLabels
    from sightkit.training.state import facts, weights_sha256
    from sightkit.training.weight_average import average_networks, use_average, with_weight_average

_MODULES = {
    "NETWORK": "bundle_format",
    "NETWORK_AND_HEAD": "bundle_format",
    "Bundle": "bundle",
    "CutMix": "mixing",
    "ExecutionPlan": "execution_plan",
    "MixUp": "mixing",
    "Preflight": "checks.report",
    "RangeTest": "learning_rate_finder",
    "Run": "run",
    "SoftLabels": "soft_labels",
    "average_networks": "weight_average",
    "check_bundle": "bundle_format",
    "facts": "state",
    "fit": "fit",
    "format_top": "classifier",
    "initialize_lsuv": "lsuv",
    "learning_rate_finder": "learning_rate_finder",
    "load_bundle": "bundle",
    "plan_execution": "execution_plan",
    "preflight": "checks.preflight",
    "prepare": "preparation",
    "save_bundle": "bundle_writer",
    "save_run_bundle": "bundle_writer",
    "use_average": "weight_average",
    "weights_sha256": "state",
    "with_gradient_noise": "gradient_noise",
    "with_weight_average": "weight_average",
}

__all__ = [
    "NETWORK",
    "NETWORK_AND_HEAD",
    "Bundle",
    "CutMix",
    "ExecutionPlan",
    "MixUp",
    "Preflight",
    "RangeTest",
    "Run",
    "RunConfig",
    "SoftLabels",
    "average_networks",
    "check_bundle",
    "facts",
    "fit",
    "format_top",
    "initialize_lsuv",
    "learning_rate_finder",
    "load_bundle",
    "plan_execution",
    "preflight",
    "prepare",
    "save_bundle",
    "save_run_bundle",
    "use_average",
    "weights_sha256",
    "with_gradient_noise",
    "with_weight_average",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = getattr(importlib.import_module(f"sightkit.training.{_MODULES[name]}"), name)
        globals()[name] = value  # importing training.fit has just bound the module to this name
        return value
    raise AttributeError(f"module 'sightkit.training' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
