"""Diagnose the curves of a training: over- and underfitting, and trainings that end too early."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

RISEN = 0.02
"""Validation loss above its lowest by this share is no noise of a digit's last place."""
FALLEN = 0.05
"""A loss that fell by less than this share in five epochs has not been learning."""
STILL_FALLING = 0.02
LAST, EARLIEST = 3, 5


@dataclass(frozen=True)
class CurveFinding:
    """One thing that the curves say.

    Attributes:
        kind: ``"overfitting"``, ``"not learning"``, ``"still falling"`` or ``"validation below"``.
        first: epoch, from 1, at which it begins.
        text: what to do, for the picture.
    """

    kind: str
    first: float
    text: str


def diagnose_curves(
    rows: Sequence[Mapping[str, float]], *, finished: bool = True
) -> list[CurveFinding]:
    """Read the losses of training and validation, at least five finite epochs of them.

    - overfitting: over its last three epochs validation loss lies on average more than 2 % above
      its lowest, and training loss has fallen on since then;
    - not learning: training loss has fallen by less than 5 % in all;
    - still falling: the lowest validation loss is among the last tenth of the epochs and 2 %
      below that of the epochs before the last fifth (read at the end only: before, it is normal);
    - validation below: validation loss lies under training loss in the whole second half.

    Args:
        rows: one an epoch, as ``TrainingMonitor.rows``.
        finished: whether the training is over.
    """
    losses = _finite(rows, "loss")
    validated = _finite(rows, "val_loss")
    if len(losses) >= EARLIEST:
        first, start = next(iter(losses.items()))
        if min(losses.values()) > start - FALLEN * abs(start):
            text = "not learning: another rate or initialization, or look at the data"
            return [CurveFinding("not learning", first, text)]
    if len(validated) < EARLIEST:
        return []
    findings = []
    best = min(validated, key=lambda epoch: validated[epoch])
    if _overfits(losses, validated, best):
        findings.append(CurveFinding("overfitting", best, "overfitting: dropout, augmentation, L2"))
    elif finished and _still_falls(validated, best):
        findings.append(CurveFinding("still falling", best, "still falling: train longer"))
    common = [epoch for epoch in validated if epoch in losses]
    second = common[len(common) // 2 :]
    if second and all(validated[epoch] < losses[epoch] for epoch in second):
        text = "validation below training: dropout or augmentation, or too short"
        findings.append(CurveFinding("validation below", second[0], text))
    return findings


def _finite(rows: Sequence[Mapping[str, float]], key: str) -> dict[float, float]:
    return {row["epoch"]: row[key] for row in rows if math.isfinite(row.get(key, math.nan))}


def _overfits(losses: dict[float, float], validated: dict[float, float], best: float) -> bool:
    last = list(validated)[-LAST:]
    if best >= last[0] or best not in losses or last[-1] not in losses:
        return False
    lowest = validated[best]
    mean = math.fsum(validated[epoch] for epoch in last) / len(last)
    return mean > lowest + RISEN * abs(lowest) and losses[last[-1]] < losses[best]


def _still_falls(validated: dict[float, float], best: float) -> bool:
    epochs = list(validated)
    late = best in epochs[-max(1, len(epochs) // 10) :]
    before = min(validated[epoch] for epoch in epochs[: -max(1, len(epochs) // 5)])
    return late and validated[best] < before - STILL_FALLING * abs(before)
