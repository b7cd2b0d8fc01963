"""Diagnose a run by the errors of its splits: bias, variance, data mismatch; what to try next.

The four-way split: the error of the training split shows bias, what a train-validation split (of
the same source, never trained on) has more shows variance, what the validation split has more
shows that its images are others, what the test split has more shows that choices were fitted to
the validation split. All is compared to the error that a human makes, or the Bayes error; not to
zero. A difference that the size of the splits cannot decide is called undecided.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sightkit._errors import SightkitError
from sightkit._tables import percent
from sightkit.callbacks.curve_diagnosis import (
    MATERIAL,
    PATIENCE,
    CurveFinding,
    diagnose_curves,
)
from sightkit.evaluation.split_errors import SPLITS, SplitError

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
FITTED = {
    **REMEDIES,
    BIAS: "features that say more of an image, those of a pretrained network for example "
    "(scripts/extract_features.py, then scripts/train_logistic.py)",
    VARIANCE: "more training data, a stronger penalty (or more neighbours), other features",
    MISMATCH: "make the training images like those of the validation split, or synthesize such",
}
"""Remedies of what is no network: neighbours, linear classifiers."""
ONE_ANSWER = (
    "class weights (balanced) where classes are unequal and have none, longer training, another "
    "learning rate"
)
ENDS = {
    "floor": "as the floor",
    "train": "on training",
    "train_validation": "on train-validation",
    "validation": "on validation",
    "test": "on test",
}
GUESSED = 0.05
"""Without a floor a training error below it is no bias: a floor of 0 % is a guess."""
FEATURES = (
    "features of a pretrained network (scripts/extract_features.py, then "
    "scripts/train_logistic.py): {:,} photos are few for a network that begins with random weights"
)
SAVED = "nothing more: the weights of the best epoch are saved, and in them the variance is small"


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
    """The result of ``diagnose``; ``print`` shows it.

    Attributes:
        gaps: bias, variance, data mismatch, overfitting to validation.
        curves: the findings in the curves.
        floor: a sentence on the error that all is compared to.
        headline: the main problem, one sentence.
        next: what to try next, one sentence; empty where no problem is known.
    """

    gaps: tuple[Gap, ...]
    curves: tuple[CurveFinding, ...]
    floor: str
    headline: str
    next: str

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
    few_photos: int = 0,
    one_answer: str = "",
    fitted: bool = False,
) -> Diagnosis:
    """Find which of bias, variance, data mismatch and overfitting to validation a network has.

    Args:
        errors: ``"train"``, ``"train_validation"``, ``"validation"``, ``"test"``; any of them may
            be missing. Training errors are measured without augmentation and dropout.
        floor: error of a human, or the Bayes error, 0–1; None: zero is assumed, and called a
            guess.
        floor_source: where the floor comes from; a floor without one is called a guess.
        history: rows of history.csv: loss, val_loss, accuracy, val_accuracy, learning_rate.
        material: gaps below it do not matter, 0.01 is one percentage point; without a floor the
            training error does not below 0.05.
        few_photos: training photos of a network that began with random weights, where they are so
            few that features of a pretrained one are the next thing to try.
        one_answer: a sentence on the class that nearly all images are answered with, where there is
            one.
        fitted: whether it is no network that trains longer or grows, but neighbours or a linear
            classifier.

    Returns:
        Gaps, the findings in the curves, and what to try next.

    Raises:
        SightkitError: an unknown split, or a number that is no share.

    Example:
        >>> errors = {"train": SplitError(0.01, 50_000), "validation": SplitError(0.11, 5_000)}
        >>> print(diagnose(errors, floor=0.005, floor_source="two annotators"))
        Variance: 10.0 points (95 %: 9.2 to 10.9). Try next: more training data (or …
    """
    if unknown := set(errors) - set(SPLITS):
        raise SightkitError(
            "Splits are train, train_validation, validation and test.", splits=sorted(unknown)
        )
    if not 0 <= material < 1 or not 0 <= (floor or 0.0) <= 1:
        raise SightkitError(
            "floor and material are shares, from 0 to 1.", floor=floor, material=material
        )
    measured = {"floor": SplitError(floor or 0.0), **errors}
    # Variance and mismatch need a train-validation split to be separated: one source is assumed.
    held_out = "train_validation" if "train_validation" in errors else "validation"
    steps = (
        (BIAS, "floor", "train"),
        (VARIANCE, "train", held_out),
        (MISMATCH, "train_validation", "validation"),
        (OVERFITTED, "validation", "test"),
    )
    bias = material if floor is not None else max(material, GUESSED)
    gaps = tuple(_gap(*step, measured, bias if step[0] == BIAS else material) for step in steps)
    curves = _agreeing(diagnose_curves(history), gaps)
    remedies = FITTED if fitted else _remedies(len(history), bool(one_answer))
    headline, then = _conclude(gaps, curves, errors, remedies)
    if one_answer:
        headline, then = f"{one_answer} {headline}", then or f"Try next: {remedies[BIAS]}."
    held = [errors[split].error for split in ("validation", "test") if split in errors]
    if few_photos and held and max(held) - (floor or 0) >= GUESSED:
        first = f"Try next: {FEATURES.format(few_photos)}"
        then = f"{first}; then {then.removeprefix('Try next: ')}" if then else f"{first}."
    return Diagnosis(gaps, curves, _floor(floor, floor_source), headline, then)


def _remedies(epochs: int, one_answer: bool) -> Mapping[str, str]:
    """Return a remedy for each gap of a network: one that hardly trained is not yet too small."""
    if one_answer:
        return dict.fromkeys(REMEDIES, ONE_ANSWER)
    if 0 < epochs < PATIENCE:
        return {**REMEDIES, BIAS: f"longer training (few epochs: {epochs}), then a larger network"}
    return REMEDIES


def _agreeing(curves: Sequence[CurveFinding], gaps: Sequence[Gap]) -> tuple[CurveFinding, ...]:
    """Bring the findings in the curves into agreement with what was measured on the splits.

    Curves are of the epochs as they ended; splits are measured with the weights of the best one.
    """
    verdicts = {gap.name: gap.verdict for gap in gaps}
    if verdicts[BIAS] == SMALL:
        curves = [curve for curve in curves if curve.name != "not learning"]
    if verdicts[VARIANCE] == SMALL:
        curves = [
            replace(curve, advice=SAVED) if curve.name == "overfitting" else curve
            for curve in curves
        ]
    return tuple(curves)


def _gap(
    name: str, below: str, above: str, errors: Mapping[str, SplitError], material: float
) -> Gap:
    """Compare two splits; Newcombe's interval of the difference of two shares (1998, method 10)."""
    if missing := [ENDS[split] for split in (below, above) if split not in errors]:
        text = f"The error {' and '.join(missing)} was not measured."
        return Gap(name, UNKNOWN, math.nan, math.nan, math.nan, text)
    lower, upper = errors[below], errors[above]
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
        f"{'at most ' if errors[split].at_most else ''}{percent(errors[split].error)} {ENDS[split]}"
        for split in (below, above)
    )
    interval = f"95 %: {100 * low:+.2f} to {100 * high:+.2f}"
    text = f"error {after}, {before}: {100 * size:+.2f} points ({interval})"
    if verdict == UNDECIDED and (lower.at_most or upper.at_most):
        text += "; measure the training error without augmentation and dropout to decide"
    elif verdict == UNDECIDED:
        text += "; too few images to decide whether that matters"
    if verdict == LARGE and name == VARIANCE and above == "validation":
        text += ", if both come from one source; else a train-validation split would show"
    return Gap(name, verdict, size, low, high, f"{_capital(text)}.")


