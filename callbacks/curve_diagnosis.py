"""Diagnose a training's curves: over- and underfitting, a wrong rate, an end that came too early.

A pure function of the history: ``TrainingMonitor`` draws the findings, ``evaluation.diagnose``
reports them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

Curve: TypeAlias = np.ndarray
"""float64, a value an epoch."""
FEWEST = 6
"""Epochs below which curves show nothing."""
CHANCE = 0.03
"""Nats: below it losses differ by chance, whatever their ratio (0.01 and 0.03 are both 99 %)."""
PATIENCE = 15
"""Epochs that a network is given before it is called too small (10–15)."""
MATERIAL = 0.01
"""Share of images that matters, one percentage point: of errors, and of differences of them."""


@dataclass(frozen=True)
class CurveFinding:
    """A finding in the curves.

    Attributes:
        name: ``"diverged"``, ``"oscillating"``, ``"still falling"``, ``"overfitting"``,
            ``"validation below training"`` or ``"not learning"``.
        first: epoch, from 1, at which it begins.
        text: the figures, a sentence.
        advice: what to try, a clause.
        urgent: whether it comes before everything else: the rest means little until it is done.
    """

    name: str
    first: float
    text: str
    advice: str
    urgent: bool = True


def diagnose_curves(
    rows: Sequence[Mapping[str, float]], *, finished: bool = True
) -> tuple[CurveFinding, ...]:
    """Diagnose the losses of training and validation, at least six epochs of them.

    Args:
        rows: one an epoch, as ``TrainingMonitor.rows`` or history.csv: ``epoch``, ``loss`` and,
            where there is validation, ``val_loss``; epochs where that is not finite are left out.
            With ``accuracy`` and ``val_accuracy`` a loss alone is no finding: nothing is wrong
            where the best epoch is right on more than 99 % of the validation images, and what
            overfits is right in training more often.
        finished: whether the training is over: before, falling losses are normal.

    Returns:
        The findings, the urgent ones first.
    """
    rows = [row for row in rows if "loss" in row]
    columns = ("epoch", "loss", "val_loss", "accuracy", "val_accuracy")
    epochs, loss, validation, accuracy, val_accuracy = (
        np.array([row.get(name, np.nan) for row in rows], np.float64) for name in columns
    )
    if len(loss) and (diverged := _diverged(epochs, loss)):
        return (diverged,)
    if len(loss) < FEWEST:
        return ()
    validated = np.isfinite(validation)
    found = [_not_learning(epochs, loss)]
    if validated.sum() >= FEWEST:
        if val_accuracy[np.nanargmin(validation)] > 1 - MATERIAL:
            return ()
        curves = epochs[validated], loss[validated], validation[validated]
        rules = (_oscillating, _still_falling, _overfitting, _below_training)
        found = [rule(*curves) for rule in rules if finished or rule != _still_falling] + found
    last = slice(-max(3, len(loss) // 5), None)
    right, apart = (np.mean(each[last]) for each in (accuracy, accuracy - val_accuracy))
    refuted = {  # NaN, where accuracies are unknown, refutes nothing
        "overfitting": apart < MATERIAL,
        "validation below training": apart > MATERIAL,
        "not learning": right > 1 - MATERIAL,
    }
    left = [each for each in found if each is not None and not refuted.get(each.name, False)]
    return tuple(sorted(left, key=lambda finding: not finding.urgent))


def _diverged(epochs: Curve, loss: Curve) -> CurveFinding | None:
    """NaN or infinity; or above three times the first epoch's, the sign of a rate too high."""
    advice = "a tenth of the learning rate"
    if not np.isfinite(loss).all():
        first = epochs[np.argmin(np.isfinite(loss))]
        text = f"The training loss is not finite from epoch {first:.0f} on."
        return CurveFinding("diverged", first, text, advice)
    if loss[-1] > 3 * loss[0]:
        text = f"The training loss rose from {loss[0]:.3g} to {loss[-1]:.3g}."
        return CurveFinding("diverged", epochs[0], text, advice)
    return None


