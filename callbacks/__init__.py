"""What happens between epochs: curves and history, the best weights.

All are Keras callbacks and work with plain ``fit`` too; those that remember something have
``get_state`` and ``set_state``, so that ``training.fit`` can resume them.
"""

from sightkit.callbacks.base import StatefulCallback
from sightkit.callbacks.best_checkpoint import BestCheckpoint
from sightkit.callbacks.training_monitor import TrainingMonitor

__all__ = ["BestCheckpoint", "StatefulCallback", "TrainingMonitor"]