def _conclude(
    gaps: Sequence[Gap],
    curves: Sequence[CurveFinding],
    errors: Mapping[str, SplitError],
    remedies: Mapping[str, str],
) -> tuple[str, str]:
    """The largest gap is dealt with first; curves whose advice is urgent come before it."""
    urgent = next((curve for curve in curves if curve.urgent), None)
    large = [gap for gap in gaps if gap.verdict == LARGE]
    large.sort(key=lambda gap: -round(gap.size, 4))  # of equal ones the first step
    if large:
        rest = f"; also {', '.join(gap.name for gap in large[1:])}" if large[1:] else ""
        first = large[0]
        headline = (
            f"{_capital(first.name)}: {100 * first.size:.1f} points "
            f"(95 %: {100 * first.low:.1f} to {100 * first.high:.1f}){rest}."
        )
        before = f"{urgent.advice}; then " if urgent else ""
        return headline, f"Try next: {before}{remedies[first.name]}."
    if urgent:
        return urgent.text, f"Try next: {urgent.advice}."
    if undecided := [gap.name for gap in gaps if gap.verdict == UNDECIDED]:
        bound = any(error.at_most for error in errors.values())
        then = "the training split without augmentation and dropout" if bound else "on more images"
        headline = f"Nothing is certainly wrong; undecided: {', '.join(undecided)}."
        return headline, f"Try next: measure {then}."
    if all(gap.verdict == UNKNOWN for gap in gaps):
        return "Too few splits were measured for a diagnosis.", ""
    return "Close to the floor on every split that was measured.", ""


def _floor(floor: float | None, source: str) -> str:
    if floor is None:
        return (
            "No floor was given: 0 % is assumed, which is a guess; the true one is higher, and a "
            f"training error below {100 * GUESSED:.0f} % is no bias."
        )
    if not source:
        return f"Compared to {percent(floor)}, which is a guess."
    return f"Compared to {percent(floor)} ({source})."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
