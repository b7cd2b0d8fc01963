"""Evaluating a network: metrics, confusion, worst mistakes, the report of a run.

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
    from sightkit.evaluation.ensemble_evaluation import EnsembleEvaluation, evaluate_ensemble
    from sightkit.evaluation.ensembles import (
        Gain,
        Jensen,
        by_size,
        combined,
        gain,
        jensen,
        mean_answer,
        require_alike,
        vote,
    )
    from sightkit.evaluation.evaluation_data import EvaluationData, check_data, open_data
    from sightkit.evaluation.intervals import bootstrap, paired_interval
    from sightkit.evaluation.metrics import Evaluation, rank_accuracy
    from sightkit.evaluation.outputs import require_file, require_folder, write_answers
    from sightkit.evaluation.photo_folder import PhotoFolder
    from sightkit.evaluation.pictures import draw_ensemble
    from sightkit.evaluation.predictions import evaluate, evaluate_members, require_numbers
    from sightkit.evaluation.report import (
        metrics_report,
        report_data,
        report_run,
        summary,
        write_report,
    )
    from sightkit.evaluation.tables import csv_table

_MODULES = {
    "Calibration": "calibration",
    "Diagnosis": "diagnosis",
    "EnsembleEvaluation": "ensemble_evaluation",
    "Evaluation": "metrics",
    "EvaluationData": "evaluation_data",
    "Gain": "ensembles",
    "Jensen": "ensembles",
    "PhotoFolder": "photo_folder",
    "SplitError": "diagnosis",
    "average_views": "crops",
    "bootstrap": "intervals",
    "by_size": "ensembles",
    "calibrate": "calibration",
    "check_data": "evaluation_data",
    "combined": "ensembles",
    "csv_table": "tables",
    "diagnose": "diagnosis",
    "draw_architecture": "architecture",
    "draw_ensemble": "pictures",
    "evaluate": "predictions",
    "evaluate_ensemble": "ensemble_evaluation",
    "evaluate_members": "predictions",
    "gain": "ensembles",
    "images_a_batch": "crops",
    "jensen": "ensembles",
    "mean_answer": "ensembles",
    "metrics_report": "report",
    "open_data": "evaluation_data",
    "paired_interval": "intervals",
    "rank_accuracy": "metrics",
    "report_data": "report",
    "report_run": "report",
    "require_alike": "ensembles",
    "require_file": "outputs",
    "require_folder": "outputs",
    "require_numbers": "predictions",
    "summary": "report",
    "vote": "ensembles",
    "with_views": "crops",
    "write_answers": "outputs",
    "write_report": "report",
}

__all__ = [
    "Calibration",
    "Diagnosis",
    "EnsembleEvaluation",
    "Evaluation",
    "EvaluationData",
    "Gain",
    "Jensen",
    "PhotoFolder",
    "SplitError",
    "average_views",
    "bootstrap",
    "by_size",
    "calibrate",
    "check_data",
    "combined",
    "csv_table",
    "diagnose",
    "draw_architecture",
    "draw_ensemble",
    "evaluate",
    "evaluate_ensemble",
    "evaluate_members",
    "gain",
    "images_a_batch",
    "jensen",
    "mean_answer",
    "metrics_report",
    "open_data",
    "paired_interval",
    "rank_accuracy",
    "report_data",
    "report_run",
    "require_alike",
    "require_file",
    "require_folder",
    "require_numbers",
    "summary",
    "vote",
    "with_views",
    "write_answers",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"sightkit.evaluation.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'sightkit.evaluation' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
