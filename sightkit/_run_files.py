"""Names of the files in a run folder.

Defined here, so that ``evaluation`` can write into a run folder without knowing ``training``.
"""

from __future__ import annotations

from pathlib import Path

CONFIG = "config.json"
ENVIRONMENT = "environment.json"
HISTORY = "history.csv"
HISTORY_JSON = "history.json"
CURVES = "curves.png"
UPDATES = "updates.csv"
UPDATES_PICTURE = "updates.png"
CHECKPOINTS = "checkpoints"
CHECKPOINT_PATTERN = "epoch-*.npz"
BEST_WEIGHTS = "best.weights.h5"
BUNDLE = "bundle"
METRICS = "metrics.json"
PER_CLASS = "per_class.csv"
CROSS_VALIDATION = "cross_validation.csv"
CONFUSION = "confusion_matrix.png"
RELIABILITY = "reliability.png"
MISTAKES = "mistakes.png"
MISTAKES_TABLE = "mistakes.csv"
ENSEMBLE = "ensemble.png"
BOXES = "boxes.png"
SAMPLES = "samples"
SAMPLES_SHEET = "samples.png"
CAPTIONS = "captions.png"
SEGMENTED = "segmented.png"
WALK = "latent_walk.png"
WALK_GIF = "latent_walk.gif"
READER = "classifier"
REPORT = "report.html"
EXPLANATION = "explain.html"
LOCK = ".lock"
REPLACED = ".replaced"


def report_line(folder: Path) -> str:
    """Return the last line that the terminal shows of a run or an evaluation."""
    return f"Report: {folder / REPORT}"
