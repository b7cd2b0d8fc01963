"""Judging a network: metrics, confusion, worst mistakes, the report of a run.

Models and data come as arguments; nothing here knows how they were trained.
"""

from sightkit.evaluation.architecture import draw_architecture
from sightkit.evaluation.metrics import Evaluation, evaluate, rank_accuracy
from sightkit.evaluation.run_report import report_run

__all__ = ["Evaluation", "draw_architecture", "evaluate", "rank_accuracy", "report_run"]
