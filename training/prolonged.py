"""What a finished run says that is given more epochs."""

from __future__ import annotations

import math

from sightkit.callbacks import TrainingMonitor
from sightkit.callbacks.base import rate_of
from sightkit.training.run import Run
from sightkit.training.state import Position, TrainingState


def report_prolonged(
    run: Run, state: TrainingState, monitor: TrainingMonitor, start: Position, epochs: int
) -> None:
    """Print how the learning rate goes on where a finished run has more epochs than it had."""
    if run.lengths[-1:] != [epochs - start.epoch]:
        return
    if state.finished:
        print("A callback ended the training there: more epochs change nothing.")
    elif state.position == Position(start.epoch + run.lengths[-2]):
        then, now = monitor.rows[-1].get("learning_rate", math.nan), rate_of(state.model)
        change = "rises" if now > then else "falls" if now < then else "stays"
        print(
            f"The run had a length of {run.lengths[-2]} and goes on to {run.lengths[-1]}: a "
            f"schedule over it is now that of {run.lengths[-1]} epochs, taken up at the step "
            f"reached. The learning rate {change}: {then:.3g}, then {now:.3g}."
        )
