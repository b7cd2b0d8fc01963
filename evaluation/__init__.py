"""Judging a network: metrics, confusion, worst mistakes, the report of a run.

Models and data come as arguments; nothing here knows how they were trained. Each name is imported
when first used, so that a script can check its ``--output`` before Keras starts.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sightkit.evaluation.architecture import draw_architecture
    from sightkit.evaluation.calibration import Calibration, calibrate
    from sightkit.evaluation.diagnosis import Diagnosis, SplitError, diagnose
    from sightkit.evaluation.intervals import bootstrap, paired_interval
    from sightkit.evaluation.judgement import judge
    from sightkit.evaluation.metrics import Evaluation, evaluate, rank_accuracy
    from sightkit.evaluation.outputs import require_file, write_answers
    from sightkit.evaluation.photos import Photos
    from sightkit.evaluation.run_report import report_run

_MODULES = {
    "Calibration": "calibration",
    "Diagnosis": "diagnosis",
    "Evaluation": "metrics",
    "Photos": "photos",
    "SplitError": "diagnosis",
    "bootstrap": "intervals",
    "calibrate": "calibration",
    "diagnose": "diagnosis",
    "draw_architecture": "architecture",
    "evaluate": "metrics",
    "judge": "judgement",
    "paired_interval": "intervals",
    "rank_accuracy": "metrics",
    "report_run": "run_report",
    "require_file": "outputs",
    "write_answers": "outputs",
}

__all__ = [
    "Calibration",
    "Diagnosis",
    "Evaluation",
    "Photos",
    "SplitError",
    "bootstrap",
    "calibrate",
    "diagnose",
    "draw_architecture",
    "evaluate",
    "judge",
    "paired_interval",
    "rank_accuracy",
    "report_run",
    "require_file",
    "write_answers",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"sightkit.evaluation.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'sightkit.evaluation' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
