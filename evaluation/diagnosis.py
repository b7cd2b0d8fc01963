"""From the errors of a run's splits to what is wrong with it, and what to try next.

The four-way split: the error of the training split shows bias, what a train-validation split (of
the same source, never trained on) has more shows variance, what the validation split has more
shows that its images are others, what the test split has more shows that choices were fitted to
the validation split. All is compared to the error that a human makes, or the Bayes error; not to
zero. A difference that the size of the splits cannot decide is called undecided.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sightkit._errors import SightkitError
from sightkit.callbacks.curve_diagnosis import CurveFinding, diagnose_curves
from sightkit.evaluation.intervals import wilson
from sightkit.evaluation.tables import percent

LARGE, SMALL, UNDECIDED, UNKNOWN = "large", "small", "undecided", "unknown"
BIAS, VARIANCE = "bias", "variance"
MISMATCH, OVERFITTED = "data mismatch", "overfitting to validation"
REMEDIES = {
    BIAS: "a larger network, longer training, another architecture",
    VARIANCE: "more training data (or augmentation), regularization, another architecture",
    MISMATCH: "make the training images like those of the validation split, synthesize such, "
    "another architecture",
    OVERFITTED: "more validation and training data, and fewer choices made on the validation split",
}
SPLITS = ("train", "train_validation", "validation", "test")
MATERIAL = 0.01


@dataclass(frozen=True)
class SplitError:
    """How wrong a network is on one split.

    Attributes:
        error: share of images classified wrongly, 0–1.
        count: images it was measured on; None for a number without a sampling error.
        at_most: whether the true error may be anything below, as where it was measured while
            training, with augmentation and dropout.
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


@dataclass(frozen=True)
class Gap:
    """One step from floor to test.

    Attributes:
        name: ``"bias"``, ``"variance"``, ``"data mismatch"`` or ``"overfitting to validation"``.
        verdict: ``"large"``, ``"small"``, ``"undecided"``, or ``"unknown"`` where a split is
            missing.
        size: difference of the errors; NaN where unknown.
        low, high: its 95 % interval.
        text: a sentence.
    """

    name: str
    verdict: str
    size: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Diagnosis:
    """What ``diagnose`` found; ``print`` shows it.

    Attributes:
        gaps: bias, variance, data mismatch, overfitting to validation.
        curves: what the curves show.
        floor: a sentence on the error that all is compared to.
        headline: what is wrong, one sentence.
        next: what to try next, one sentence; empty where nothing is known to be wrong.
    """

    gaps: tuple[Gap, ...]
    curves: tuple[CurveFinding, ...]
    floor: str
    headline: str
    next: str

    @property
    def quadrants(self) -> tuple[str, ...]:
        """Names of the gaps that are large, in the order in which they are to be dealt with."""
        return tuple(gap.name for gap in self.gaps if gap.verdict == LARGE)

    def __str__(self) -> str:
        """The line for the terminal."""
        return " ".join(part for part in (self.headline, self.next) if part)


def diagnose(
    errors: Mapping[str, SplitError],
    *,
    floor: float | None = None,
    floor_source: str = "",
    history: Sequence[Mapping[str, float]] = (),
    material: float = MATERIAL,
) -> Diagnosis:
    """Find which of bias, variance, data mismatch and overfitting to validation a network has.

    Args:
        errors: ``"train"``, ``"train_validation"``, ``"validation"``, ``"test"``; any of them may
            be missing. Training errors are measured without augmentation and dropout.
        floor: error of a human, or the Bayes error, 0–1; None: zero is assumed, and called a
            guess.
        floor_source: where the floor comes from; a floor without one is called a guess.
        history: rows of history.csv: loss, val_loss, accuracy, val_accuracy, learning_rate.
        material: gaps below it do not matter, 0.01 is one percentage point.

    Returns:
        Gaps, what the curves show, and what to try next.

    Raises:
        SightkitError: an unknown split, or a number that is no share.

    Example:
        >>> errors = {"train": SplitError(0.01, 50_000), "validation": SplitError(0.11, 5_000)}
        >>> print(diagnose(errors, floor=0.005, floor_source="two annotators"))
        Variance: 10.0 points (95 %: 9.2 to 10.9). Try next: more training data (or …
    """
    unknown = set(errors) - set(SPLITS)
    if unknown:
        raise SightkitError(
            "Splits are train, train_validation, validation and test.", splits=sorted(unknown)
        )
    if not 0 <= material < 1 or not 0 <= (floor or 0.0) <= 1:
        raise SightkitError(
            "floor and material are shares, from 0 to 1.", floor=floor, material=material
        )
    base = SplitError(floor or 0.0)
    train, held = errors.get("train"), errors.get("train_validation")
    validation, test = errors.get("validation"), errors.get("test")
    one_source = held is None  # nothing tells variance from mismatch: one source is assumed
    gaps = (
        _gap(BIAS, base, train, material, ("as the floor", "on training")),
        _gap(
            VARIANCE,
            train,
            validation if held is None else held,
            material,
            ("on training", "on validation" if one_source else "on train-validation"),
            "if both come from one source; else a train-validation split would show"
            if one_source
            else "",
        ),
        _gap(MISMATCH, held, validation, material, ("on train-validation", "on validation")),
        _gap(OVERFITTED, validation, test, material, ("on validation", "on test")),
    )
    curves = diagnose_curves(history)
    headline, then = _conclude(gaps, curves, errors)
    return Diagnosis(gaps, curves, _floor(floor, floor_source), headline, then)


