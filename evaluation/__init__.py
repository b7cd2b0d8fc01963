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
    from sightkit.evaluation.crops import average_views, images_a_batch, with_views
    from sightkit.evaluation.diagnosis import Diagnosis, SplitError, diagnose
    from sightkit.evaluation.ensemble_picture import draw_ensemble
    from sightkit.evaluation.ensembles import (
        Gain,
        Jensen,
        by_size,
        combined,
        evaluate_members,
        gain,
        jensen,
        mean_answer,
        require_alike,
        vote,
    )
    from sightkit.evaluation.intervals import bootstrap, paired_interval
    from sightkit.evaluation.judged_data import JudgedData, check_data, open_data
    from sightkit.evaluation.judgement import judge
    from sightkit.evaluation.metrics import Evaluation, evaluate, rank_accuracy
    from sightkit.evaluation.outputs import FORMAT, require_file, require_folder, write_answers
    from sightkit.evaluation.photos import Photos
    from sightkit.evaluation.run_report import report_run, require_numbers, summary, write_judgement
    from sightkit.evaluation.timing import Stopwatch

_MODULES = {
    "FORMAT": "outputs",
    "Calibration": "calibration",
    "Diagnosis": "diagnosis",
    "Evaluation": "metrics",
    "Gain": "ensembles",
    "Jensen": "ensembles",
    "JudgedData": "judged_data",
    "Photos": "photos",
    "SplitError": "diagnosis",
    "Stopwatch": "timing",
    "average_views": "crops",
    "bootstrap": "intervals",
    "by_size": "ensembles",
    "calibrate": "calibration",
    "check_data": "judged_data",
    "combined": "ensembles",
    "diagnose": "diagnosis",
    "draw_architecture": "architecture",
    "draw_ensemble": "ensemble_picture",
    "evaluate": "metrics",
    "evaluate_members": "ensembles",
    "gain": "ensembles",
    "images_a_batch": "crops",
    "jensen": "ensembles",
    "judge": "judgement",
    "mean_answer": "ensembles",
    "open_data": "judged_data",
    "paired_interval": "intervals",
    "rank_accuracy": "metrics",
    "report_run": "run_report",
    "require_alike": "ensembles",
    "require_file": "outputs",
    "require_folder": "outputs",
    "require_numbers": "run_report",
    "summary": "run_report",
    "vote": "ensembles",
    "with_views": "crops",
    "write_answers": "outputs",
    "write_judgement": "run_report",
}

__all__ = [
    "FORMAT",
    "Calibration",
    "Diagnosis",
    "Evaluation",
    "Gain",
    "Jensen",
    "JudgedData",
    "Photos",
    "SplitError",
    "Stopwatch",
    "average_views",
    "bootstrap",
    "by_size",
    "calibrate",
    "check_data",
    "combined",
    "diagnose",
    "draw_architecture",
    "draw_ensemble",
    "evaluate",
    "evaluate_members",
    "gain",
    "images_a_batch",
    "jensen",
    "judge",
    "mean_answer",
    "open_data",
    "paired_interval",
    "rank_accuracy",
    "report_run",
    "require_alike",
    "require_file",
    "require_folder",
    "require_numbers",
    "summary",
    "vote",
    "with_views",
    "write_answers",
    "write_judgement",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"sightkit.evaluation.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'sightkit.evaluation' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
