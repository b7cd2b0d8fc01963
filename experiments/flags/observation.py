"""What watches a training: when it stops, what it saves and measures, what it is compared to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sightkit._errors import SightkitError
from sightkit.experiments.flags.base import Flags

if TYPE_CHECKING:
    import keras

PROBE = 32
"""Training images by which the update monitor looks for dead units."""


@dataclass(frozen=True, kw_only=True)
class ObservationFlags(Flags):
    """Stopping, weights that are saved, measurements.

    Raises:
        SightkitError: a number out of range, or ``min_delta`` without ``patience``.
    """

    patience: int = 0
    """Epochs without a lower validation loss after which training stops; 0: never. The best
    weights come back however it ends."""
    min_delta: float = 0.0
    """By how much the validation loss must be lower to count, with ``--patience``."""
    checkpoints: Literal["best", "improvements"] = "best"
    """Weights that are saved: of the best epoch, or of each that was the best when it ended."""
    checkpoint_every: int = 0
    """Epochs between two files of weights that stay, for looking back; 0: none."""
    monitor_updates: bool = False
    """Measure update to weight ratios and dead units each epoch, in updates.csv and updates.png."""
    human_error: float | None = None
    """Error of a human, 0 to 1: the diagnosis compares with it in place of a guess."""

    def __post_init__(self) -> None:
        """Check the values."""
        super().__post_init__()
        for name in ("patience", "min_delta", "checkpoint_every"):
            value = getattr(self, name)
            if not value >= 0:
                flag = f"--{name.replace('_', '-')}"
                rule = f"{flag} must be at least 0."
                raise SightkitError(rule, "Leave it out to do without.", **{name: value})
        if self.min_delta and not self.patience:
            raise SightkitError(
                "--min-delta is for --patience.",
                "Give --patience 10 too, or leave it out.",
                min_delta=self.min_delta,
            )
        if self.checkpoints not in ("best", "improvements"):
            raise SightkitError(
                "--checkpoints must be best or improvements.", checkpoints=self.checkpoints
            )
        if self.human_error is not None and not 0 <= self.human_error <= 1:
            raise SightkitError(
                "--human-error is a share from 0 to 1.",
                "Give --human-error 0.05 for 5 %.",
                human_error=self.human_error,
            )


def make_callbacks(
    flags: ObservationFlags, folder: Path, checkpoints: Path, train: Any
) -> list[keras.callbacks.Callback]:
    """Return the callbacks of a training.

    Args:
        flags: which ones.
        folder: of the run.
        checkpoints: folder of the files of weights.
        train: training data, batches (x, …) by index.
    """
    import keras

    from sightkit.callbacks import EpochCheckpoint, UpdateRatioMonitor

    made: list[keras.callbacks.Callback] = []
    if flags.monitor_updates:
        train.set_epoch(0)  # in a later phase, or resumed, too
        made.append(UpdateRatioMonitor(folder, probe=train[0][0][:PROBE]))
    if flags.checkpoint_every:
        made.append(EpochCheckpoint(checkpoints, every=flags.checkpoint_every))
    if flags.patience:  # ``training.fit`` restores the best weights
        made.append(
            keras.callbacks.EarlyStopping(patience=flags.patience, min_delta=flags.min_delta)
        )
    return made


def report_findings(callbacks: list[keras.callbacks.Callback]) -> None:
    """Print what the update monitor found, where it watched: a line each."""
    for line in (line for each in callbacks if hasattr(each, "advice") for line in each.advice()):
        print(line)