def _gap(
    name: str,
    lower: SplitError | None,
    upper: SplitError | None,
    material: float,
    ends: tuple[str, str],
    condition: str = "",
) -> Gap:
    """Compare two splits; Newcombe's interval of the difference of two shares."""
    if lower is None or upper is None:
        missing = [end for end, each in zip(ends, (lower, upper), strict=True) if each is None]
        text = f"The error {' and '.join(missing)} was not measured."
        return Gap(name, UNKNOWN, math.nan, math.nan, math.nan, text)
    size = upper.error - lower.error
    (low_a, high_a), (low_b, high_b) = lower.interval(), upper.interval()
    low = size - math.hypot(upper.error - low_b, high_a - lower.error)
    high = size + math.hypot(high_b - upper.error, lower.error - low_a)
    if low > 0 and size >= material:
        verdict = LARGE
    elif high < material:
        verdict = SMALL
    else:
        verdict = UNDECIDED
    before, after = (
        f"{'at most ' if each.at_most else ''}{percent(each.error)} {end}"
        for each, end in zip((lower, upper), ends, strict=True)
    )
    interval = f"95 %: {100 * low:+.2f} to {100 * high:+.2f}"
    text = f"error {after}, {before}: {100 * size:+.2f} points ({interval})"
    if verdict == UNDECIDED and (lower.at_most or upper.at_most):
        text += "; measure the training error without augmentation and dropout to decide"
    elif verdict == UNDECIDED:
        text += "; too few images to decide whether that matters"
    if verdict == LARGE and condition:
        text += f", {condition}"
    return Gap(name, verdict, size, low, high, f"{_capital(text)}.")


def _conclude(
    gaps: Sequence[Gap], curves: Sequence[CurveFinding], errors: Mapping[str, SplitError]
) -> tuple[str, str]:
    """The gap to deal with first; curves whose advice is urgent come before it."""
    urgent = next((curve for curve in curves if curve.urgent), None)
    large = [gap for gap in gaps if gap.verdict == LARGE]
    if large:
        rest = f"; also {', '.join(gap.name for gap in large[1:])}" if large[1:] else ""
        first = large[0]
        headline = (
            f"{_capital(first.name)}: {100 * first.size:.1f} points "
            f"(95 %: {100 * first.low:.1f} to {100 * first.high:.1f}){rest}."
        )
        remedy = REMEDIES[large[0].name]
        if urgent is not None:
            return headline, f"Try next: {urgent.advice}; then {remedy}."
        return headline, f"Try next: {remedy}."
    if urgent is not None:
        return f"{urgent.text}", f"Try next: {urgent.advice}."
    undecided = [gap.name for gap in gaps if gap.verdict == UNDECIDED]
    if undecided:
        return (
            f"Nothing is certainly wrong; undecided: {', '.join(undecided)}.",
            "Try next: measure on more images."
            if all(not each.at_most for each in errors.values())
            else "Try next: measure the training split without augmentation and dropout.",
        )
    known = [gap for gap in gaps if gap.verdict != UNKNOWN]
    if not known:
        return "Too few splits were measured for a diagnosis.", ""
    return "Close to the floor on every split that was measured.", ""


def _floor(floor: float | None, source: str) -> str:
    if floor is None:
        return "No floor was given: 0 % is assumed, which is a guess; the true one is higher."
    if not source:
        return f"Compared to {percent(floor)}, which is a guess."
    return f"Compared to {percent(floor)} ({source})."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def errors_of_run(
    metrics: Mapping[str, Any], history: Sequence[Mapping[str, float]]
) -> dict[str, SplitError]:
    """The errors of a run's splits.

    Args:
        metrics: what metrics.json holds: rank1 and count of each split.
        history: rows of history.csv; where the training split was not evaluated, the accuracy of
            its best epoch (lowest val_loss) bounds the training error.
    """
    errors = {
        name: SplitError(1 - metrics[name]["rank1"], metrics[name]["count"])
        for name in SPLITS
        if name in metrics
    }
    rows = [row for row in history if {"accuracy", "val_loss"} <= set(row)]
    rows = [row for row in rows if math.isfinite(row["val_loss"])]
    if "train" not in errors and rows:
        best = min(rows, key=lambda row: row["val_loss"])
        if 0 <= best["accuracy"] <= 1:
            errors["train"] = SplitError(1 - best["accuracy"], at_most=True)
    return errors
