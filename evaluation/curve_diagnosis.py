"""Diagnose a training's curves: rates that are too high, trainings that ended too early."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

FEWEST = 6
"""Epochs below which curves show nothing."""
NOTHING = 0.03
"""Nats: below it losses differ by chance, whatever their ratio (0.01 and 0.03 are both 99 %)."""
PATIENCE = 15
"""Epochs that a network is given before it is called too small (10–15)."""


@dataclass(frozen=True)
class CurveFinding:
    """One thing that the curves show.

    Attributes:
        name: in one or two words.
        text: what was seen, a sentence.
        advice: what to try, a clause.
        urgent: whether it comes before everything else: the rest means little until it is done.
    """

    name: str
    text: str
    advice: str
    urgent: bool = False


def diagnose_curves(history: Sequence[Mapping[str, float]]) -> tuple[CurveFinding, ...]:
    """Diagnose the rows of history.csv.

    Args:
        history: one row an epoch, with ``loss`` and, where there is validation, ``val_loss``.

    Returns:
        What was seen, the most urgent first; nothing where there are fewer than six epochs.
    """
    loss, validation = (_column(history, name) for name in ("loss", "val_loss"))
    diverged = _diverged(loss) if len(loss) else None
    if diverged is not None:
        return (diverged,)
    if len(loss) < FEWEST:
        return ()
    found = [_poor(loss, history)]
    if len(validation) == len(loss) and np.isfinite(validation).all():
        found = [
            _oscillates(validation),
            _still_falling(validation),
            _turned(loss, validation),
            _under_training(loss, validation),
            *found,
        ]
    return tuple(
        sorted((curve for curve in found if curve is not None), key=lambda curve: not curve.urgent)
    )


def _diverged(loss: np.ndarray) -> CurveFinding | None:
    """NaN or infinity; or above three times the first epoch's, the sign of a rate too high."""
    if not np.isfinite(loss).all():
        epoch = int(np.flatnonzero(~np.isfinite(loss))[0]) + 1
        text = f"The training loss is no number from epoch {epoch} on."
    elif loss[-1] > 3 * loss[0]:
        text = f"The training loss rose from {loss[0]:.3g} to {loss[-1]:.3g}."
    else:
        return None
    return CurveFinding("diverged", text, "a tenth of the learning rate", urgent=True)


def _oscillates(validation: np.ndarray) -> CurveFinding | None:
    """In the later half, every other step turns round and the steps are a tenth of the level."""
    late = validation[len(validation) // 2 - 1 :]
    steps = np.diff(late)
    turns = int((steps[1:] * steps[:-1] < 0).sum())
    size, level = float(np.median(np.abs(steps))), float(np.median(late))
    if turns < 0.5 * max(len(steps) - 1, 1) or size < max(0.1 * level, NOTHING):
        return None
    return CurveFinding(
        "oscillates",
        f"The validation loss goes up and down by {size:.2g} around {level:.2g} (median of the "
        "later half).",
        "a lower learning rate (a third, or a tenth)",
        urgent=True,
    )


def _still_falling(validation: np.ndarray) -> CurveFinding | None:
    """The last fifth holds the best epoch, is below the fifth before it, and falls within."""
    span = max(2, len(validation) // 5)
    last, before = validation[-span:], validation[-2 * span : -span]
    fell = before.mean() - last.mean()
    if (
        fell < max(0.03 * before.mean(), NOTHING / 3)
        or validation.argmin() < len(validation) - span
    ):
        return None
    # Where a schedule has brought the rate to nothing, the last epochs do not move.
    if last[-1] > 0.97 * last[0]:
        return None
    return CurveFinding(
        "still falling",
        f"The validation loss was still falling when the training ended ({before.mean():.3g}, then "
        f"{last.mean():.3g}, over {span} epochs each).",
        "train longer, or with a higher learning rate",
        urgent=True,
    )


def _turned(loss: np.ndarray, validation: np.ndarray) -> CurveFinding | None:
    """Validation rose from its best by a tenth while training went on falling."""
    best = int(validation.argmin())
    after = len(validation) - 1 - best
    end = float(np.median(validation[-max(2, len(validation) // 10) :]))
    if after < max(3, len(validation) // 5) or end < max(
        1.1 * validation[best], validation[best] + NOTHING
    ):
        return None
    if loss[-1] > 0.95 * loss[best]:
        return None
    return CurveFinding(
        "overfits",
        f"The validation loss was best after epoch {best + 1} ({validation[best]:.3g}) and rose to "
        f"{end:.3g}, while the training loss went on falling.",
        "dropout, augmentation, L2; the best epoch's weights are saved anyway",
    )


def _under_training(loss: np.ndarray, validation: np.ndarray) -> CurveFinding | None:
    span = max(3, len(loss) // 3)
    ours, theirs = loss[-span:], validation[-span:]
    if (theirs < ours).mean() < 0.8 or theirs.mean() > min(
        0.95 * ours.mean(), ours.mean() - NOTHING
    ):
        return None
    return CurveFinding(
        "validation under training",
        f"The validation loss ({theirs.mean():.3g}) is below the training loss "
        f"({ours.mean():.3g}): augmentation and dropout make training images harder, or the "
        "network is not trained hard enough.",
        "longer training, or less dropout and augmentation",
    )


def _poor(loss: np.ndarray, history: Sequence[Mapping[str, float]]) -> CurveFinding | None:
    """The training loss itself hardly fell."""
    start, span = float(loss[0]), max(2, len(loss) // 5)
    end, before = float(loss[-span:].mean()), float(loss[-2 * span : -span].mean())
    # The first epoch's mean is below the first batch's loss: a network that learns halves it.
    if end < 0.7 * start or end < 0.98 * before:
        return None
    if len(loss) < PATIENCE:
        return CurveFinding(
            "learns little",
            f"The training loss went from {start:.3g} to {end:.3g} only, in {len(loss)} epochs.",
            f"{PATIENCE} epochs more, before the network is called too small",
            urgent=True,
        )
    return CurveFinding(
        "learns little",
        f"The training loss went from {start:.3g} to {end:.3g} only, and no longer falls.",
        "a larger network, or another learning rate (the finder shows which)",
        urgent=True,
    )


def _column(history: Sequence[Mapping[str, float]], name: str) -> np.ndarray:
    """float64; empty where a row lacks it."""
    if not history or any(name not in row for row in history):
        return np.zeros(0)
    return np.array([float(row[name]) for row in history], np.float64)
