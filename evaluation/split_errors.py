"""The errors of a run's splits, from metrics.json or from the curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sightkit._errors import SightkitError
from sightkit.callbacks.best_epoch import best_row
from sightkit.evaluation.intervals import wilson

SPLITS = ("train", "train_validation", "validation", "test")


@dataclass(frozen=True)
class SplitError:
    """The error of a network on one split.

    Attributes:
        error: share of images classified wrongly, 0–1.
        count: images it was measured on; None for a number without a sampling error.
        at_most: it is an upper bound only, as where it was measured while training, with
            augmentation and dropout.
    """

    error: float
    count: int | None = None
    at_most: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.error <= 1 or (self.count is not None and self.count < 1):
            raise SightkitError(
                "An error is a share from 0 to 1 of at least one image.",
                "Give 0.05 for 5 %.",
                error=self.error,
                count=self.count,
            )

    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the error."""
        if self.at_most:
            return 0.0, self.error
        if self.count is None:
            return self.error, self.error
        return wilson(self.error, self.count)


def errors_of_run(
    metrics: Mapping[str, Any], history: Sequence[Mapping[str, float]]
) -> dict[str, SplitError]:
    """Return the errors of a run's splits.

    Args:
        metrics: content of metrics.json: rank1 and count of each split.
        history: rows of history.csv; where the training split was not evaluated, the accuracy of
            its best epoch bounds the training error.
    """
    errors = {
        name: SplitError(1 - metrics[name]["rank1"], metrics[name]["count"])
        for name in SPLITS
        if name in metrics
    }
    best = best_row(history) or {}
    if "train" not in errors and 0 <= best.get("accuracy", -1) <= 1:
        errors["train"] = SplitError(1 - best["accuracy"], at_most=True)
    return errors