def _oscillating(epochs: Curve, loss: Curve, validation: Curve) -> CurveFinding | None:
    """In the later half, every other step turns round and the steps are a tenth of the level."""
    half = len(validation) // 2 - 1
    steps = np.diff(validation[half:])
    turns = int((steps[1:] * steps[:-1] < 0).sum())
    size, level = float(np.median(np.abs(steps))), float(np.median(validation[half:]))
    if turns < 0.5 * max(len(steps) - 1, 1) or size < max(0.1 * level, CHANCE):
        return None
    return CurveFinding(
        "oscillating",
        epochs[half],
        f"The validation loss goes up and down by {size:.2g} around {level:.2g} (median of the "
        "later half).",
        "a lower learning rate (a third, or a tenth)",
    )


def _still_falling(epochs: Curve, loss: Curve, validation: Curve) -> CurveFinding | None:
    """The last fifth holds the best epoch, is below the fifth before it, and falls within."""
    span = max(2, len(validation) // 5)
    last, before = validation[-span:], validation[-2 * span : -span]
    small = before.mean() - last.mean() < max(0.03 * before.mean(), CHANCE / 3)
    # Where a schedule has brought the rate to nothing, the last epochs do not move.
    settled = last[-1] > 0.97 * last[0]
    if small or settled or validation.argmin() < len(validation) - span:
        return None
    return CurveFinding(
        "still falling",
        epochs[-span],
        f"The validation loss was still falling when the training ended ({before.mean():.3g}, then "
        f"{last.mean():.3g}, over {span} epochs each).",
        "train longer, or with a higher learning rate",
    )


def _overfitting(epochs: Curve, loss: Curve, validation: Curve) -> CurveFinding | None:
    """Validation rose from its best by a tenth while training went on falling."""
    best = int(validation.argmin())
    lowest, end = validation[best], float(np.median(validation[-max(2, len(validation) // 10) :]))
    recent = len(validation) - 1 - best < max(3, len(validation) // 5)
    if recent or end < max(1.1 * lowest, lowest + CHANCE) or loss[-1] > 0.95 * loss[best]:
        return None
    return CurveFinding(
        "overfitting",
        epochs[best],
        f"The validation loss was best after epoch {epochs[best]:.0f} ({lowest:.3g}) and rose to "
        f"{end:.3g}, while the training loss went on falling.",
        "dropout, augmentation, L2; the best epoch's weights are saved anyway",
        urgent=False,
    )


def _below_training(epochs: Curve, loss: Curve, validation: Curve) -> CurveFinding | None:
    """In the last third, validation is nearly always below training, by a twentieth."""
    span = max(3, len(loss) // 3)
    train, held_out = loss[-span:], validation[-span:]
    level = min(0.95 * train.mean(), train.mean() - CHANCE)
    if (held_out < train).mean() < 0.8 or held_out.mean() > level:
        return None
    return CurveFinding(
        "validation below training",
        epochs[-span],
        f"The validation loss ({held_out.mean():.3g}) is below the training loss "
        f"({train.mean():.3g}): augmentation and dropout make training images harder, or the "
        "network is not trained hard enough.",
        "longer training; less dropout and augmentation where the error on training is large",
        urgent=False,
    )


def _not_learning(epochs: Curve, loss: Curve) -> CurveFinding | None:
    """The training loss itself hardly fell."""
    start, span = float(loss[0]), max(2, len(loss) // 5)
    end, before = float(loss[-span:].mean()), float(loss[-2 * span : -span].mean())
    # The first epoch's mean is below the first batch's loss: a network that learns halves it.
    if end < 0.7 * start or end < 0.98 * before:
        return None
    text = f"The training loss went from {start:.3g} to {end:.3g} only"
    advice = "a larger network, or another learning rate (the finder shows which)"
    if len(loss) < PATIENCE:
        text += f", in {len(loss)} epochs."
        advice = f"{PATIENCE} epochs more, before the network is called too small"
    else:
        text += ", and no longer falls."
    return CurveFinding("not learning", epochs[0], text, advice)
