"""Callbacks between epochs and batches: curves, checkpoints, guards, learning rates.

All are Keras callbacks and work with plain ``fit`` too; those that remember something have
``get_state`` and ``set_state``, so that ``training.fit`` can resume them. Schedules are no
callbacks: they go into the optimizer.
"""

from sightkit import _lazy

_lazy.attach(__name__)
