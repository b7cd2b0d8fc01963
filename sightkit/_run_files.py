"""Names of the files in a run folder.

They stand here, so that ``evaluation`` can write into a run folder without knowing ``training``.
"""

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
CONFUSION = "confusion_matrix.png"
RELIABILITY = "reliability.png"
MISTAKES = "mistakes.png"
ENSEMBLE = "ensemble.png"
REPORT = "report.html"
LOCK = ".lock"
REPLACED = ".replaced"
