"""What happens between epochs and batches: curves, checkpoints, guards, learning rates.

All are Keras callbacks and work with plain ``fit`` too; those that remember something have
``get_state`` and ``set_state``, so that ``training.fit`` can resume them. Schedules are no
callbacks: they go into the optimizer.
"""

from sightkit.callbacks.adaptive_rate import AdaptiveRate
from sightkit.callbacks.base import StatefulCallback
from sightkit.callbacks.best_checkpoint import BestCheckpoint
from sightkit.callbacks.curve_diagnosis import CurveFinding, diagnose_curves
from sightkit.callbacks.early_stopping import EarlyStopping
from sightkit.callbacks.epoch_checkpoint import EpochCheckpoint
from sightkit.callbacks.schedules import (
    CosineWithWarmup,
    Exponential,
    InverseTime,
    ManualDrops,
    OneCycle,
    Polynomial,
    StepDrop,
)
from sightkit.callbacks.snapshot_cycles import SnapshotCycles
from sightkit.callbacks.stop_on_divergence import Diverged, StopOnDivergence
from sightkit.callbacks.training_monitor import TrainingMonitor
from sightkit.callbacks.update_ratio_monitor import UpdateRatioMonitor

__all__ = [
    "AdaptiveRate",
    "BestCheckpoint",
    "CosineWithWarmup",
    "CurveFinding",
    "Diverged",
    "EarlyStopping",
    "EpochCheckpoint",
    "Exponential",
    "InverseTime",
    "ManualDrops",
    "OneCycle",
    "Polynomial",
    "SnapshotCycles",
    "StatefulCallback",
    "StepDrop",
    "StopOnDivergence",
    "TrainingMonitor",
    "UpdateRatioMonitor",
    "diagnose_curves",
]
